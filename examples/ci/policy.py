"""A policy on what would be: production databases have deletion protection.

    pulumi preview --json | python3 policy.py --stack production
    terraform show -json tfplan | python3 policy.py --stack production

Prints each database that breaks it, and ends with 1 if there is one. What is in a component or module is looked at like
everything else. Only production's stack (or workspace) is looked at.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

PRODUCTION = "production"
GONE = ("delete", "delete-replaced", "discard-replaced")


def databases(plan: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Return the databases that there would be: address or URN, and whether they are protected."""
    for step in plan.get("steps") or []:  # Pulumi
        would_be = step.get("newState") or {}
        if would_be.get("type") == "polykomos:index:Database" and step["op"] not in GONE:
            yield step["urn"], (would_be.get("inputs") or {}).get("deletionProtection") is True
    for change in plan.get("resource_changes") or []:  # Terraform and OpenTofu
        after = change["change"].get("after")
        if change["type"] == "polykomos_database" and after:
            yield change["address"], after.get("deletion_protection") is True


def main() -> int:
    """Judge the plan on stdin. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Production databases have deletion protection.")
    parser.add_argument("--stack", required=True, help="the stack or environment that the plan is for")
    stack = parser.parse_args().stack
    plan = json.load(sys.stdin)
    if stack != PRODUCTION:
        print(f"{stack} is not {PRODUCTION}: the policy does not apply")
        return 0
    found = list(databases(plan))
    open_ones = [name for name, protected in found if not protected]
    for name in open_ones:
        print(f"{name}: a production database needs deletion protection")
    print(f"{len(found)} databases, {len(open_ones)} without deletion protection")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(main())
