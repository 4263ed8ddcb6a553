#!/bin/sh
# Makes the tarball skillctl-VERSION-TARGET.tar.gz, with the binary, the README, docs, fixtures,
# licences, completions and man pages, and its checksum in a .sha256 file:
#
#   sh scripts/release.sh [FOLDER]     writes to FOLDER (default: dist)
#
# BINARY=PATH packs that binary instead of a `dist` build. The tarball is reproducible: names are
# sorted, and every time is that of the last commit, or SOURCE_DATE_EPOCH if it is set.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-dist}

for needed in cargo git tar gzip sha256sum; do
  command -v "$needed" >/dev/null || { echo "release: $needed is not installed" >&2; exit 1; }
done
tar --version | grep -q GNU || { echo "release: tar is not GNU tar (on macOS: brew install gnu-tar)" >&2; exit 1; }

if [ -z "${BINARY:-}" ]; then
  cargo build --profile dist --locked
  BINARY=${CARGO_TARGET_DIR:-target}/dist/skillctl
fi
version=$("$BINARY" --version | cut -d' ' -f2)
target=$(rustc -vV | sed -n 's/^host: //p')
name=skillctl-$version-$target
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
at=$work/$name
mkdir -p "$at/completions" "$at/man/man1" "$folder"
cp "$BINARY" "$at/skillctl"
cp README.md LICENSE "$at"
cp -R docs fixtures "$at"
sh scripts/dependencies.sh --texts >"$at/LICENSES-THIRD-PARTY"
"$BINARY" completions bash >"$at/completions/skillctl.bash"
"$BINARY" completions zsh >"$at/completions/_skillctl"
"$BINARY" completions fish >"$at/completions/skillctl.fish"
"$BINARY" man --dir "$at/man/man1"
chmod -R u=rwX,go=rX "$at"

tar --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner --format=ustar \
  -C "$work" -cf - "$name" | gzip -9n >"$folder/$name.tar.gz"
(cd "$folder" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
echo "$folder/$name.tar.gz"
