#!/usr/bin/env bash
# Calls every route with inputs generated from its description, and checks what comes back
# against it: no 5xx, no status, type, header or field that the OpenAPI document does not tell.
# tests/schemathesis says what is checked, and fills in credentials and ids.
#
#   MAX_EXAMPLES=10 SEED=1 LIMIT=600 tests/fuzz.sh [more options of `schemathesis run`]
#
# A run that is not through after LIMIT seconds is stopped, and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

here=tests/schemathesis
venv=.venv-schemathesis
export SEED=${SEED:-1}

need() { command -v "$1" >/dev/null || { echo "make fuzz needs $1: $2" >&2; exit 1; }; }
need cargo "install Rust from https://rustup.rs"
need python3 "install Python 3.11 (Debian: apt-get install python3 python3-venv)"
infra/venv.sh $venv $here/requirements.txt

# As a part of the workspace: what was compiled for the tests serves here, too.
cargo build --quiet --workspace --bin placet-local
work=$(mktemp -d)
# Started without a shell between, so that its id is the service's own. Nobody answers what is
# asked, so waits end soon, whatever their timeout; URLs that it is to call are its own.
PLACET_MAX_WAIT_MS=50 "${CARGO_TARGET_DIR:-target}"/debug/placet-local --ephemeral --json --port 0 \
  --allow-loopback-webhooks >"$work/block" 2>"$work/log" &
service=$!
stop() { kill $service 2>/dev/null && wait $service || true; rm -rf "$work"; }
trap stop EXIT
for _ in $(seq 100); do
  [ -s "$work/block" ] && break
  kill -0 $service 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
PLACET_FUZZ_BLOCK=$(cat "$work/block")
export PLACET_FUZZ_BLOCK
url=$(python3 -c 'import json, os; print(json.loads(os.environ["PLACET_FUZZ_BLOCK"])["url"])')

# A call that hangs must fail the run and say so, instead of holding it for ever.
limit=${LIMIT:-600}
bounded=()
if command -v timeout >/dev/null; then bounded=(timeout --kill-after=30 "$limit"); fi

# What an earlier run remembers would make this one differ from its seed. The document is read
# from its file: it describes the route that serves it, which is called like the others.
rm -rf .schemathesis
failed=0
started=$SECONDS
SCHEMATHESIS_HOOKS=$here/hooks.py "${bounded[@]}" $venv/bin/schemathesis --config-file $here/schemathesis.toml run \
  --workers 2 --max-examples "${MAX_EXAMPLES:-10}" --seed "$SEED" --generation-database none \
  --request-timeout 10 --warnings off --no-color "$@" --url "$url" docs/openapi.json || failed=$?
took="$((SECONDS - started)) s, SEED=$SEED"
case $failed in
  0) echo "fuzz: every route answers as the document says ($took)" ;;
  124 | 137) echo "fuzz: stopped, not through after $limit s: a call hangs, or LIMIT is too small ($took)" >&2 ;;
  *)
    tail -n 20 "$work/log" >&2
    echo "fuzz: something answers otherwise ($took)" >&2
    ;;
esac
exit $failed
