#!/usr/bin/env bash
# Every night: has anything changed behind the engine's back? Status 0: no; 2: yes, the report says what; 1: not found out.
# shellcheck source-path=SCRIPTDIR source=engine.sh
source "$(dirname "${BASH_SOURCE[0]}")/engine.sh"

if [ "$ENGINE" = pulumi ]; then
  asked=(pulumi --stack "$STACK")
else
  asked=(terraform --program "$ENGINE")
fi
status=0
polykomos drift "${asked[@]}" --markdown >"$WORK/drift.md" || status=$?
tee -a "$REPORT" <"$WORK/drift.md"
exit "$status"
