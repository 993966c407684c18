#!/usr/bin/env bash
# What the pipelines' scripts share. They are called with
#   ENGINE      pulumi, terraform or tofu
#   DIRECTORY   where the program or root module is (default: here)
#   STACK       Pulumi's stack (default: production)
#   REPORT      the file that gets a report in Markdown (default: the job's summary at GitHub, else report.md)
# and with POLYKOMOS_API_KEY and whatever the engine needs to reach its state.
set -euo pipefail

: "${ENGINE:?set ENGINE to pulumi, terraform or tofu}"
: "${DIRECTORY:=.}" "${STACK:=production}"
REPORT=$(realpath -m "${REPORT:-${GITHUB_STEP_SUMMARY:-report.md}}")
# shellcheck disable=SC2034 # the scripts that source this one use it
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PULUMI_SKIP_UPDATE_CHECK=true TF_IN_AUTOMATION=1 TF_INPUT=0 NO_COLOR=1
# What is written beside the report may hold what is secret, and goes with the job.
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cd "$DIRECTORY"

case $ENGINE in
  pulumi) pulumi stack select --create "$STACK" ;;
  terraform | tofu) "$ENGINE" init -no-color >&2 ;;
  *)
    echo "ENGINE is $ENGINE: pulumi, terraform or tofu is meant" >&2
    exit 1
    ;;
esac

# Adds what comes from stdin to the report, as a block under a title.
report() {
  { printf '## %s\n\n```text\n' "$1" && cat && printf '```\n'; } >>"$REPORT"
}
