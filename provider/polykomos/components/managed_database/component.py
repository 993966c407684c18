"""The `ManagedDatabase` component: its resources, their order, and its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from polykomos.components.managed_database.environment import environment_variables
from polykomos.components.managed_database.schema import ManagedDatabaseArgs, ManagedDatabaseResult
from polykomos.resources.blueprint_application.resource import BlueprintApplication
from polykomos.resources.database.resource import Database
from polykomos.resources.database.schema import DatabaseArgs
from polykomos.resources.webhook_endpoint.resource import WebhookEndpoint
from resourcekit.component import Child, ChildOutputs, ChildRef, Component, Output
from resourcekit.fields import field_specs

_DATABASE, _WEBHOOK, _BLUEPRINT = "database", "webhook", "blueprint"


class ManagedDatabase(Component[ManagedDatabaseArgs, ManagedDatabaseResult]):
    """A database, the blueprints that are applied to it in order, and an optional webhook endpoint.

    Its resources are a `Database`, a `BlueprintApplication` for each of `blueprints`, and a `WebhookEndpoint`; they
    change as these resources do. If an application fails, the resources created before it remain, and the next run
    continues from there.

    An application is identified by its position in the list, so add new ones at the end. Inserting one between others
    replaces all applications after it, and their SQL runs again; the preview shows that and dry-runs them.
    """

    name = "ManagedDatabase"

    def preview_warnings(self, args: Mapping[str, Any]) -> Iterable[str]:
        """Yield a warning for each list or object that is not known yet."""
        for name in ("blueprints", "webhook"):
            if isinstance(args.get(name), Output):
                yield f"`{name}` is not known yet, so this preview does not show the resources for it"

    def children(self, args: Mapping[str, Any]) -> Iterable[Child]:
        """Yield the resources: the webhook endpoint, the database, then the applications in order."""
        before: tuple[str, ...] = ()
        webhook = args.get("webhook")
        if isinstance(webhook, Mapping):
            yield Child(_WEBHOOK, WebhookEndpoint, webhook, origin=("webhook",))
            before = (_WEBHOOK,)
        own = {name: value for name, value in args.items() if name in field_specs(DatabaseArgs)}
        yield Child(_DATABASE, Database, own, before, protected=_is_true(args.get("deletion_protection")) or None)
        previous = _DATABASE
        blueprints = args.get("blueprints")
        for number, entry in enumerate(blueprints if isinstance(blueprints, list) else (), start=1):
            # An entry that is not known yet has at least the required fields.
            known = (
                entry if isinstance(entry, Mapping) else dict.fromkeys(("blueprint_uuid", "blueprint_version"), entry)
            )
            name = f"{_BLUEPRINT}-{number}"
            to = {"database_uuid": ChildRef(_DATABASE, "uuid")}
            yield Child(name, BlueprintApplication, {**to, **known}, (previous,), origin=("blueprints", number - 1))
            previous = name

    def outputs(self, made: Mapping[str, ChildOutputs]) -> Mapping[str, Any]:
        """Return the component's outputs from those of its resources."""
        database = made[_DATABASE]
        applications = [fields for name, fields in made.items() if name.startswith(f"{_BLUEPRINT}-")]
        return {
            "database_uuid": database["uuid"],
            "endpoint": {"host": database["host"], "port": database["port"], "database": database["db_name"]},
            "connection_string": database["connection_string"],
            "environment": environment_variables(database),
            "application_ids": [fields["application_id"] for fields in applications],
            "webhook_secret": made.get(_WEBHOOK, {}).get("secret"),
        }


def _is_true(output: Output | None) -> bool:
    return output is not None and output.value is True
