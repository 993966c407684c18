"""Blueprints and their applications (operations 9 and 16-22)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from polykomos.client._base import ApiGroup, drop_none, parse, parse_write, path_segment
from polykomos.client.errors import ApiError
from polykomos.client.models import Blueprint, BlueprintApplication, BlueprintValidation, WriteResult
from polykomos.client.polling import RUNNING, SERVER_WAIT_SECONDS, Progress, poll_until
from resourcekit.http.retry import RetrySafety


class BlueprintsApi(ApiGroup):
    """Calls about blueprints."""

    def iter_blueprints(self, after: str | None = None) -> Iterator[Blueprint]:
        """Yield the account's and the system's blueprints, without SQL."""
        return self._pages("/blueprints", Blueprint, "uuid", after)

    def get_blueprint(self, uuid: str) -> Blueprint:
        """Read a blueprint with its SQL; raises NotFoundError."""
        blueprint = parse(
            Blueprint, self._transport.request_json("GET", f"/blueprints/{path_segment(uuid)}").get("data")
        )
        self._transport.cache.set(("blueprint", uuid, blueprint.version), blueprint)
        return blueprint

    def fill_sql(self, listed: Blueprint) -> Blueprint | None:
        """Return a listed blueprint with its SQL, or None if this version was not read before."""
        known: Blueprint | None = self._transport.cache.get(("blueprint", listed.uuid, listed.version))
        return listed.model_copy(update={"sql_content": known.sql_content}) if known and known.sql_content else None

    def create_blueprint(
        self,
        *,
        name: str,
        sql_content: str,
        description: str | None = None,
        variables: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> WriteResult[Blueprint]:
        """Create a blueprint; raises InvalidRequestError if the API rejects the SQL."""
        body = drop_none(name=name, sql_content=sql_content, description=description, variables=variables)
        response = self._transport.request(
            "POST", "/blueprints", json=body, safety=RetrySafety.KEYED, idempotency_key=idempotency_key
        )
        return parse_write(Blueprint, response)

    def update_blueprint(self, uuid: str, changes: Mapping[str, Any]) -> Blueprint:
        """Change fields by name.

        The operation takes no idempotency key, so it is not retried without a check.

        Raises:
            UnknownOutcomeError: The response was lost; the change may have been made.
        """
        path = f"/blueprints/{path_segment(uuid)}"
        response = self._transport.request_json("PATCH", path, json=changes, safety=RetrySafety.UNSAFE)
        return parse(Blueprint, response.get("data"))

    def delete_blueprint(self, uuid: str) -> None:
        """Delete a blueprint. A repeated call is harmless, so it has no idempotency key.

        Raises:
            NotFoundError: The blueprint does not exist, perhaps because an attempt with a lost response deleted it.
        """
        self._transport.request_json("DELETE", f"/blueprints/{path_segment(uuid)}", safety=RetrySafety.SAFE)

    def validate_blueprint(self, sql_content: str, variables: Mapping[str, Any] | None = None) -> BlueprintValidation:
        """Validate SQL at the API, which stores nothing. Results are cached.

        Args:
            sql_content: The SQL.
            variables: The definitions of its variables. The documented request has no such field, and a service may
                ignore it (docs/openapi-overlay.md); the reference control plane uses it for identifier variables.
        """
        body = drop_none(sql_content=sql_content, variables=variables)

        def load() -> BlueprintValidation:
            response = self._transport.request_json("POST", "/blueprint_validations", json=body)
            return parse(BlueprintValidation, response.get("data"))

        return self._transport.cache.get_or_load(("validation", json.dumps(body, sort_keys=True, default=str)), load)

    def apply_blueprint(
        self,
        database_uuid: str,
        *,
        blueprint_uuid: str,
        variables: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        server_wait: int = SERVER_WAIT_SECONDS,
        idempotency_key: str | None = None,
    ) -> WriteResult[BlueprintApplication]:
        """Run a blueprint's SQL in a database.

        A run that failed or was rolled back is no error of the call: see `status` of the result.
        """
        body = {
            **drop_none(blueprint_uuid=blueprint_uuid, variables=variables),
            "dry_run": dry_run,
            "wait": server_wait > 0,
            "timeout": max(1, server_wait),
        }
        try:
            response = self._transport.request(
                "POST",
                f"/databases/{path_segment(database_uuid)}/blueprint_applications",
                json=body,
                safety=RetrySafety.KEYED,
                idempotency_key=idempotency_key,
                server_wait=server_wait,
            )
        except ApiError as error:
            # The API names the parameter of the path.
            if error.field == "uuid":
                error.details = {**error.details, "field": "database_uuid"}
            raise
        return parse_write(BlueprintApplication, response)

    def get_blueprint_application(self, number: int) -> BlueprintApplication:
        """Read an application; raises NotFoundError."""
        response = self._transport.request_json("GET", f"/blueprint_applications/{path_segment(number)}")
        return parse(BlueprintApplication, response.get("data"))

    def wait_for_application(
        self,
        number: int,
        *,
        timeout: float,
        cancel: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> BlueprintApplication:
        """Wait until an application has ended and return it.

        Raises:
            DeadlineExceededError: The time-out expired.
            ClientCancelledError: The wait was cancelled.
            NotFoundError: The application does not exist.
        """
        return poll_until(
            lambda: self.get_blueprint_application(number),
            lambda run: run.status not in RUNNING,
            what=f"blueprint application {number} is still running",
            timeout=timeout,
            cancel=cancel,
            progress=progress,
            first_pause=self._transport.first_pause(),
        )
