#!/usr/bin/env bash
# Runs the first steps of the README as a user does, and checks the exit codes:
# bash tests/smoke.sh [PATH OF SKILLCTL]. It runs this binary instead of `cargo run --`.
set -euo pipefail
cd "$(dirname "$0")/.."
skillctl=$(realpath "${1:-target/debug/skillctl}")
unset "${!SKILLCTL_@}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# exits CODE COMMAND…: runs the command and requires this exit code.
exits() {
  local wanted=$1 code=0
  shift
  "$@" >"$work/out" 2>"$work/err" || code=$?
  if [ "$code" != "$wanted" ]; then
    printf 'exit code %s instead of %s: %s\n' "$code" "$wanted" "$*" >&2
    cat "$work/out" "$work/err" >&2
    exit 1
  fi
}

# says TEXT: requires this text in the output of the last command.
says() { grep -q -e "$1" "$work/out" || { echo "\"$1\" is not in the output:" >&2; cat "$work/out" >&2; exit 1; }; }

# The README starts with two commands. The second, `cargo test`, is run by the stage `rust`.
grep -q 'cargo run -- replay --sample-skill fixtures/events' README.md
exits 0 "$skillctl" replay --sample-skill fixtures/events
says '13 events: 13 passed'

exits 0 "$skillctl" --help
says 'Examples:'
cp fixtures/events/upload-text/content.txt "$work/notes.txt"
cd "$work"
exits 0 "$skillctl" event new notes.txt --case cases/notes
exits 0 "$skillctl" replay --sample-skill cases --update --report junit=junit.xml
exits 0 "$skillctl" replay --sample-skill cases
sed -i.bak 's/"status": "success"/"status": "permanent_failure"/' cases/notes/expected.json
exits 1 "$skillctl" replay --sample-skill cases
exits 2 "$skillctl" replay --sample-skill no-such-folder
exits 3 "$skillctl" replay cases -- false
grep -q '<testsuite' junit.xml

# The shells parse the completions, and mandoc parses the man pages.
"$skillctl" completions bash >skillctl.bash && bash -n skillctl.bash
"$skillctl" completions zsh >_skillctl && zsh -n _skillctl
"$skillctl" man --dir man
for page in man/*.1; do
  if mandoc -T lint -W error "$page" | grep -v 'unknown font'; then exit 1; fi
done
pages=(man/*.1)
echo "smoke: ${#pages[@]} man pages, and all exit codes are right"
