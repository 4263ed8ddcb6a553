#!/usr/bin/env bash
# Makes the packages, installs each into an empty folder, and runs the main job with it:
# bash packaging/test.sh [BINARY]
#
# BINARY (default: target/debug/skillctl) goes into the tarball and what is made of it: the npm packages
# and the Debian package. The crate and the wheel are built from source. SKIP_SOURCE=1 leaves those out.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out
mkdir -p "$out"

step() { printf 'packages: %s\n' "$*"; }

# works SKILLCTL…: the main job, in an empty folder.
works() {
  local folder
  folder=$(mktemp -d -p "$work")
  printf 'Anna: Good morning.\n' >"$folder/notes.txt"
  (cd "$folder" &&
    "$@" event new notes.txt --case cases/notes &&
    "$@" replay --sample-skill cases --update &&
    "$@" replay --sample-skill cases) >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  grep -q '1 event: 1 passed' "$work/log"
}

# fails WORDS COMMAND…: the command fails and says these words.
fails() {
  local words=$1
  shift
  if "$@" >"$work/log" 2>&1; then echo "should have failed: $*" >&2; exit 1; fi
  grep -q -e "$words" "$work/log" || { cat "$work/log" >&2; exit 1; }
}

strip -o "$work/skillctl" "${1:-target/debug/skillctl}"

step tarball and install.sh
tarball=$(BINARY=$work/skillctl sh scripts/release.sh "$out")
sh packaging/install.sh "$out" "$work/prefix" >"$work/log"
works "$work/prefix/bin/skillctl"
[ -s "$work/prefix/share/man/man1/skillctl-replay.1" ]
mkdir "$work/wrong"
cp "$tarball" "$work/wrong/"
printf '%064d  %s\n' 0 "$(basename "$tarball")" >"$work/wrong/$(basename "$tarball").sha256"
fails 'Nothing was installed' sh packaging/install.sh "$work/wrong" "$work/refused"
[ ! -e "$work/refused" ]
fails 'contains no tarball' sh packaging/install.sh "$work" "$work/refused"

step npm
case $(uname -m) in x86_64) platform=linux-x64 ;; *) platform=linux-arm64 ;; esac
sh packaging/npm/build.sh "$out/npm" "$platform=$work/skillctl"
mkdir "$work/npm"
(cd "$work/npm" && npm init --yes >/dev/null &&
  npm install --silent --no-audit --no-fund --offline "$out/npm/box-skillctl-$platform-"*.tgz "$out/npm/box-skillctl-"[0-9]*.tgz)
works "$work/npm/node_modules/.bin/skillctl"
fails 'unrecognized subcommand' "$work/npm/node_modules/.bin/skillctl" no-such-command
rm -r "$work/npm/node_modules/box-skillctl-$platform"
fails 'is not installed' "$work/npm/node_modules/.bin/skillctl" --version

step Debian package
deb=$(sh packaging/deb/build.sh "$tarball" "$out")
if command -v lintian >/dev/null; then
  # The maintainers have no public address yet.
  lintian --allow-root --fail-on error --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "$deb"
fi
dpkg-deb --extract "$deb" "$work/deb"
works "$work/deb/usr/bin/skillctl"

step GitHub Action
mkdir -p "$work/action/cases"
cp -R fixtures/events/upload-text "$work/action/cases/"
(
  cd "$work/action"
  export PATH=$work/prefix/bin:$PATH GITHUB_STEP_SUMMARY=$work/summary.md
  SKILLCTL_ARGUMENTS='--sample-skill "cases"' bash "$top/packaging/action/run.sh" >"$work/log"
  grep -q '1 passed' "$work/summary.md"
  sed -i 's/"status": "success"/"status": "permanent_failure"/' cases/upload-text/expected.json
  SKILLCTL_ARGUMENTS='--sample-skill cases' fails '::error' bash "$top/packaging/action/run.sh"
)

step pre-commit hook
entry=$(sed -n 's/^  entry: skillctl //p' .pre-commit-hooks.yaml)
# shellcheck disable=SC2086 # the entry is a list of words
"$work/prefix/bin/skillctl" $entry fixtures/cards/keyword.json >/dev/null
# shellcheck disable=SC2086
fails '^error' "$work/prefix/bin/skillctl" $entry fixtures/cards/bad/*.json

[ -z "${SKIP_SOURCE:-}" ] || { step 'the crate and the wheel were left out'; exit 0; }

step crate
cargo package --locked --no-verify --quiet --target-dir "$work/package"
mkdir "$work/crate"
tar -C "$work/crate" --strip-components 1 -xzf "$work/package/package/"*.crate
# Built with the artefacts of this checkout, from the packaged source alone.
(cd "$work/crate" && cargo build --locked --quiet --target-dir "$top/target")
works "$top/target/debug/skillctl"

step wheel
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.7,<2'
(cd packaging/python && CARGO_TARGET_DIR=$top/target "$work/venv/bin/maturin" build --quiet --locked \
  --profile dev --out "$out/wheels")
python3 -m venv "$work/empty"
"$work/empty/bin/pip" install --quiet --disable-pip-version-check --no-index "$out/wheels/"*.whl
works "$work/empty/bin/skillctl"
