#!/usr/bin/env bash
# Builds and deploys infra/template.yaml to an emulator, as `make deploy` does to AWS, and runs the
# HTTP tests through its API gateway, with each function under its own role.
#
# tests/sam/deployed.py runs the steps; tests/sam/skipped.txt lists the tests that cannot run there.
# With --prepare, this only installs the dependencies and builds the functions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

need() { command -v "$1" >/dev/null || { echo "make test-sam needs $1: $2" >&2; exit 1; }; }
need cargo "install Rust from https://rustup.rs"
need python3 "install Python 3.11 (Debian: apt-get install python3 python3-venv)"
need node "install Node.js 18 or later (Debian: apt-get install nodejs)"
need npm "install it (Debian: apt-get install npm)"

infra/venv.sh .venv-sam infra/requirements.txt
infra/venv.sh .venv-ministack tests/sam/requirements.txt

if [ "${1:-}" = --prepare ]; then
  PATH="$PWD/.venv-sam/bin:$PATH" SAM_CLI_TELEMETRY=0 exec .venv-sam/bin/sam build --config-env local
fi
infra/venv.sh .venv tests/clients/requirements.txt
# The client of sockets.
tests/browser/install.sh
tests/examples.sh
exec .venv-sam/bin/python tests/sam/deployed.py "$@"
