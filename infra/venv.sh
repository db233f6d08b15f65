#!/usr/bin/env bash
# Creates a Python venv from a requirements file, and recreates it when the file changes:
#
#   infra/venv.sh .venv-sam infra/requirements.txt
set -euo pipefail

directory=$1 requirements=$2
if [ -x "$directory/bin/python" ] && cmp -s "$requirements" "$directory/requirements.txt"; then exit; fi
python3 -m venv --clear "$directory" ||
  { echo "this requires Python 3.11 and its venv (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
"$directory/bin/pip" install -q --no-compile --disable-pip-version-check -r "$requirements"
cp "$requirements" "$directory/requirements.txt"
