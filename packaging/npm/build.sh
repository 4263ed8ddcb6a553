#!/bin/sh
# Makes the npm packages: sh packaging/npm/build.sh FOLDER PLATFORM=BINARY…
#
# PLATFORM is linux-x64, linux-arm64, darwin-x64 or darwin-arm64. Writes box-skillctl-VERSION.tgz, which
# starts the binary, and for each binary box-skillctl-PLATFORM-VERSION.tgz, which contains it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(sh "$here/../version.sh")
[ $# -ge 2 ] || { echo "usage: sh packaging/npm/build.sh FOLDER PLATFORM=BINARY…" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pack NAME: packs the folder of a package.
pack() { (cd "$work/$1" && npm pack --silent --pack-destination "$folder" >/dev/null); }

optional=
for given in "$@"; do
  platform=${given%%=*}
  name=box-skillctl-$platform
  mkdir -p "$work/$name"
  cp "${given#*=}" "$work/$name/skillctl"
  chmod 755 "$work/$name/skillctl"
  cp "$here/../../LICENSE" "$work/$name/"
  cat >"$work/$name/package.json" <<END
{
  "name": "$name",
  "version": "$version",
  "description": "The binary of box-skillctl for $platform",
  "license": "MIT",
  "os": ["${platform%-*}"],
  "cpu": ["${platform#*-}"],
  "files": ["skillctl"]
}
END
  pack "$name"
  optional="$optional\"$name\": \"$version\", "
done

mkdir -p "$work/box-skillctl"
cp "$here/skillctl.js" "$here/../../LICENSE" "$here/../../README.md" "$work/box-skillctl/"
cat >"$work/box-skillctl/package.json" <<END
{
  "name": "box-skillctl",
  "version": "$version",
  "description": "Test Box Custom Skills on your own machine",
  "keywords": ["box", "skills", "mock", "webhook", "testing"],
  "license": "MIT",
  "bin": { "skillctl": "skillctl.js" },
  "files": ["skillctl.js"],
  "engines": { "node": ">=18" },
  "optionalDependencies": { ${optional%, } }
}
END
pack box-skillctl
