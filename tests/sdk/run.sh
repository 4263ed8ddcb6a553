#!/bin/sh
# Runs real clients of Box against mock-box: sh tests/sdk/run.sh [PATH OF SKILLCTL]
#
# Each client calls Box's own hosts, and also a base URL if the client can be configured with one.
# Needs node, npm, python3, curl, ruby with faraday, a JDK, go and openssl. The clients are installed from
# the registries, in the versions of the lock files, into folders that git ignores. Each client gets its
# own mock (`-- CMD`).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
skillctl=${1:-$top/target/debug/skillctl}
case $skillctl in /*) ;; *) skillctl=$PWD/$skillctl ;; esac
[ -x "$skillctl" ] || { echo "$skillctl does not exist; run cargo build first" >&2; exit 2; }

cd "$here/node"
[ -d node_modules ] && cmp -s package-lock.json node_modules/.of || {
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.of
}
for generation in 3 10 clients; do
  list=$here/python/requirements-$generation.txt
  venv=$here/python/.venv/$generation
  [ -d "$venv" ] && cmp -s "$list" "$venv/of" || {
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$list"
    cp "$list" "$venv/of"
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CONTENT="$top/fixtures/events/upload-text/content.txt"
export USER_TOKEN=a-user-token-for-these-tests
failed=

# with COMMAND…: starts a mock with one registered event, and runs the command against it.
with() {
  rm -rf "$work/events"
  export EVENTS_DIR="$work/events"
  if ! "$skillctl" mock-box --listen 127.0.0.1:0 --events-dir "$EVENTS_DIR" \
    --user-token-env USER_TOKEN "$top/fixtures/events/upload-text" -- "$@" \
    >"$work/out" 2>"$work/err"
  then
    failed="$failed
  $*"
    cat "$work/out" "$work/err" >&2
    return
  fi
  # Lines that start with a time are the log of the mock.
  grep -v '^[0-9][0-9]:' "$work/out"
}

old=$here/python/.venv/3/bin/python
new=$here/python/.venv/10/bin/python
for mode in hard-coded configured; do
  with node "$here/node/legacy-sdk.cjs" box-node-sdk-1 $mode
  with node "$here/node/legacy-sdk.cjs" box-node-sdk-3 $mode
  with node "$here/node/sdk-10.cjs" $mode
  with "$old" "$here/python/legacy_sdk.py" $mode
  with "$new" "$here/python/sdk_10.py" $mode
done
with node "$here/node/sockets.cjs"
with node "$here/node/fetch.mjs"
with node "$here/node/axios.cjs" axios-0
with node "$here/node/axios.cjs" axios-1
with "$new" "$here/python/plain_urllib.py"
with "$new" "$here/python/plain_requests.py"
with sh "$here/curl.sh"

# The SDKs verify the signatures of replay: of the exact bytes, and of events that a mock has renewed.
# The bodies contain a slash and non-ASCII letters. No SDK may accept a signature with a wrong key.
export PRIMARY=the-primary-key SECONDARY=the-secondary-key OTHER=another-key
unseen="--no-check tokens --no-check finished --no-check outcome --no-check cards --no-check expected"
events="$top/fixtures/events/slash-field $top/fixtures/events/non-ascii-name"

# signed COMMAND…: runs a skill that replies 200 if it accepts the signature.
signed() {
  for mode in "--no-mock" "--wait 1s --settle 10ms $unseen"; do
    # shellcheck disable=SC2086 # options and paths are lists
    "$skillctl" replay $mode --primary-key-env PRIMARY --secondary-key-env SECONDARY $events \
      -- "$@" >"$work/out" 2>"$work/err" || {
      failed="$failed
  signed ($mode): $*"
      cat "$work/out" "$work/err" >&2
    }
  done
  # shellcheck disable=SC2086
  "$skillctl" replay --no-mock --primary-key-env OTHER --secondary-key-env OTHER $events \
    -- "$@" >"$work/out" 2>"$work/err" && failed="$failed
  accepted a wrong signature: $*"
  echo "signed: $*" | sed "s|$here/||g"
}

signed node "$here/node/signed.cjs" box-node-sdk-1 raw
signed node "$here/node/signed.cjs" box-node-sdk-1 parsed
signed node "$here/node/signed.cjs" box-node-sdk-3 raw
signed node "$here/node/signed.cjs" box-node-sdk-3 parsed
signed node "$here/node/signed.cjs" box-node-sdk-10 raw
signed "$old" "$here/python/signed.py" 3
signed "$new" "$here/python/signed.py" 10

# A JUnit parser reads the reports of a passing and a failing run. The name of a case has characters
# that are special in XML.
mkdir "$work/cases"
name='a <b> & "c" ]]> é'
cp "$top/fixtures/events/minimal/event.json" "$work/cases/$name.json"
cp "$top/fixtures/events/upload-text/event.json" "$work/cases/plain.json"
reported() {
  tests=$1 failures=$2
  shift 2
  (cd "$work/cases" && "$skillctl" replay --report junit="$work/junit.xml" . "$@" \
    >"$work/out" 2>&1) || [ "$failures" -gt 0 ] || cat "$work/out" >&2
  "$new" "$here/python/junit.py" "$work/junit.xml" "$tests" "$failures" "./$name.json" || failed="$failed
  junit.py: replay $*"
}
reported 2 0 --sample-skill
# Python's file server refuses POST.
reported 2 2 --no-mock -- sh -c 'exec python3 -m http.server --bind 127.0.0.1 "$PORT"'

sh "$here/interception.sh" "$skillctl" "$here/python/.venv/clients" || failed="$failed
  interception.sh"

sh "$here/cassettes/run.sh" "$skillctl" "$here/python/.venv/clients/bin/python" || failed="$failed
  cassettes/run.sh"

# The event pump: the SDKs upload files, the mock sends events to a skill, and the SDKs read the cards.
mkdir "$work/inbox"
"$skillctl" mock-box --listen 127.0.0.1:0 --ready-file "$work/ready" --files "$work/inbox" \
  --user-token-env USER_TOKEN -- "$skillctl" sample-skill >"$work/out" 2>"$work/err" &
pump=$!
trap 'kill "$pump" 2>/dev/null || :; rm -rf "$work"' EXIT
until [ -s "$work/ready" ]; do kill -0 "$pump"; sleep 0.1; done
url=$(sed 's/.*"url":"\([^"]*\)".*/\1/' "$work/ready")
eval "$("$skillctl" env --box "$url")"
node "$here/node/pump.cjs" || failed="$failed
  node pump.cjs"
"$old" "$here/python/pump.py" || failed="$failed
  python pump.py"
kill "$pump"
wait "$pump" || failed="$failed
  mock-box --files"

if [ -n "$failed" ]; then
  echo "failed:$failed" >&2
  exit 1
fi
