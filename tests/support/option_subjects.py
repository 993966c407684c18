"""Every resource with an edit of every argument, for tests of the options that engines put around resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.hcl import Declared, Expression

# It leaves nothing, so that many applications of it may run at once.
SQL = "SELECT {{who}};"
_ANY_UUID = "0f0f0f0f-0000-4000-8000-0000000000{:02d}"


@dataclass(frozen=True)
class Subject:
    """One resource type.

    needed: arguments without which it cannot be declared. edits: for each argument a value and another one; None = the
    argument is left out. in_place: arguments whose edit is an update, the first one preferred.
    """

    type: str
    needed: dict[str, Any]
    edits: dict[str, tuple[Any, Any]]
    in_place: tuple[str, ...] = ()

    def beside(self, ignored: str) -> str | None:
        """An argument to edit in place while another one's edit is ignored."""
        return next((name for name in self.in_place if name != ignored), None)


SUBJECTS = (
    Subject(
        "polykomos_database",
        {"name": "first"},
        {
            "name": ("first", "second"),
            "db_type": ("postgres", "mysql"),
            "region": ("us-east-1", "eu-west-1"),
            "plan": ("free", "launch"),
            "team_id": (None, 2),
            "storage_hard_limit_gb": (2.5, 3),
            "connection_hard_limit": (5, 6),
            "warning_threshold_pct": (50, 60),
            "blueprint_uuid": (Expression("polykomos_blueprint.base.uuid"), _ANY_UUID.format(1)),
            "blueprint_variables": ({"who": "me"}, {"who": "you"}),
            "store_credentials": (True, False),
            "deletion_protection": (False, True),
            "blueprint_variables_wo_version": (1, 2),
            "timeouts": ({"create": "10m"}, {"create": "20m"}),
        },
        ("name", "warning_threshold_pct"),
    ),
    Subject(
        "polykomos_blueprint",
        {"name": "first", "sql_content": SQL, "variables": {"who": {"default": "nobody"}}},
        {
            "name": ("first", "second"),
            "sql_content": (SQL, SQL + " SELECT 1;"),
            "description": ("before", "after"),
            "variables": ({"who": {"default": "nobody"}}, {"who": {"default": "everybody"}}),
            "timeouts": ({"create": "10m"}, {"create": "20m"}),
        },
        ("name", "description"),
    ),
    Subject(
        "polykomos_blueprint_application",
        {
            "database_uuid": Expression("polykomos_database.base.uuid"),
            "blueprint_uuid": Expression("polykomos_blueprint.base.uuid"),
        },
        {
            "database_uuid": (Expression("polykomos_database.base.uuid"), _ANY_UUID.format(2)),
            "blueprint_uuid": (Expression("polykomos_blueprint.base.uuid"), _ANY_UUID.format(3)),
            "blueprint_version": (1, 2),
            "variables": ({"who": "me"}, {"who": "you"}),
            "variables_wo_version": (1, 2),
            "timeouts": ({"create": "10m"}, {"create": "20m"}),
        },
    ),
    Subject(
        "polykomos_webhook_endpoint",
        {"url": "https://hooks.example.com/first"},
        {
            "url": ("https://hooks.example.com/first", "https://hooks.example.com/second"),
            "events": (["database.provisioned"], ["database.deleted"]),
            "timeouts": ({"create": "10m"}, {"create": "20m"}),
        },
    ),
)
# What the subjects refer to.
BASE = (
    Declared("polykomos_database", "base", {"name": "base"}),
    Declared(
        "polykomos_blueprint",
        "base",
        {"name": "base", "sql_content": SQL, "variables": {"who": {"default": "nobody"}}},
    ),
)
# Arguments that mean nothing alone.
TOGETHER = {
    "blueprint_variables": {"blueprint_uuid": Expression("polykomos_blueprint.base.uuid")},
    "blueprint_variables_wo_version": {
        "blueprint_uuid": Expression("polykomos_blueprint.base.uuid"),
        "blueprint_variables_wo": {"who": "me"},
    },
    "variables_wo_version": {"variables_wo": {"who": "me"}},
}
