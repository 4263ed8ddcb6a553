#!/bin/sh
# Lines of production code by folder of src: sh scripts/lines.sh [REVISION…]
#
# Prints a table with a column for each revision (without one: for the files as they are). Counted are
# lines of Rust that are neither blank nor comments, without items under #[cfg(test)] and without
# files that only tests compile. Relies on rustfmt: an item ends on the line of its own indentation.
set -eu
cd "$(dirname "$0")/.."

count() { # count REVISION: folder and lines, for each file
  if [ "$1" = - ]; then
    find src -name '*.rs'
  else
    git ls-tree -r --name-only "$1" -- src | grep '\.rs$'
  fi | while read -r file; do
    case $file in
      */tests.rs | */tests/*) continue ;;
    esac
    if [ "$1" = - ]; then cat "$file"; else git show "$1:$file"; fi |
      awk -v file="$file" '
        { indent = match($0, /[^ ]/) - 1 }
        skips {
          # An item without a block ends with its line; one with a block where the indentation returns.
          if (indent == at && /^ *#\[/) next
          if (indent == at && /[;,}]$/) skips = 0
          next
        }
        /^ *#\[(cfg\((all\()?test[,)]|test\])/ { skips = 1; at = indent; next }
        /^ *$/ || /^ *\/\// { next }
        { lines++ }
        END {
          split(file, part, "/")
          sub(/\.rs$/, "", part[2])
          print part[2], lines + 0
        }'
  done
}

[ $# -gt 0 ] || set -- -
for revision; do
  count "$revision" | sed "s|^|$revision |"
done | awk -v revisions="$*" '
  { lines[$2, $1] += $3; sum[$1] += $3; folders[$2] }
  END {
    number = split(revisions, revision, " ")
    printf "%-14s", "folder"
    for (i = 1; i <= number; i++) printf "%12s", revision[i] == "-" ? "now" : substr(revision[i], 1, 10)
    print ""
    for (folder in folders) {
      line = sprintf("%-14s", folder)
      for (i = 1; i <= number; i++) line = line sprintf("%12d", lines[folder, revision[i]])
      print line | "sort"
    }
    close("sort")
    printf "%-14s", "in all"
    for (i = 1; i <= number; i++) printf "%12d", sum[revision[i]]
    print ""
  }'
