#!/bin/sh
# Prints the texts that a user meets, for an editor to read: the help of every command, and the texts of
# errors, warnings and hints in the source with their places.
#
#   sh scripts/help.sh [PATH OF skillctl]     default: target/debug/skillctl
set -eu
cd "$(dirname "$0")/.."
skillctl=${1:-target/debug/skillctl}
[ -x "$skillctl" ] || { echo "help: build it first: cargo build" >&2; exit 2; }

# Prints the help of a command and of the commands below it.
help_of() {
  echo "=== skillctl $*"
  COLUMNS=100 "$skillctl" "$@" --help
  echo
  COLUMNS=100 "$skillctl" "$@" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }' |
    while read -r name; do
      [ "$name" = help ] || help_of "$@" "$name"
    done
}
help_of
help_of sample-skill

# A string literal of a production file that is at least three words long.
echo "=== Texts in the source"
git ls-files 'src/*.rs' | grep -v 'tests\.rs$\|/tests/' | while read -r file; do
  awk -v file="$file" '
    /^#\[cfg\(test\)\]/ { exit }
    /^ *\/\// || /reason = "/ { next }
    {
      line = $0
      while (match(line, /"([^"\\]|\\.)*"/)) {
        text = substr(line, RSTART + 1, RLENGTH - 2)
        line = substr(line, RSTART + RLENGTH)
        if (split(text, words, " ") > 2) printf "%s:%d: %s\n", file, FNR, text
      }
      # A literal that goes on in the next line.
      if (match(line, /"[^"]*\\$/)) { printf "%s:%d: %s", file, FNR, substr(line, RSTART + 1); open = 1; next }
      if (open) {
        sub(/^ */, "")
        printf "%s", $0
        if ($0 !~ /\\$/) { print ""; open = 0 }
      }
    }
  ' "$file"
done
