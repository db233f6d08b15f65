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
"${bounded[@]}" node --test --test-concurrency=2 --test-reporter=spec tests/browser/*.test.mjs 2>&1 | tee "$log" || failed=$?
if [ "$failed" = 124 ] || [ "$failed" = 137 ]; then echo "browser: stopped after $limit s: a test hangs" >&2; fi
awk '/ pass [0-9]+$/ { passed = $3 } / fail [0-9]+$/ { failed = $3 } END { print "browser: " passed + 0 " passed, " failed + 0 " failed" }' "$log"
rm -f "$log"
exit $failed
