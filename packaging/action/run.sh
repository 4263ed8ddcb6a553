#!/usr/bin/env bash
# The entry of the GitHub Action: installs skillctl if it is not on the PATH, and replays. The summary
# goes to the summary of the job, and failures become annotations.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if ! command -v skillctl >/dev/null; then
  if [ -n "${SKILLCTL_FROM:-}" ]; then
    VERSION=${SKILLCTL_VERSION:-} sh "$here/../install.sh" "$SKILLCTL_FROM" "$HOME/.local"
    PATH=$HOME/.local/bin:$PATH
  else
    cargo install --locked box-skillctl ${SKILLCTL_VERSION:+--version "$SKILLCTL_VERSION"}
  fi
fi
# The variables of this script must not be taken for options of skillctl.
arguments=${SKILLCTL_ARGUMENTS:-}
folder=${SKILLCTL_FOLDER:-.}
unset SKILLCTL_ARGUMENTS SKILLCTL_FOLDER SKILLCTL_FROM SKILLCTL_VERSION

cd "$folder"
words=()
# The arguments are split as a shell would: quotes keep words together. Nothing is expanded.
while IFS= read -r -d '' word; do words+=("$word"); done < <(xargs printf '%s\0' <<<"$arguments")
[ -n "$arguments" ] || words=()

summary=$(mktemp)
trap 'rm -f "$summary"' EXIT
code=0
skillctl replay --report github --report "markdown=$summary" ${words[@]+"${words[@]}"} || code=$?
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$summary" >>"$GITHUB_STEP_SUMMARY"
exit "$code"
