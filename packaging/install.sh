#!/bin/sh
# Installs skillctl from a release tarball:
#
#   sh install.sh URL|FOLDER [TARGET FOLDER]
#
# URL or FOLDER is where skillctl-VERSION-TARGET.tar.gz and its .sha256 file are. VERSION=1.2.3
# selects a version; without it, the folder must contain one tarball for this machine, or the URL a
# file `latest` with the version. The default of TARGET FOLDER is ~/.local. The binary, the man pages
# and the completions go to its bin, share/man and share. Nothing is installed if the checksum is wrong.
set -eu

fail() { echo "install: $*" >&2; exit 1; }

[ $# -ge 1 ] || fail "usage: sh install.sh URL|FOLDER [TARGET FOLDER]"
from=${1%/}
to=${2:-$HOME/.local}

case $(uname -s) in
  Linux) system=unknown-linux-gnu ;;
  Darwin) system=apple-darwin ;;
  *) fail "there is no release for $(uname -s); build from source: cargo install --locked box-skillctl" ;;
esac
case $(uname -m) in
  x86_64 | amd64) machine=x86_64 ;;
  aarch64 | arm64) machine=aarch64 ;;
  *) fail "there is no release for $(uname -m); build from source: cargo install --locked box-skillctl" ;;
esac
# musl has no glibc: the static build runs there.
if [ "$system" = unknown-linux-gnu ] && ! ldd --version 2>&1 | grep -qi -e glibc -e 'gnu libc'; then
  system=unknown-linux-musl
fi
target=$machine-$system

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# get NAME: copies or downloads a file of the release to the work folder.
get() {
  case $from in
    http://* | https://*)
      curl --fail --silent --show-error --location --output "$work/$1" "$from/$1" ||
        fail "cannot download $from/$1"
      ;;
    *) cp "$from/$1" "$work/$1" 2>/dev/null || fail "$from/$1 does not exist" ;;
  esac
}

if [ -z "${VERSION:-}" ]; then
  case $from in
    http://* | https://*) get latest && VERSION=$(cat "$work/latest") ;;
    *)
      found=$(cd "$from" && ls "skillctl-"*"-$target.tar.gz" 2>/dev/null) ||
        fail "$from contains no tarball for $target"
      [ "$(echo "$found" | wc -l)" -eq 1 ] || fail "$from contains several versions; set VERSION"
      VERSION=${found#skillctl-}
      VERSION=${VERSION%-"$target".tar.gz}
      ;;
  esac
fi
name=skillctl-$VERSION-$target
get "$name.tar.gz"
get "$name.tar.gz.sha256"

if command -v sha256sum >/dev/null; then sum=sha256sum; else sum="shasum -a 256"; fi
wanted=$(cut -d' ' -f1 <"$work/$name.tar.gz.sha256")
found=$($sum "$work/$name.tar.gz" | cut -d' ' -f1)
if [ -z "$wanted" ] || [ "$wanted" != "$found" ]; then
  fail "the checksum of $name.tar.gz is $found; $wanted was expected. Nothing was installed"
fi

tar -C "$work" -xzf "$work/$name.tar.gz"
at=$work/$name
mkdir -p "$to/bin" "$to/share/man/man1" "$to/share/bash-completion/completions" \
  "$to/share/zsh/site-functions" "$to/share/fish/vendor_completions.d"
# Replaced in one step: a running skillctl keeps its own file.
cp "$at/skillctl" "$to/bin/.skillctl.new"
chmod 755 "$to/bin/.skillctl.new"
mv "$to/bin/.skillctl.new" "$to/bin/skillctl"
cp "$at/man/man1/"*.1 "$to/share/man/man1/"
cp "$at/completions/skillctl.bash" "$to/share/bash-completion/completions/skillctl"
cp "$at/completions/_skillctl" "$to/share/zsh/site-functions/"
cp "$at/completions/skillctl.fish" "$to/share/fish/vendor_completions.d/"

echo "installed skillctl $VERSION to $to/bin/skillctl"
case :$PATH: in
  *":$to/bin:"*) ;;
  *) echo "add it to your PATH: export PATH=\"$to/bin:\$PATH\"" ;;
esac
