#!/bin/sh
# Runs every benchmark, and writes what they print to benches/RESULTS.md:
#
#   sh scripts/benchmarks.sh [BENCHMARK…]     mock replay fetch cards soak by default: 45 minutes
#
# Nothing else should run meanwhile: client, server and baseline share the machine. A benchmark that
# is named replaces its own part of the page, and leaves the others. SOAK_MINUTES is how long each of
# the long parts of the soak takes, ten by default.
set -eu
cd "$(dirname "$0")/.."
results=benches/RESULTS.md
[ $# -gt 0 ] || set -- mock replay fetch cards soak
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in "$@"; do
  cargo bench --locked --no-run --bench "$name"
done

options() {
  case $1 in
    replay) echo million ;;
    soak) echo "--minutes ${SOAK_MINUTES:-10}" ;;
  esac
}

# part NAME: the table of a benchmark, under the command that gives it.
part() {
  options=$(options "$1")
  echo "## $1"
  echo
  echo "\`cargo bench --bench $1${options:+ -- $options}\`, $(date -u +%Y-%m-%d)"
  echo
  # shellcheck disable=SC2086 # options are a list; a figure that is missed fails the run and stays
  cargo bench --quiet --locked --bench "$1" -- $options >"$work/out" 2>"$work/err" || :
  case $1 in
    cards)
      echo '| figure | time |'
      echo '|---|---|'
      # Criterion prints a name, then "time: [low middle high]", on one line or on two.
      tr -s ' \n' ' ' <"$work/out" |
        grep -o '[a-z_]*/[0-9]* time: \[[^]]*\]' |
        sed 's/ time: \[[^ ]* [^ ]* \([^ ]* [^ ]*\) .*/ | \1/; s/^/| /; s/$/ |/'
      ;;
    *) grep '^|' "$work/out" ;;
  esac
  echo
}

for name in "$@"; do
  part "$name" >"$work/$name.part"
  echo "$name is done" >&2
done

{
  cat <<END
# What the benchmarks gave

Made by \`scripts/benchmarks.sh\` on a machine with $(getconf _NPROCESSORS_ONLN) cores
($(uname -sm), $(rustc --version | cut -d' ' -f1-2)). Client, server and baseline share them, so
shares of a baseline in the same run say more than times. What each benchmark does is told in
[its README](README.md).

END
  for name in mock replay fetch cards soak; do
    if [ -f "$work/$name.part" ]; then
      cat "$work/$name.part"
    elif [ -f $results ]; then
      sed -n "/^## $name\$/,/^## /{/^## $name\$/p;/^## /!p;}" $results
    fi
  done
} >"$work/whole"
mv "$work/whole" $results
