"""The managed database: which resources there are, in which order, and what comes of them."""

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
    """A database with the blueprints that are applied to it, in order, and a webhook endpoint where one is wanted.

    Its resources are a `Database`, a `BlueprintApplication` for each of `blueprints` and a `WebhookEndpoint`, and
    change as those do. Where an application fails, what was made before it stays, and the next run goes on from there.

    An application is known by its place in the list: add at the end. One that is put between others makes all that
    follow new applications, whose SQL runs again; the preview shows that, and dry-runs them.
    """

    name = "ManagedDatabase"
    arguments = ManagedDatabaseArgs
    result = ManagedDatabaseResult

    def preview_warnings(self, args: Mapping[str, Any]) -> Iterable[str]:
        for name in ("blueprints", "webhook"):
            if isinstance(args.get(name), Output):
                yield f"`{name}` is not known yet, so this preview does not show what is made of it"

    def children(self, args: Mapping[str, Any]) -> Iterable[Child]:
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
            # Of an entry that is not known at all the required fields are known to be.
            known = (
                entry if isinstance(entry, Mapping) else dict.fromkeys(("blueprint_uuid", "blueprint_version"), entry)
            )
            name = f"{_BLUEPRINT}-{number}"
            to = {"database_uuid": ChildRef(_DATABASE, "uuid")}
            yield Child(name, BlueprintApplication, {**to, **known}, (previous,), origin=("blueprints", number - 1))
            previous = name

    def outputs(self, made: Mapping[str, ChildOutputs]) -> Mapping[str, Any]:
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


def _is_true(given: Output | None) -> bool:
    return given is not None and given.value is True
