#!/bin/sh
# Compares the mock with what Box publishes: sh tests/conformance/run.sh [PATH OF SKILLCTL]
#
# README.md says what is compared. Needs node, npm and python3. The packages are installed from npm and PyPI,
# in the versions of the lock files, into folders that git ignores.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
skillctl=${1:-$here/../../target/debug/skillctl}
case $skillctl in /*) ;; *) skillctl=$PWD/$skillctl ;; esac
[ -x "$skillctl" ] || { echo "$skillctl does not exist; run cargo build first" >&2; exit 2; }

cd "$here/node-sdk"
[ -d node_modules ] && cmp -s package-lock.json node_modules/.of || {
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.of
}
list=$here/description/requirements.txt
venv=$here/description/.venv
[ -d "$venv" ] && cmp -s "$list" "$venv/of" || {
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$list"
  cp "$list" "$venv/of"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export USER_TOKEN=a-user-token-for-these-tests
failed=

# with NAME COMMAND…: starts a mock, and runs the command against it.
with() {
  name=$1
  shift
  "$skillctl" mock-box --listen 127.0.0.1:0 --user-token-env USER_TOKEN -- "$@" \
    >"$work/out" 2>"$work/err" || {
    failed="$failed
  $name"
    grep -hv '^[0-9][0-9]:' "$work/err" >&2
  }
  # Lines that start with a time are the log of the mock.
  grep -v '^[0-9][0-9]:' "$work/out" || :
}

modules="skills downloads uploads chunkedUploads fileMetadata auth"
# shellcheck disable=SC2086 # a list
node bundle.mjs "$work/tests" $modules
# shellcheck disable=SC2086
with "Box's Node SDK" node run.cjs "$work/tests" $modules
with "Box's description" "$venv/bin/python" "$here/description/run.py"

if [ -n "$failed" ]; then
  echo "failed:$failed" >&2
  exit 1
fi
