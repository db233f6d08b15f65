#!/usr/bin/env bash
# Tests of /mcp and of hooks with the official MCP clients and with Claude Code; needs Python 3.10 and npm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
infra/venv.sh .venv-protocols tests/protocols/requirements.txt
installed=tests/protocols/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ tests/protocols/package-lock.json -nt "$installed" ]; then
  (cd tests/protocols && npm ci --no-audit --no-fund --loglevel=error)
fi
cargo build --quiet -p placet-local -p placet
cd tests/protocols
exec ../../.venv-protocols/bin/python -m unittest "$@"
