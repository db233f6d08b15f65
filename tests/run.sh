#!/usr/bin/env bash
# Runs all tests: on LocalStack (the default) or on the embedded engines.
#
#   tests/run.sh localstack   starts LocalStack, runs the tests against it, stops it
#   tests/run.sh embedded     runs them on the engines in this repository
#
# LocalStack is the pinned community image where a Docker engine answers, and otherwise runs on
# this machine from PyPI (tests/localstack, built once in .localstack).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

engine=${1:-localstack}
image=localstack/localstack:4.9.2
# DynamoDB Local keeps all tables in memory; with LocalStack's default of 256m it begins to fail
# transactions after some 300 tests. (tests/localstack/localstack-up.sh says the same.)
heap=1500m

need() { command -v "$1" >/dev/null || { echo "make test needs $1: $2" >&2; exit 1; }; }

free_port() { # a free port whose successor is free, too
  python3 - <<'PY'
import random, socket
while True:
    port = random.randrange(20000, 30000)
    try:
        with socket.socket() as a, socket.socket() as b:
            a.bind(("127.0.0.1", port)); b.bind(("", port + 1))
        print(port); break
    except OSError:
        pass
PY
}

has_docker() { command -v docker >/dev/null && docker info >/dev/null 2>&1; }

start_in_docker() {
  container=$(docker run --rm -d -p "127.0.0.1:$port:4566" -e SERVICES=s3,dynamodb,sqs,dynamodbstreams \
    -e S3_SKIP_SIGNATURE_VALIDATION=0 -e DYNAMODB_HEAP_SIZE="$heap" \
    -e JAVA_TOOL_OPTIONS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" "$image")
  for _ in $(seq 240); do
    if curl -fsS --max-time 2 "$url/_localstack/health" 2>/dev/null | grep -q '"dynamodb": *"\(available\|running\)"'; then
      return
    fi
    sleep 0.5
  done
  echo "LocalStack in Docker was not healthy after 120 s:" >&2
  docker logs --tail 20 "$container" >&2
  exit 1
}

stop() {
  if [ -n "${container:-}" ]; then docker stop "$container" >/dev/null; fi
  if [ -n "${hosted:-}" ]; then LOCALSTACK_HOME=.localstack LOCALSTACK_PORT=$port tests/localstack/localstack-up.sh down; fi
}

need cargo "install Rust from https://rustup.rs"
need cc "install a C compiler (Debian: apt-get install gcc)"
need python3 "install Python 3.11 (Debian: apt-get install python3 python3-venv)"
infra/venv.sh .venv tests/clients/requirements.txt
export PLACET_TEST_PYTHON=$PWD/.venv/bin/python
need node "install Node.js 18 or later (Debian: apt-get install nodejs)"
need npm "install it (Debian: apt-get install npm)"
tests/examples.sh

if [ "$engine" = localstack ]; then
  need curl "install it (Debian: apt-get install curl)"
  if ! has_docker; then
    need java "without a Docker engine LocalStack needs a JDK 17 (Debian: apt-get install openjdk-17-jdk-headless)"
    need javac "without a Docker engine LocalStack needs a JDK 17 (Debian: apt-get install openjdk-17-jdk-headless)"
    need ps "without a Docker engine LocalStack needs ps (Debian: apt-get install procps)"
  fi
fi

# Build before starting an engine, so that compile errors appear first.
cargo build --quiet --workspace
cargo test --quiet --workspace --no-run

if [ "$engine" = localstack ]; then
  port=$(free_port)
  url=http://127.0.0.1:$port
  trap stop EXIT
  if has_docker; then
    start_in_docker
  else
    hosted=yes
    LOCALSTACK_HOME=.localstack LOCALSTACK_PORT=$port tests/localstack/localstack-up.sh up
  fi
  export PLACET_TEST_ENGINE=$url
else
  export PLACET_TEST_ENGINE=embedded
fi

# A time limit makes the run fail with a message when a test hangs.
bounded=()
if command -v timeout >/dev/null; then bounded=(timeout --kill-after=30 "${PLACET_TEST_LIMIT:-1500}"); fi

# Most tests wait for an engine or a clock, so more of them run at a time than there are cores. Some run
# only on the embedded engines: tests of the local runner, which has its own engines; long lists of bad
# input, which are refused before any engine is called; page times, which need an idle machine; and
# tests with very many items, which take minutes to write through an emulator.
threads=6
some=()
if [ "$engine" = localstack ]; then
  threads=8
  some=(-- --skip runner --skip hostile::requests --skip malformed_bodies
    --skip members_of_the_wrong_type --skip content_types_and_encodings
    --skip no_url_with_a_private_address --skip private_addresses_are_refused
    --skip renders_within_bounds --skip render_within_bounds --skip other_requests_are_served --skip abandoned_pages
    --skip outgrow --skip very_many --skip where_a_response_is_full --skip a_smaller_older_review
    --skip pages_fit_a_response --skip an_empty_search)
  echo "localstack: tests of the local runner, of refused input, of page times and of very many items run only with make test-embedded"
fi
log=$(mktemp)
failed=0
started=$SECONDS
PLACET_TEST_PERMISSIONS=$(mktemp)
export PLACET_TEST_PERMISSIONS
RUST_TEST_THREADS=${RUST_TEST_THREADS:-$threads} "${bounded[@]}" cargo test --workspace --no-fail-fast "${some[@]}" 2>&1 | tee "$log" || failed=$?
if [ "$failed" = 124 ] || [ "$failed" = 137 ]; then echo "$engine: stopped after $((SECONDS - started)) s: a test hangs" >&2; fi
# The engine shares two cores with the tests and sometimes times out. Up to three failed tests are run again
# one at a time; the summary says so, and their first failures are above.
again=0
if [ "$failed" != 0 ]; then
  mapfile -t failures < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$log" | sort -u)
  count=$(awk '/^test result:/ { failed += $6 } END { print failed + 0 }' "$log")
  # A test binary that crashed or was stopped prints no result.
  if [ "$(grep -cE '^ +(Running|Doc-tests) ' "$log")" = "$(grep -c '^test result:' "$log")" ] &&
    [ ${#failures[@]} = "$count" ] && [ "$count" -gt 0 ] && [ "$count" -le 3 ]; then
    echo "$engine: running again one at a time: ${failures[*]}"
    failed=0
    RUST_TEST_THREADS=1 "${bounded[@]}" cargo test --workspace -- --exact "${failures[@]}" || failed=$?
    if [ "$failed" = 0 ]; then again=${#failures[@]}; fi
  fi
fi
awk -v engine="$engine" -v seconds=$((SECONDS - started)) -v again="$again" '/^test result:/ { passed += $4; failed += $6 }
  END { print engine ": " passed + again " passed, " failed - again " failed, " seconds " s" (again ? ", " again " of them in the second run" : "") }' "$log"
# Tests fail when a function uses a permission that it does not list. This reports listed permissions
# that no test used; only the embedded run includes all tests.
if [ "$failed" = 0 ] && [ "$engine" = embedded ]; then "${CARGO_TARGET_DIR:-target}"/debug/permissions "$PLACET_TEST_PERMISSIONS" || failed=$?; fi
rm -f "$log" "$PLACET_TEST_PERMISSIONS"
exit $failed
