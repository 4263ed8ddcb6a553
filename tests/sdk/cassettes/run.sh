#!/bin/sh
# Records and replays the calls of real clients: sh tests/sdk/cassettes/run.sh SKILLCTL PYTHON
#
# Five skills call services under invented names, which only an upstream proxy reaches. Their calls are
# recorded. Then the services and the proxy go, and the same skills pass by their cassettes alone, while a
# tripwire in the place of the proxy sees nothing. None of the secrets is in a cassette, and a HAR reader
# from npm opens each.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
skillctl=$1 python=$2
cd "$here"
[ -d node_modules ] && cmp -s package-lock.json node_modules/.of || {
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.of
}
work=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill "$running" 2>/dev/null || :; rm -rf "$work"' EXIT
sh "$here/../certificate.sh" "$work" '*.widget.test'

failed=
fail() { failed=yes; echo "cassettes: $*" >&2; }

# skill CLIENT: the words of the command that is the skill.
skill() {
  case $1 in
    requests) printf '%s\n' "$python" "$here/skill.py" ;;
    *) printf '%s\n' node "$here/skill.cjs" "$1" ;;
  esac
}

# replay CLIENT OPTION…: replays the case of a client.
replay() {
  client=$1
  shift
  skill "$client" >"$work/words"
  tr '\n' '\0' <"$work/words" | xargs -0 "$skillctl" replay "$work/cases/$client" "$@" -- \
    >"$work/$client.out" 2>&1
}

"$python" "$here/services.py" "$work" &
running=$!
until [ -s "$work/port" ]; do kill -0 "$running"; sleep 0.1; done
HTTPS_PROXY="http://127.0.0.1:$(cat "$work/port")"
export HTTPS_PROXY SSL_CERT_FILE="$work/ca.pem"
for client in axios fetch requests aws google; do
  mkdir -p "$work/cases/$client"
  cp "$top/fixtures/events/upload-text/event.json" "$top/fixtures/events/upload-text/content.txt" \
    "$work/cases/$client"
  replay "$client" --cassette record || fail "recording $client: $(cat "$work/$client.out")"
  [ -s "$work/cases/$client/cassette.har" ] || fail "$client has no cassette"
done
kill "$running"
running=

# Nothing answers behind the tripwire, and a connection to it is seen.
rm "$work/port"
"$python" - "$work" <<'END' &
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + "/port.new", "w") as file:
    print(server.getsockname()[1], file=file)
os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
while True:
    server.accept()[0].close()
    open(sys.argv[1] + "/tripped", "w").close()
END
running=$!
until [ -s "$work/port" ]; do kill -0 "$running"; sleep 0.1; done
HTTPS_PROXY="http://127.0.0.1:$(cat "$work/port")"
export HTTPS_PROXY HTTP_PROXY="$HTTPS_PROXY"
for client in axios fetch requests aws google; do
  cassette=$work/cases/$client/cassette.har
  cp "$cassette" "$work/before.har"
  for round in first second; do
    replay "$client" || fail "$round replay of $client: $(cat "$work/$client.out")"
  done
  cmp -s "$cassette" "$work/before.har" || fail "replaying has changed the cassette of $client"
  grep -n -i planted "$cassette" && fail "a secret is in the cassette of $client"
  node "$here/read-har.cjs" "$cassette" >"$work/reader" 2>&1 || fail "$client: $(cat "$work/reader")"
  echo "cassette: $client, $(cat "$work/reader")"
done
[ ! -e "$work/tripped" ] || fail "a replay has reached for a service"
[ -z "$failed" ]
