#!/bin/sh
# Opens the HTML of `skillctl cards render` in headless Chromium, and tests it with mouse and keyboard.
# Needs node (20 or newer) and Chromium.
#
#   CHROMIUM=PATH        the browser (default: chromium in the PATH)
#   SKILLCTL=PATH        the binary to test (default: target/debug/skillctl)
#   SCREENSHOTS=FOLDER   writes screenshots to this folder
set -eu
cd "$(dirname "$0")"
: "${CHROMIUM:=$(command -v chromium || echo /usr/bin/chromium)}"
: "${SKILLCTL:=$(cd ../.. && pwd)/target/debug/skillctl}"
export CHROMIUM SKILLCTL
for needed in "$CHROMIUM" "$SKILLCTL"; do
    if [ ! -x "$needed" ]; then
        echo "tests/browser: $needed does not exist (apt-get install chromium, cargo build)" >&2
        exit 1
    fi
done
[ -d node_modules/puppeteer-core ] || npm ci --no-audit --no-fund --silent
exec node --test --test-concurrency=1 .
