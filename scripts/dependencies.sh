#!/bin/sh
# Lists the crates that are built into skillctl on Linux and macOS, by licence, as Markdown:
#
#   sh scripts/dependencies.sh           prints the list
#   sh scripts/dependencies.sh --write   writes the list to docs/dependencies.md
#   sh scripts/dependencies.sh --check   fails if the list in docs/dependencies.md is out of date
#   sh scripts/dependencies.sh --texts   prints the licence texts of the crates built for this machine
set -eu
cd "$(dirname "$0")/.."
page=docs/dependencies.md

# Prints a line `name version|licence` for each crate in the binary. Build scripts and macros are not
# in the binary.
built() {
  cargo tree --locked --edges normal,no-proc-macro --no-dedupe --prefix none \
    --format '{p}|{l}' "$@" | sed 's/^\([^ ]*\) v\([^ |]*\)[^|]*/\1 \2/' | grep -v '^box-skillctl ' |
    LC_ALL=C sort -u
}

list() {
  printf '| licence | crates |\n|---|---|\n'
  for target in x86_64-unknown-linux-gnu aarch64-apple-darwin; do
    built --target "$target"
  done | LC_ALL=C sort -u | awk -F'|' '
    {
      licence = $2
      gsub("/", " OR ", licence)
      if (licence == "Apache-2.0 OR MIT") licence = "MIT OR Apache-2.0"
      if (licence == "MIT OR Unlicense") licence = "Unlicense OR MIT"
      if (licence == "Apache-2.0 OR ISC OR MIT") licence = "MIT OR Apache-2.0 OR ISC"
      if (licence ~ /Zlib/ && licence ~ /MIT/) licence = "MIT OR Apache-2.0 OR Zlib"
      crates[licence] = crates[licence] (crates[licence] == "" ? "" : ", ") $1
      count[licence]++
    }
    END { for (licence in crates) printf "%04d|| %s | %s |\n", 9999 - count[licence], licence, crates[licence] }
  ' | LC_ALL=C sort | sed 's/^[0-9]*|//'
}

# Prints each licence text once, under the names of the crates that have it.
texts() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
  cargo fetch --locked --quiet
  built | while IFS='|' read -r crate licence; do
    found=
    for file in "$sources"/*/"${crate% *}-${crate#* }"/*; do
      case ${file##*/} in
        LICENSE* | LICENCE* | COPYING* | NOTICE* | UNLICENSE* | license*)
          [ -f "$file" ] || continue
          sum=$(cksum <"$file" | tr ' ' -)
          [ -f "$work/$sum.text" ] || cp "$file" "$work/$sum.text"
          echo "$crate" >>"$work/$sum.crates"
          found=yes
          ;;
      esac
    done
    [ -n "$found" ] || echo "$crate ($licence)" >>"$work/without"
  done
  for crates in "$work"/*.crates; do
    printf '%s\n\n' "== $(paste -sd, "$crates" | sed 's/,/, /g')"
    cat "${crates%.crates}.text"
    printf '\n\n'
  done
  if [ -f "$work/without" ]; then
    printf '== Packages without a licence text: %s\n' "$(paste -sd, "$work/without" | sed 's/,/, /g')"
  fi
}

with_list() {
  list >"$page.list"
  sed -e '/<!-- list -->/,/<!-- end -->/{/<!-- list -->/{p;r '"$page.list"'
};/<!-- end -->/!d;}' "$page"
  rm "$page.list"
}

case ${1:-} in
  "") list ;;
  --texts) texts ;;
  --write) with_list >"$page.new" && mv "$page.new" "$page" ;;
  --check)
    with_list | diff "$page" - || {
      echo "$page is out of date; update it with: sh scripts/dependencies.sh --write" >&2
      exit 1
    }
    ;;
  *) echo "usage: sh scripts/dependencies.sh [--write|--check|--texts]" >&2; exit 2 ;;
esac
