#!/usr/bin/env bash
# Calls every route with inputs generated from the OpenAPI document, and checks the responses against
# it: no 5xx, and no status, type, header or field that the document does not list.
# tests/schemathesis configures the checks and fills in credentials and ids.
#
#   MAX_EXAMPLES=10 SEED=1 LIMIT=600 tests/fuzz.sh [more options of `schemathesis run`]
#
# A run that takes longer than LIMIT seconds is stopped and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

here=tests/schemathesis
venv=.venv-schemathesis
export SEED=${SEED:-1}

need() { command -v "$1" >/dev/null || { echo "make fuzz needs $1: $2" >&2; exit 1; }; }
need cargo "install Rust from https://rustup.rs"
need python3 "install Python 3.11 (Debian: apt-get install python3 python3-venv)"
infra/venv.sh $venv $here/requirements.txt

# Built as part of the workspace, so that the build of the tests is reused.
cargo build --quiet --workspace --bin placet-local
work=$(mktemp -d)
# Started without a shell in between, so that $! is the service's own process id. No review is answered,
# so waits are short whatever their timeout. The hooks replace URLs with the service's own. No mail server listens.
PLACET_MAX_WAIT_MS=50 "${CARGO_TARGET_DIR:-target}"/debug/placet-local --ephemeral --json --port 0 \
  --allow-loopback-webhooks --smtp smtp://127.0.0.1:9 --mail-from placet@example.com >"$work/startup" 2>"$work/log" &
service=$!
stop() { kill $service 2>/dev/null && wait $service || true; rm -rf "$work"; }
trap stop EXIT
for _ in $(seq 100); do
  [ -s "$work/startup" ] && break
  kill -0 $service 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
PLACET_FUZZ_STARTUP=$(cat "$work/startup")
export PLACET_FUZZ_STARTUP
url=$(python3 -c 'import json, os; print(json.loads(os.environ["PLACET_FUZZ_STARTUP"])["url"])')

# A time limit makes the run fail with a message when a call hangs.
limit=${LIMIT:-600}
bounded=()
if command -v timeout >/dev/null; then bounded=(timeout --kill-after=30 "$limit"); fi

# Remove the state of earlier runs, so that a run depends only on its seed. The document is read from
# its file; the route that serves it is called like the others.
rm -rf .schemathesis
failed=0
started=$SECONDS
SCHEMATHESIS_HOOKS=$here/hooks.py "${bounded[@]}" $venv/bin/schemathesis --config-file $here/schemathesis.toml run \
  --workers 1 --max-examples "${MAX_EXAMPLES:-10}" --seed "$SEED" --generation-database none \
  --request-timeout 10 --warnings off --no-color "$@" --url "$url" docs/openapi.json || failed=$?
took="$((SECONDS - started)) s, SEED=$SEED"
case $failed in
  0) echo "fuzz: every response matches the document ($took)" ;;
  124 | 137) echo "fuzz: stopped after $limit s: a call hangs, or LIMIT is too small ($took)" >&2 ;;
  *)
    tail -n 20 "$work/log" >&2
    echo "fuzz: a response differs from the document ($took)" >&2
    ;;
esac
exit $failed
