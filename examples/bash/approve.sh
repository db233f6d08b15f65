#!/usr/bin/env bash
# Runs a command after a person approved exactly that command, once.
#
#   PLACET_URL=... PLACET_API_KEY=... PLACET_CHANNEL=... approve.sh rm -r build
#
# Needs curl and jq. It ends with the command's status, and with 1 without running it when it was denied, not
# answered within an hour, or anything went wrong.
set -euo pipefail

api() { # METHOD PATH [BODY]
  curl --silent --show-error --fail-with-body --max-time 40 --retry 5 --retry-connrefused --request "$1" "$PLACET_URL$2" \
    --header "Authorization: Bearer $PLACET_API_KEY" --header "Content-Type: application/json" ${3:+--data "$3"}
}

command=$(jq --null-input --compact-output '$ARGS.positional' --args -- "$@")
question=$(jq --null-input --arg channel "$PLACET_CHANNEL" --arg id "bash-$(date +%s)-$$-$RANDOM" --argjson command "$command" '{
  channelId: $channel, clientId: $id, text: "May I run this command?",
  review: { type: "approval", expiresInSeconds: 3600, action: { name: "run", args: { command: $command } } }
}')
id=$(api POST /api/v1/messages "$question" | jq --raw-output .id)
echo "asked; waiting for an answer in the inbox" >&2

while
  answer=$(api GET "/api/v1/reviews/$id/wait?timeout=25000")
  [ "$(jq --raw-output .status <<<"$answer")" = timeout ]
do :; done

review=$(jq .message.review <<<"$answer")
if ! jq --exit-status '.decision.effect == "allow"' <<<"$review" >/dev/null; then
  echo "not approved: $(jq --raw-output '.response.comment // .feedback // .status' <<<"$review")" >&2
  exit 1
fi
# Exactly one call gets past this line with this approval.
api POST "/api/v1/reviews/$id/consume" "$(jq '{actionDigest}' <<<"$review")" >/dev/null
exec "$@"
