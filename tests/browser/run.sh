#!/bin/sh
# Opens the HTML of `skillctl cards render` in headless Chromium and uses it like a person.
# Needs node (20 or newer) and Chromium: CHROMIUM names it where it is not in the PATH, and
# SKILLCTL the binary to test where it is not target/debug/skillctl. With SCREENSHOTS=FOLDER,
# pictures of the page are left there.
set -eu
cd "$(dirname "$0")"
: "${CHROMIUM:=$(command -v chromium || echo /usr/bin/chromium)}"
: "${SKILLCTL:=$(cd ../.. && pwd)/target/debug/skillctl}"
export CHROMIUM SKILLCTL
for needed in "$CHROMIUM" "$SKILLCTL"; do
    if [ ! -x "$needed" ]; then
        echo "tests/browser: $needed is not there (apt-get install chromium, cargo build)" >&2
        exit 1
    fi
done
[ -d node_modules/puppeteer-core ] || npm ci --no-audit --no-fund --silent
exec node --test --test-concurrency=1 .
