#!/bin/sh
# Lists phrases that plain technical English does not need, and fails if it finds any:
#
#   sh scripts/words.sh            checks the paths in `checked`
#   sh scripts/words.sh PATH…      checks these paths, for example: sh scripts/words.sh src
#
# A phrase is found at any case and across a line break. Of identifiers only the names of functions with
# at least four words are checked, such as those of tests: in others `_` is part of a word.
set -eu
cd "$(dirname "$0")/.."

checked='
*.md
.ci
docs
src
tests
:!tests/fuzz/corpus
benches
fuzz
fixtures/README.md
packaging
scripts
'

# An extended regular expression a line, in lower case, then a tab and what to write instead. `_` matches
# up to three words.
phrases='
beside	next to, besides, or compared with
(is|are|was|were) no [^ ]+	is not, or there is no
(lead|leads|led) _to	points at, redirects to, or causes
led back	restored
what (came|comes)	the result
(came|come|comes) of it	the result
whoever	the caller, the client, the user
tell|tells|told	report, publish, print or configure
(go|goes|going|gone|went) on with	continue or resume
in some dress	in one of the forms
(with|after|of|at most|up to) so many	with N, or this many
stand|stands|stood	is, or exists
bring|brings|brought	returns, installs or sends
room|rooms	module
of box.s([.,;:)"]| that| says| goes| carries| sends| which)	a Box X
(break|breaks|broke|breaking|broken) off	end early, or close the connection
trouble|troubles	problem
cure|cures	fix
anew	again
'

# Allowed uses: a path (a shell pattern), the text, and the reason, separated by tabs.
allowed='
*	is no longer	ordinary English: not any more
*	are no longer	as above
*	was no longer	as above
*	one of box'\''s	ordinary English: belongs to Box
*	is no larger	ordinary English: at most as large
*	there is no	ordinary English: it does not exist
*	there are no	as above
*	there was no	as above
*	there were no	as above
scripts/words.sh	*	this file names the phrases
src/domain/cards_from/*.snap	*	the text on a door, in a picture that a service has read
src/domain/cards_from/*.json	*	as above
'

if [ $# -eq 0 ]; then
  set -f
  # shellcheck disable=SC2086 # one path a line
  set -- $checked
  set +f
fi

list=$(mktemp)
trap 'rm -f "$list"' EXIT
git ls-files --cached --others --exclude-standard -- "$@" >"$list"
[ -s "$list" ] || { echo "words: no files match: $*" >&2; exit 2; }

while IFS= read -r file; do
  [ -f "$file" ] || continue
  skip=
  texts=
  while IFS='	' read -r path text reason; do
    [ -n "$reason" ] || continue
    # shellcheck disable=SC2254 # the path is a pattern
    case $file in
      $path) [ "$text" = '*' ] && skip=yes || texts="$texts$text	" ;;
    esac
  done <<END
$allowed
END
  [ -z "$skip" ] || continue
  LC_ALL=C FILE=$file PHRASES=$phrases TEXTS=$texts awk '
    BEGIN {
      file = ENVIRON["FILE"]
      rows = split(ENVIRON["PHRASES"], row, "\n")
      for (i = 1; i <= rows; i++) {
        if (split(row[i], column, "\t") < 2) continue
        count++
        pattern = column[1]
        gsub(/_/, "([^ ]+ )?([^ ]+ )?([^ ]+ )?", pattern)
        expression[count] = "(^|[^a-z0-9_])(" pattern ")([^a-z0-9_]|$)"
        instead[count] = column[2]
      }
      exceptions = split(ENVIRON["TEXTS"], exception, "\t")
    }
    # A line in lower case, without indentation and comment marks.
    function plain(line, name) {
      line = tolower(line)
      sub(/^[ \t]*(#+|\/\/[\/!]?|\*)?[ \t]*/, "", line)
      if (match(line, /(^| )fn [a-z0-9]+_[a-z0-9]+_[a-z0-9]+_[a-z0-9_]+/)) {
        name = substr(line, RSTART, RLENGTH)
        gsub(/_/, " ", name)
        line = substr(line, 1, RSTART - 1) name substr(line, RSTART + RLENGTH)
      }
      return line
    }
    # A text without the allowed uses.
    function masked(text, i, at) {
      for (i = 1; i < exceptions; i++)
        while ((at = index(text, exception[i])) > 0)
          text = substr(text, 1, at - 1) "-" substr(text, at + length(exception[i]))
      return text
    }
    function report(i) {
      printf "%s:%d: %s\n    \"%s\": write %s\n", file, FNR, $0, found, instead[i]
      bad = 1
    }
    function matches(text, i) {
      if (!match(text, expression[i])) return 0
      found = substr(text, RSTART, RLENGTH)
      gsub(/^[^a-z]+|[^a-z]+$/, "", found)
      return 1
    }
    {
      line = plain($0)
      for (i = 1; i <= count; i++) {
        here = matches(masked(line), i)
        if (here) report(i)
        else if (before != "" && !was[i] && matches(masked(before " " line), i)) report(i)
        was[i] = here
      }
      before = line
    }
    END { exit bad }
  ' "$file" || touch "$list.bad"
done <"$list"

if [ -e "$list.bad" ]; then
  rm -f "$list.bad"
  echo "words: rewrite these phrases, or allow the use in scripts/words.sh with a reason" >&2
  exit 1
fi
