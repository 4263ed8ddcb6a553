#!/bin/sh
# Runs benchmarks and writes their results to benches/RESULTS.md:
#
#   sh scripts/benchmarks.sh [BENCHMARK…]     default: mock replay cassette fetch cards watch soak (45 minutes)
#
# Run nothing else at the same time: client, server and baseline share the machine. Each benchmark
# replaces only its own section of the page. SOAK_MINUTES is the duration of each long part of the
# soak, in minutes (default 10).
set -eu
cd "$(dirname "$0")/.."
results=benches/RESULTS.md
[ $# -gt 0 ] || set -- mock replay cassette fetch cards watch soak
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in "$@"; do
  cargo bench --locked --no-run --bench "$name"
done

options() {
  case $1 in
    replay) echo million ;;
    watch) echo thousand ;;
    soak) echo "--minutes ${SOAK_MINUTES:-10}" ;;
  esac
}

# part NAME: prints the section of a benchmark: its command and its table.
part() {
  options=$(options "$1")
  echo "## $1"
  echo
  echo "\`cargo bench --bench $1${options:+ -- $options}\`, $(date -u +%Y-%m-%d)"
  echo
  # A benchmark that misses a goal fails; its results are kept all the same.
  # shellcheck disable=SC2086 # options are a list
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
# Benchmark results

Written by \`scripts/benchmarks.sh\` on a machine with $(getconf _NPROCESSORS_ONLN) cores
($(uname -sm), $(rustc --version | cut -d' ' -f1-2)). Client, server and baseline share the cores, so
the ratio to a baseline in the same run is more reliable than a time. [README.md](README.md)
describes each benchmark.

END
  for name in mock replay cassette fetch cards watch soak; do
    if [ -f "$work/$name.part" ]; then
      cat "$work/$name.part"
    elif [ -f $results ]; then
      sed -n "/^## $name\$/,/^## /{/^## $name\$/p;/^## /!p;}" $results
    fi
  done
} >"$work/whole"
mv "$work/whole" $results
