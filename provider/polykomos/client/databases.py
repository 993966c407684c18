"""Databases, engines and regions (operations 2-8)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from polykomos.client._base import ApiGroup, drop_none, parse, parse_list, parse_write, path_segment
from polykomos.client.models import Database, DatabaseType, DeletedDatabase, Quotas, WriteResult
from polykomos.client.polling import SERVER_WAIT_SECONDS, Progress, poll_until
from resourcekit.http.retry import RetrySafety

# A preview of many databases checks the engines and regions for each of them.
OFFER_SECONDS: Final = 60.0


class DatabasesApi(ApiGroup):
    """Calls about databases."""

    def list_database_types(self) -> list[DatabaseType]:
        """Return the available engines and regions, at most OFFER_SECONDS old."""

        def load() -> list[DatabaseType]:
            return parse_list(DatabaseType, self._transport.request_json("GET", "/database_types"))

        return list(self._transport.cache.get_or_load("/database_types", load, OFFER_SECONDS))

    def iter_databases(self, after: str | None = None) -> Iterator[Database]:
        """Yield every database, newest first, with masked credentials."""
        return self._pages("/databases", Database, "uuid", after)

    def has_equal_names(self) -> bool:
        """Return whether two databases of a team have the same name; at most OFFER_SECONDS old."""

        def load() -> list[bool]:
            names = Counter((database.team_id, database.name) for database in self.iter_databases())
            return [max(names.values(), default=0) > 1]

        return bool(self._transport.cache.get_or_load("/databases names", load, OFFER_SECONDS)[0])

    def usual_quotas(self, plan: str | None) -> dict[str, Any]:
        """Return the limits that most databases of a plan have, if at least two have them; at most OFFER_SECONDS old.

        The API does not report a plan's own limits (api-facts S11, S12).
        """

        def load() -> list[Quotas]:
            return [each.quotas for each in self.iter_databases() if each.plan == plan and each.quotas is not None]

        quotas = self._transport.cache.get_or_load(f"/databases quotas of {plan}", load, OFFER_SECONDS)
        usual = {}
        for name in Quotas.model_fields:
            ((value, count),) = Counter(getattr(each, name) for each in quotas).most_common(1) or ((None, 0),)
            if count > 1:
                usual[name] = value
        return usual

    def get_database(self, uuid: str) -> Database:
        """Read a database with its credentials; raises NotFoundError."""
        return parse(Database, self._transport.request_json("GET", f"/databases/{path_segment(uuid)}").get("data"))

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
    ) -> WriteResult[Database]:
        """Create a database.

        Its status is `active` if it was ready within `server_wait` seconds (0-120), else `provisioning`.
        """
        body = drop_none(
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
        response = self._transport.request(
            "POST",
            "/databases",
            json=body,
            params={"wait": "true", "timeout": server_wait} if server_wait else None,
            safety=RetrySafety.KEYED,
            idempotency_key=idempotency_key,
            server_wait=server_wait,
        )
        return parse_write(Database, response)

    def wait_for_database(
        self,
        uuid: str,
        *,
        timeout: float,
        cancel: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> Database:
        """Wait until a database is no longer provisioning and return it.

        Raises:
            DeadlineExceededError: The time-out expired.
            ClientCancelledError: The wait was cancelled.
            NotFoundError: The database does not exist.
        """
        return poll_until(
            lambda: self.get_database(uuid),
            lambda database: database.status != "provisioning",
            what=f"database {uuid} is still provisioning",
            timeout=timeout,
            cancel=cancel,
            progress=progress,
            first_pause=self._transport.first_pause(),
        )

    def rename_database(self, uuid: str, name: str, *, idempotency_key: str | None = None) -> WriteResult[Database]:
        """Rename a database. The credentials of the result are masked."""
        return self._patch(f"/databases/{path_segment(uuid)}", {"name": name}, idempotency_key)

    def update_quotas(
        self, uuid: str, quotas: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> WriteResult[Database]:
        """Set limits: None resets a limit, an omitted one does not change. The credentials of the result are masked."""
        return self._patch(f"/databases/{path_segment(uuid)}/quotas", quotas, idempotency_key)

    def delete_database(self, uuid: str, *, idempotency_key: str | None = None) -> WriteResult[DeletedDatabase]:
        """Delete a database; its users lose access at once. Raises NotFoundError."""
        path = f"/databases/{path_segment(uuid)}"
        response = self._transport.request("DELETE", path, safety=RetrySafety.KEYED, idempotency_key=idempotency_key)
        return parse_write(DeletedDatabase, response)

    def _patch(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> WriteResult[Database]:
        response = self._transport.request(
            "PATCH", path, json=body, safety=RetrySafety.KEYED, idempotency_key=idempotency_key
        )
        return parse_write(Database, response)
