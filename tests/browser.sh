#!/usr/bin/env bash
# Runs the browser tests: a real Chromium against the local runner.
#
#   tests/browser.sh               all tests of tests/browser
#   tests/browser.sh screenshots   screenshots of every page in tests/browser/screenshots
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

need() { command -v "$1" >/dev/null || { echo "make test-browser needs $1: $2" >&2; exit 1; }; }
need node "install Node.js 18 or later (Debian: apt-get install nodejs)"
need npm "install it (Debian: apt-get install npm)"
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v google-chrome || true)}
[ -n "$CHROMIUM" ] || { echo "make test-browser needs Chromium (Debian: apt-get install chromium), or CHROMIUM=/path/to/it" >&2; exit 1; }
export CHROMIUM

tests/browser/install.sh
cargo build --quiet --workspace --bin placet-local

if [ "${1:-}" = screenshots ]; then exec node tests/browser/screenshots.mjs; fi
log=$(mktemp)
failed=0
# A time limit makes the run fail with a message when a test hangs.
limit=${LIMIT:-1200}
bounded=()
if command -v timeout >/dev/null; then bounded=(timeout --kill-after=30 "$limit"); fi
run() { "${bounded[@]}" node --test --test-reporter=spec "$@" 2>&1; }
run --test-concurrency=2 tests/browser/*.test.mjs | tee "$log" || failed=$?
if [ "$failed" = 124 ] || [ "$failed" = 137 ]; then echo "browser: stopped after $limit s: a test hangs" >&2; fi
# Two browsers share two cores with the runner. Up to three failed tests are run again one at a time; the summary says
# so, and their first failures are above.
again=0
mapfile -t failures < <(sed -n '/^✖ failing tests:/,$ { s/^test at \(.*\):[0-9]*:[0-9]*$/\1/p; s/^✖ \(.*\) ([0-9.]*ms)$/\1/p }' "$log")
if [ "$failed" = 1 ] && [ ${#failures[@]} -gt 0 ] && [ ${#failures[@]} -le 6 ]; then
  failed=0
  for ((at = 0; at < ${#failures[@]}; at += 2)); do
    file=${failures[at]} name=${failures[at + 1]}
    echo "browser: running again: $file: $name"
    pattern=^$(printf %s "$name" | sed 's/[][\.*^$+?(){}|/]/\\&/g')\$
    second=$(run --test-name-pattern="$pattern" "$file") || failed=$?
    echo "$second"
    # A name that selects no test passes nothing.
    grep -q '^ℹ pass [1-9]' <<<"$second" || failed=1
    again=$((again + 1))
  done
  [ "$failed" = 0 ] || again=0
fi
awk -v again="$again" '/ pass [0-9]+$/ { passed = $3 } / fail [0-9]+$/ { failed = $3 }
  END { print "browser: " passed + again " passed, " failed - again " failed" (again ? ", " again " of them in the second run" : "") }' "$log"
rm -f "$log"
exit $failed
