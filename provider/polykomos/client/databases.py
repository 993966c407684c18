"""Databases and what is on offer (operations 2-8)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from polykomos.client.calls import Calls, given, parse, parse_all, segment, written
from polykomos.client.models import Database, DatabaseType, DeletedDatabase, Written
from polykomos.client.retry import Safety
from polykomos.client.waits import SERVER_WAIT_SECONDS, Progress, wait_until

# A preview of many databases asks what is on offer for each of them.
OFFER_SECONDS: Final = 60.0


class DatabaseCalls(Calls):
    """Calls about databases."""

    def list_database_types(self) -> list[DatabaseType]:
        """Engines and regions on offer, at most OFFER_SECONDS old."""

        def ask() -> list[DatabaseType]:
            return parse_all(DatabaseType, self._transport.call("GET", "/database_types"))

        return list(self._transport.memory.once("/database_types", ask, OFFER_SECONDS))

    def iter_databases(self) -> Iterator[Database]:
        """Every database, newest first, credentials masked."""
        return self._pages("/databases", Database, "uuid")

    def has_equal_names(self) -> bool:
        """Return whether two databases of one team have the same name, at most OFFER_SECONDS ago."""

        def ask() -> list[bool]:
            names = Counter((each.team_id, each.name) for each in self.iter_databases())
            return [max(names.values(), default=0) > 1]

        return bool(self._transport.memory.once("/databases names", ask, OFFER_SECONDS)[0])

    def get_database(self, uuid: str) -> Database:
        """One database with its credentials. Raises NotFound."""
        return parse(Database, self._transport.call("GET", f"/databases/{segment(uuid)}").get("data"))

    def create_database(
        self,
        *,
        name: str,
        db_type: str | None = None,
        region: str | None = None,
        plan: str | None = None,
        team_id: int | None = None,
        storage_hard_limit_gb: float | None = None,
        connection_hard_limit: int | None = None,
        warning_threshold_pct: int | None = None,
        blueprint_uuid: str | None = None,
        blueprint_variables: Mapping[str, Any] | None = None,
        server_wait: int = SERVER_WAIT_SECONDS,
        idempotency_key: str | None = None,
    ) -> Written[Database]:
        """Create a database: `active` when it was ready within `server_wait` seconds (0-120), else `provisioning`."""
        body = given(
            name=name,
            db_type=db_type,
            region=region,
            plan=plan,
            team_id=team_id,
            storage_hard_limit_gb=storage_hard_limit_gb,
            connection_hard_limit=connection_hard_limit,
            warning_threshold_pct=warning_threshold_pct,
            blueprint_uuid=blueprint_uuid,
            blueprint_variables=blueprint_variables,
        )
        answer = self._transport.ask(
            "POST",
            "/databases",
            json=body,
            params={"wait": "true", "timeout": server_wait} if server_wait else None,
            safety=Safety.KEYED,
            idempotency_key=idempotency_key,
            server_wait=server_wait,
        )
        return written(Database, answer)

    def wait_for_database(
        self,
        uuid: str,
        *,
        timeout: float,
        cancel: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> Database:
        """The database once it is no longer provisioning. Raises DeadlineExceeded, Cancelled, NotFound."""
        return wait_until(
            lambda: self.get_database(uuid),
            lambda database: database.status != "provisioning",
            what=f"database {uuid} is still provisioning",
            timeout=timeout,
            cancel=cancel,
            progress=progress,
            first_pause=self._transport.first_pause(),
        )

    def rename_database(self, uuid: str, name: str, *, idempotency_key: str | None = None) -> Written[Database]:
        """Rename; credentials come back masked."""
        return self._patch(f"/databases/{segment(uuid)}", {"name": name}, idempotency_key)

    def update_quotas(
        self, uuid: str, quotas: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Written[Database]:
        """Set limits: None clears an override, one that is left out stays. Credentials come back masked."""
        return self._patch(f"/databases/{segment(uuid)}/quotas", quotas, idempotency_key)

    def delete_database(self, uuid: str, *, idempotency_key: str | None = None) -> Written[DeletedDatabase]:
        """Delete; access is revoked at once. Raises NotFound."""
        path = f"/databases/{segment(uuid)}"
        answer = self._transport.ask("DELETE", path, safety=Safety.KEYED, idempotency_key=idempotency_key)
        return written(DeletedDatabase, answer)

    def _patch(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> Written[Database]:
        answer = self._transport.ask("PATCH", path, json=body, safety=Safety.KEYED, idempotency_key=idempotency_key)
        return written(Database, answer)
