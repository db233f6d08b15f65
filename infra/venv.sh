#!/usr/bin/env bash
# Creates a Python venv from a requirements file, and recreates it when the file, or one that it names with -r, changes:
#
#   infra/venv.sh .venv-sam infra/requirements.txt
set -euo pipefail

directory=$1 requirements=$2
wanted() { # the file, followed by those that it names
  cat "$requirements"
  sed -n 's/^-r *//p' "$requirements" | while read -r named; do cat "$(dirname "$requirements")/$named"; done
}
if [ -x "$directory/bin/python" ] && cmp -s <(wanted) "$directory/requirements.txt"; then exit; fi
python3 -m venv --clear "$directory" ||
  { echo "this requires Python 3.11 and its venv (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
"$directory/bin/pip" install -q --no-compile --disable-pip-version-check -r "$requirements"
wanted >"$directory/requirements.txt"
