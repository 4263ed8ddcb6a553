#!/usr/bin/env bash
# Builds the release tarball of BINARY twice, compares the two, and checks the content:
# bash tests/smoke-release.sh
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The debug information makes a debug build large and slow to pack.
strip -o "$work/skillctl" "${BINARY:-target/debug/skillctl}"
export BINARY=$work/skillctl
tarball=$(sh scripts/release.sh "$work/one")
again=$(sh scripts/release.sh "$work/two")
cmp "$tarball" "$again"
(cd "$work/one" && sha256sum --check --quiet ./*.sha256)
tar -C "$work" -xzf "$tarball"
name=$(basename "$tarball" .tar.gz)
for file in skillctl README.md LICENSE LICENSES-THIRD-PARTY completions/skillctl.bash \
  completions/_skillctl completions/skillctl.fish man/man1/skillctl.1 man/man1/skillctl-replay.1; do
  [ -s "$work/$name/$file" ] || { echo "$name.tar.gz lacks $file" >&2; exit 1; }
done
grep -q 'MIT License' "$work/$name/LICENSE"
"$work/$name/skillctl" --version
echo "release: $(basename "$tarball"), $(wc -c <"$tarball") bytes, reproducible"
