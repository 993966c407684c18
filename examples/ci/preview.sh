#!/usr/bin/env bash
# For a pull request: what would change, into the report, and whether a policy forbids it (status 1).
# shellcheck source-path=SCRIPTDIR source=engine.sh
source "$(dirname "${BASH_SOURCE[0]}")/engine.sh"

if [ "$ENGINE" = pulumi ]; then
  pulumi preview --diff --non-interactive | tee "$WORK/shown"
  pulumi preview --json --non-interactive >"$WORK/plan.json"
else
  "$ENGINE" plan -no-color -out="$WORK/plan" | tee "$WORK/shown"
  "$ENGINE" show -json "$WORK/plan" >"$WORK/plan.json"
fi
report "Preview ($ENGINE)" <"$WORK/shown"

status=0
python3 "$HERE/policy.py" --stack "$STACK" <"$WORK/plan.json" >"$WORK/policy" || status=$?
cat "$WORK/policy"
report Policy <"$WORK/policy"
exit "$status"
