#!/bin/sh
# Makes a Debian package: sh packaging/deb/build.sh TARBALL FOLDER
#
# TARBALL is a release tarball of scripts/release.sh. Its binary must run on glibc 2.28.
set -eu
[ $# -eq 2 ] || { echo "usage: sh packaging/deb/build.sh TARBALL FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
version=$(sh "$here/../version.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tarball"
tar -C "$work/tarball" --strip-components 1 -xzf "$1"
case $1 in
  *x86_64-*) architecture=amd64 ;;
  *aarch64-*) architecture=arm64 ;;
  *) echo "deb: $1 is not for a Debian architecture" >&2; exit 2 ;;
esac

root=$work/root
doc=$root/usr/share/doc/box-skillctl
umask 022
mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/share/man/man1" "$doc" \
  "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
  "$root/usr/share/fish/vendor_completions.d"
install -m 755 "$work/tarball/skillctl" "$root/usr/bin/skillctl"
strip "$root/usr/bin/skillctl"
for page in "$work/tarball/man/man1/"*.1; do
  gzip -9nc "$page" >"$root/usr/share/man/man1/$(basename "$page").gz"
done
install -m 644 "$work/tarball/completions/skillctl.bash" "$root/usr/share/bash-completion/completions/skillctl"
install -m 644 "$work/tarball/completions/_skillctl" "$root/usr/share/zsh/vendor-completions/_skillctl"
install -m 644 "$work/tarball/completions/skillctl.fish" "$root/usr/share/fish/vendor_completions.d/skillctl.fish"
{
  printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n'
  printf 'Files: *\nCopyright: the skillctl authors\nLicense: Expat\n'
  sed 's/^$/./; s/^/ /' "$work/tarball/LICENSE"
} >"$doc/copyright"
install -m 644 "$work/tarball/LICENSES-THIRD-PARTY" "$doc/LICENSES-THIRD-PARTY"
gzip -9n "$doc/LICENSES-THIRD-PARTY"
printf 'box-skillctl (%s) unstable; urgency=low\n\n  * See CHANGELOG.md in the source.\n\n -- The skillctl authors <skillctl@localhost>  %s\n' \
  "$version" "$(date -R -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")" | gzip -9n >"$doc/changelog.gz"
cat >"$root/DEBIAN/control" <<END
Package: box-skillctl
Version: $version
Architecture: $architecture
Maintainer: The skillctl authors <skillctl@localhost>
Installed-Size: $(du -ks "$root" | cut -f1)
Depends: libc6 (>= 2.28), libgcc-s1 | libgcc1
Recommends: ca-certificates
Section: devel
Priority: optional
Description: test Box Custom Skills on your own machine
 skillctl replays captured events against a skill, plays Box for it, and shows,
 checks and records the cards that the skill writes. It works offline, in a
 terminal or in CI.
END
mkdir -p "$2"
dpkg-deb --root-owner-group --build "$root" "$2/box-skillctl_${version}_$architecture.deb" >/dev/null
echo "$2/box-skillctl_${version}_$architecture.deb"
