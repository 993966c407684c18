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
from polykomos.client.retry import RetrySafety


class BlueprintsApi(ApiGroup):
    """Calls about blueprints."""

    def iter_blueprints(self) -> Iterator[Blueprint]:
        """Every blueprint of yours and the system's, without SQL."""
        return self._pages("/blueprints", Blueprint, "uuid")

    def get_blueprint(self, uuid: str) -> Blueprint:
        """One blueprint with its SQL. Raises NotFound."""
        found = parse(Blueprint, self._transport.request_json("GET", f"/blueprints/{path_segment(uuid)}").get("data"))
        self._transport.memory.set(("blueprint", uuid, found.version), found)
        return found

    def fill_sql(self, listed: Blueprint) -> Blueprint | None:
        """A blueprint of a list with its SQL, where that version was read before; None where it was not."""
        known: Blueprint | None = self._transport.memory.get(("blueprint", listed.uuid, listed.version))
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
        """Create a blueprint. Raises InvalidRequest when the SQL is not accepted."""
        body = drop_none(name=name, sql_content=sql_content, description=description, variables=variables)
        answer = self._transport.request(
            "POST", "/blueprints", json=body, safety=RetrySafety.KEYED, idempotency_key=idempotency_key
        )
        return parse_write(Blueprint, answer)

    def update_blueprint(self, uuid: str, changes: Mapping[str, Any]) -> Blueprint:
        """Change fields by name. The operation takes no key, so it is never repeated blindly (UnknownOutcome)."""
        path = f"/blueprints/{path_segment(uuid)}"
        answer = self._transport.request_json("PATCH", path, json=changes, safety=RetrySafety.UNSAFE)
        return parse(Blueprint, answer.get("data"))

    def delete_blueprint(self, uuid: str) -> None:
        """Delete. Takes no key and needs none: what is gone stays gone.

        Raises NotFound, also when a first attempt whose answer was lost has deleted it.
        """
        self._transport.request_json("DELETE", f"/blueprints/{path_segment(uuid)}", safety=RetrySafety.SAFE)

    def validate_blueprint(self, sql_content: str, variables: Mapping[str, Any] | None = None) -> BlueprintValidation:
        """What the API thinks of the SQL; nothing is kept there, and the same is not asked twice.

        variables: the definitions. The documented request has no such field and a service may ignore it
        (docs/openapi-overlay.md); the reference control plane judges SQL with identifier variables by them.
        """
        body = drop_none(sql_content=sql_content, variables=variables)

        def ask() -> BlueprintValidation:
            answer = self._transport.request_json("POST", "/blueprint_validations", json=body)
            return parse(BlueprintValidation, answer.get("data"))

        return self._transport.memory.get_or_load(("validation", json.dumps(body, sort_keys=True, default=str)), ask)

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
        """Run a blueprint's SQL in a database. Look at `status`: failed and rolled back are answers, not errors."""
        body = {
            **drop_none(blueprint_uuid=blueprint_uuid, variables=variables),
            "dry_run": dry_run,
            "wait": server_wait > 0,
            "timeout": max(1, server_wait),
        }
        try:
            answer = self._transport.request(
                "POST",
                f"/databases/{path_segment(database_uuid)}/blueprint_applications",
                json=body,
                safety=RetrySafety.KEYED,
                idempotency_key=idempotency_key,
                server_wait=server_wait,
            )
        except ApiError as error:
            # The parameter of the path, which is called so there.
            if error.field == "uuid":
                error.details = {**error.details, "field": "database_uuid"}
            raise
        return parse_write(BlueprintApplication, answer)

    def get_blueprint_application(self, number: int) -> BlueprintApplication:
        """One application. Raises NotFound."""
        answer = self._transport.request_json("GET", f"/blueprint_applications/{path_segment(number)}")
        return parse(BlueprintApplication, answer.get("data"))

    def wait_for_application(
        self,
        number: int,
        *,
        timeout: float,
        cancel: threading.Event | None = None,
        progress: Progress | None = None,
    ) -> BlueprintApplication:
        """The application once it has ended. Raises DeadlineExceeded, Cancelled, NotFound."""
        return poll_until(
            lambda: self.get_blueprint_application(number),
            lambda run: run.status not in RUNNING,
            what=f"blueprint application {number} is still running",
            timeout=timeout,
            cancel=cancel,
            progress=progress,
            first_pause=self._transport.first_pause(),
        )
