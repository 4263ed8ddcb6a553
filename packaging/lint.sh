#!/usr/bin/env bash
# Checks what cannot be run here against its schema or its parser: the release workflow, the workflow
# that `init` writes, the GitHub Action, the Homebrew formula: bash packaging/lint.sh [BINARY]
set -euo pipefail
cd "$(dirname "$0")/.."
skillctl=$(realpath "${1:-target/debug/skillctl}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'check-jsonschema>=0.30,<1'
check=$work/venv/bin/check-jsonschema

for lang in node python node-lambda python-lambda; do
  "$skillctl" init "$work/$lang" --lang "$lang" >/dev/null 2>&1
  "$check" --quiet --builtin-schema vendor.github-workflows "$work/$lang/.github/workflows/skill.yml"
done
"$check" --quiet --builtin-schema vendor.github-workflows .github/workflows/release.yml
"$check" --quiet --builtin-schema vendor.github-actions packaging/action/action.yml
if command -v ruby >/dev/null; then ruby -c packaging/homebrew/skillctl.rb >/dev/null; fi
if command -v shellcheck >/dev/null; then shellcheck packaging/*.sh packaging/*/*.sh; fi
echo 'packages: workflows, action and scripts are valid'
