#!/bin/sh
# Prints the version of skillctl. Cargo.toml is the only place that holds it.
set -eu
sed -n 's/^version = "\(.*\)"$/\1/p' "$(dirname "$0")/../Cargo.toml" | head -n 1
