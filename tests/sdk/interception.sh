#!/bin/sh
# Runs every client that docs/interception.md lists: sh tests/sdk/interception.sh SKILLCTL VENV
#
# Each client sends a GET to a hard-coded host and checks the certificate:
#   - to Box, in three ways of starting it; the mock must see the call;
#   - to another host, which it must reach through or without the user's own proxy, which needs a password;
#   - to another host under --no-egress, which must not see the call.
# At the end, every runtime must start in a shell that took `skillctl env`, when the mock has ended.
#
# Names that do not exist are needed, so this runs with a hosts file of its own, in a mount namespace.
# Budget: 90 seconds on two idle cores. Clients run four at a time.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${IN_NAMESPACE:-}" ]; then
  IN_NAMESPACE=yes
  export IN_NAMESPACE
  [ "$(id -u)" = 0 ] && exec unshare -m sh "$0" "$@"
  exec unshare -rm sh "$0" "$@"
fi
skillctl=$1 python=$2/bin/python
work=$(mktemp -d)
upstream=
trap '[ -z "$upstream" ] || kill "$upstream"; rm -rf "$work"' EXIT
printf '127.0.0.1 localhost provider.test tripwire.test\n' >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts

# What the user has: a proxy with a password, certificates, and settings of each runtime.
home="$work/it's a \"home\""
mkdir "$home" "$home/own"
echo 'import sys; sys.OWN = True' >"$home/own/sitecustomize.py"
sh "$here/certificate.sh" "$work" provider.test tripwire.test
"$python" "$here/clients/upstream.py" "$work/certificate.pem" "$work/key.pem" "$work" &
upstream=$!
javac -d "$work" "$here/clients/Clients.java"
GOCACHE=${GOCACHE:-$HOME/.cache/go-build} go build -o "$work/go-client" "$here/clients/clients.go"
until [ -s "$work/ports" ]; do kill -0 "$upstream"; sleep 0.1; done
read -r provider proxy <"$work/ports"
export HOME="$home" TMPDIR="$home" PYTHONPATH="$home/own" RUBYOPT=-W0 JAVA_TOOL_OPTIONS=-Xshare:auto
export NODE_OPTIONS='--title="a b"' NODE_EXTRA_CA_CERTS="$work/ca.pem"
export HTTPS_PROXY="http://me:pa%20ss%40word@127.0.0.1:$proxy" NO_PROXY=intern.test

# A line for each client: its name, and its command without the URL.
clients() {
  for name in https fetch axios-0 axios-1 worker; do
    printf '%s\tnode "%s" %s\n' "node-$name" "$here/clients/clients.cjs" "$name"
  done
  for name in urllib http.client urllib3 requests requests-without-trust-env httpx \
    httpx-without-trust-env httpx-async httpx-async-without-trust-env httpx-trio aiohttp \
    aiohttp-aiodns aiohttp-trust-env aiohttp-uvloop httpx-uvloop tornado tornado-curl httplib2 pycurl \
    gevent multiprocessing
  do
    printf '%s\t"%s" "%s" %s\n' "python-$name" "$python" "$here/clients/clients.py" "$name"
  done
  for name in net-http net-http-without-proxy socket-tcp faraday; do
    printf '%s\truby "%s" %s\n' "ruby-$name" "$here/clients/clients.rb" "$name"
  done
  for name in http-client url-connection; do
    printf '%s\tjava -cp "%s" Clients %s\n' "java-$name" "$work" "$name"
  done
  printf 'go\t"%s"\n' "$work/go-client"
  printf 'curl\tcurl -q -sS --max-time 20 -o /dev/null -w "%%{http_code}\\\\n"\n'
}

# The program that runs all clients: run ROOT. Prints `NAME STATUS`, or `NAME failed: REASON`.
cat >"$work/run" <<'END'
while IFS='	' read -r name command; do
  printf '%s\0%s\0' "$name" "$command \"$1$name\""
done <"$OUT/clients" | xargs -0 -n 2 -P 4 sh -c '
  if answer=$(sh -c "$2" 2>"$0/$1.err"); then echo "$1 $answer"
  else echo "$1 failed: $(tail -n 1 "$0/$1.err")"; fi' "$OUT"
END
clients >"$work/clients"
count=$(wc -l <"$work/clients")
export OUT="$work"

failed=
fail() { failed=yes; echo "interception: $*" >&2; }

# expect WHAT STATUS FILE: every client has printed this status.
expect() {
  [ "$(wc -l <"$3")" = "$count" ] || fail "$1: not every client has run"
  grep -v " $2\$" "$3" >"$work/wrong" && fail "$1: $(cat "$work/wrong")"
  return 0
}

# seen_by_mock WHAT LOG: every client's call to Box is in the log of the mock.
seen_by_mock() {
  while IFS='	' read -r name _; do
    grep -q "GET api.box.com/2.0/$1/$name " "$2" || fail "$1: the mock did not see $name"
  done <"$work/clients"
}

# with_mock WHAT ROOT [OPTION…]: runs all clients as the command of a mock.
with_mock() {
  what=$1 root=$2
  shift 2
  "$skillctl" mock-box --listen 127.0.0.1:0 "$@" -- sh "$work/run" "$root" \
    >"$work/$what" 2>"$work/$what.log" || fail "$what: $(cat "$work/$what.log")"
}

with_mock command https://api.box.com/2.0/command/
expect command 404 "$work/command"
seen_by_mock command "$work/command.log"

with_mock provider "https://provider.test:$provider/"
expect provider 202 "$work/provider"
[ "$(grep -c "^host provider.test " "$work/hits")" = "$count" ] || fail "provider: calls are missing"
# Twice axios, urllib, requests, twice httpx, aiohttp with trust_env, tornado with curl, pycurl, twice Java,
# Go and curl honour a proxy. Ruby does too, but not for a name of this machine.
[ "$(grep -c "^proxy provider.test:$provider\$" "$work/hits")" = 13 ] ||
  fail "provider: $(grep -c ^proxy "$work/hits") of 13 clients used the proxy of the user"

with_mock tripwire "https://tripwire.test:$provider/" --no-egress
grep "tripwire.test" "$work/hits" && fail "tripwire: --no-egress let a client out"
[ "$(grep -c "tripwire.test:$provider is not a Box host" "$work/tripwire.log")" -ge "$count" ] ||
  fail "tripwire: refusals are missing in the log of the mock: $(cat "$work/tripwire.log")"

# A function, with Python's and Node's clients that ignore the proxy.
cat >"$work/function.py" <<END
import sys
sys.argv = ["", "aiohttp", "https://api.box.com/2.0/function"]
sys.path.insert(0, "$here/clients")
from clients import CLIENTS
def run(event, context):
    assert sys.OWN
    return {"statusCode": 200 if CLIENTS["aiohttp"]() == 404 else 500}
END
cat >"$work/function.cjs" <<'END'
exports.run = async () => {
  const { status } = await fetch('https://api.box.com/2.0/function');
  return { statusCode: status === 404 ? 200 : 500 };
};
END
for handler in "$python:function.run" node:function.run; do
  (
    cd "$work"
    "$skillctl" replay --handler "$handler" --no-check finished --no-check outcome --no-check cards \
      --no-check expected --settle 10ms --wait 100ms "$here/../../fixtures/events/minimal"
  ) >"$work/handler" 2>&1 || fail "$handler: $(cat "$work/handler")"
done

# In a shell that took the variables, and then when the mock has ended.
"$skillctl" mock-box --listen 127.0.0.1:0 --ready-file "$work/ready" >"$work/shell.log" 2>&1 &
mock=$!
until [ -s "$work/ready" ]; do kill -0 "$mock"; sleep 0.1; done
url=$(sed 's/.*"url":"\([^"]*\)".*/\1/' "$work/ready")
env | sort >"$work/before"
eval "$("$skillctl" env --box "$url")"
sh "$work/run" https://api.box.com/2.0/shell/ >"$work/shell"
expect shell 404 "$work/shell"
kill "$mock"
wait "$mock" || fail "shell: mock-box ended with $?"
seen_by_mock shell "$work/shell.log"
starts() { "$@" >"$work/start" 2>&1 || fail "does not start without the mock: $*: $(cat "$work/start")"; }
starts node -e 'require("https").createServer()'
starts "$python" -c 'import sys, requests, httpx, httplib2, pycurl; assert sys.OWN'
starts ruby -e 'require "net/http"'
starts java -version
starts curl -q --version
eval "$("$skillctl" env --unset)"
env | sort | cmp - "$work/before" || fail "env --unset did not restore the shell"

# A sitecustomize of the user's own that fails is reported as without skillctl, and hides nothing.
echo 'raise RuntimeError("of my own")' >"$home/own/sitecustomize.py"
"$skillctl" mock-box --listen 127.0.0.1:0 -- "$python" "$here/clients/clients.py" urllib3 \
  https://api.box.com/2.0/own >"$work/own" 2>"$work/own.log"
{ grep -q '^404$' "$work/own" && grep -q 'RuntimeError: of my own' "$work/own.log"; } ||
  fail "own sitecustomize: $(cat "$work/own" "$work/own.log")"

[ -z "$failed" ] || exit 1
echo "interception: $count clients, each with Box, another host, and none; each in a shell too"
