#!/usr/bin/env bash
# Builds the packages in clients/, installs them from what was built, and tests them and the examples against the local
# runner, which comes from its wheel, too: those of n8n in n8n's engine. Then their types are checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

need() { command -v "$1" >/dev/null || { echo "make test-clients needs $1: $2" >&2; exit 1; }; }
need node "install Node.js 20 or later"
node -e 'process.exit(Number.parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "make test-clients needs Node.js 20 or later" >&2; exit 1; }
need npm "install it (Debian: apt-get install npm)"
need curl "install it (Debian: apt-get install curl)"
need jq "install it (Debian: apt-get install jq)"

work=$(mktemp -d)
stop() {
  if [ -n "${runner:-}" ]; then kill "$runner" 2>/dev/null && wait "$runner" || true; fi
  rm -rf "$work"
}
trap stop EXIT

# The tools and frameworks, unless they are current.
infra/venv.sh .venv-clients tests/packages/requirements.txt
installed=tests/packages/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ tests/packages/package-lock.json -nt "$installed" ]; then
  (cd tests/packages && npm ci --no-audit --no-fund --loglevel=error)
fi
installed=tests/packages/n8n/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ tests/packages/n8n/package-lock.json -nt "$installed" ]; then
  (cd tests/packages/n8n && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
fi
# Of n8n's own nodes the files that the tests load: their package depends on 430 others.
base=tests/packages/n8n/node_modules/.cache/n8n-nodes-base
base_version=1.121.53
if [ "$(jq --raw-output .version "$base/package.json" 2>/dev/null)" != "$base_version" ] || [ ! -e "$base/dist/nodes/Set" ]; then
  rm -rf "$base"
  npm pack --silent --pack-destination "$work" "n8n-nodes-base@$base_version" >/dev/null
  mkdir -p "$base"
  tar -xzf "$work"/n8n-nodes-base-*.tgz -C "$base" --strip-components 1 \
    package/package.json package/dist/utils package/dist/nodes/{HttpRequest,If,ManualTrigger,NoOp,Set}
fi
bin=$PWD/.venv-clients/bin
tsc=$PWD/tests/packages/node_modules/.bin/tsc

# The wheels. The programs are stripped of symbols, as those of a release are.
target=${CARGO_TARGET_DIR:-target}
cargo build --quiet --workspace --bin placet-local
make --silent cli
strip -o "$work/placet-local" "$target/debug/placet-local"
strip -o "$work/placet" "$target/cli/placet"
"$bin/python" clients/python/build_local.py "$work"/placet{-local,} --out "$work/dist" >/dev/null
"$bin/pip" wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work/dist" ./clients/python
"$bin/pip" install --quiet --force-reinstall --no-deps --no-compile "$work"/dist/*.whl

# The tarball, beside the packages that npm installed.
"$tsc" --project clients/typescript --outDir "$work/package/dist"
cp clients/typescript/package.json clients/typescript/README.md LICENSE "$work/package"
npm pack --silent --pack-destination "$work" "$work/package" >/dev/null
rm -rf tests/packages/node_modules/placet-serverless
npm install --prefix tests/packages --no-save --no-audit --no-fund --loglevel=error --offline "$work"/placet-serverless-*.tgz

# The tarball of n8n's nodes, beside n8n's engine.
npm pack --silent --pack-destination "$work" ./clients/n8n >/dev/null
rm -rf tests/packages/n8n/node_modules/n8n-nodes-placet-serverless
npm install --prefix tests/packages/n8n --no-save --ignore-scripts --no-audit --no-fund --loglevel=error --offline "$work"/n8n-nodes-placet-*.tgz

# The local runner.
exec 3< <(exec "$bin/placet-local" --ephemeral --json --allow-loopback-webhooks --port 0 2>"$work/log")
runner=$!
read -r started <&3 || { cat "$work/log" >&2; exit 1; }
setting() { jq --exit-status --raw-output ".$1" <<<"$started"; }
PLACET_URL=$(setting url) PLACET_API_KEY=$(setting apiKey) PLACET_CHANNEL=$(setting channelId)
PLACET_EMAIL=$(setting email) PLACET_PASSWORD=$(setting password)
export PLACET_URL PLACET_API_KEY PLACET_CHANNEL PLACET_EMAIL PLACET_PASSWORD

PLACET_QUESTIONS=$work/questions
export PLACET_QUESTIONS
"$bin/python" tests/packages/ask_many.py >"$PLACET_QUESTIONS"

log=$work/tests
failed=0
ulimit -n 8192
PATH=$bin:$PATH timeout 300 "$bin/python" -m pytest --quiet -p no:cacheprovider tests/packages/python "$@" 2>&1 | tee "$log" || failed=1
timeout 120 node --test --test-concurrency=1 --test-reporter=spec tests/packages/typescript/*.test.mjs 2>&1 | tee -a "$log" || failed=1
N8N_USER_FOLDER=$work N8N_ENCRYPTION_KEY=tests N8N_LOG_LEVEL=error N8N_DIAGNOSTICS_ENABLED=false \
  timeout 120 node --test --test-reporter=spec tests/packages/n8n/*.test.mjs 2>&1 | tee -a "$log" || failed=1

# Types: of the packages as they are installed, of the tests and of the examples.
for version in 3.10 3.13; do
  "$bin/mypy" --strict --python-version "$version" --package placet || failed=1
  "$bin/mypy" --strict --python-version "$version" tests/packages examples/langgraph || failed=1
done
tests/packages/node_modules/.bin/pyright --pythonpath "$bin/python" --project tests/packages || failed=1
"$tsc" --project tests/packages || failed=1

awk '/ passed.* in [0-9.]+s/ { for (i = 2; i <= NF; i++) { if ($i ~ /^passed/) passed += $(i - 1); if ($i ~ /^(failed|error)/) failed += $(i - 1) } }
  / pass [0-9]+$/ { passed += $3 } / fail [0-9]+$/ { failed += $3 }
  END { print "clients: " passed + 0 " passed, " failed + 0 " failed" }' "$log"
exit $failed
