#!/usr/bin/env bash
# For the main branch: make it so. Nothing is asked; the review of the preview was the question.
# shellcheck source-path=SCRIPTDIR source=engine.sh
source "$(dirname "${BASH_SOURCE[0]}")/engine.sh"

if [ "$ENGINE" = pulumi ]; then
  pulumi up --yes --non-interactive | tee "$WORK/shown"
else
  "$ENGINE" apply -no-color -auto-approve | tee "$WORK/shown"
fi
report "Deployed ($ENGINE)" <"$WORK/shown"
