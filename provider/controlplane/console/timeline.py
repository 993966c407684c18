"""The history of a database, from what the store contains. Pure.

Some steps leave no time in the store. They are at their place without a time, or with the latest possible one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controlplane.db.pool import Row
from controlplane.request_log.recorder import Entry


@dataclass(frozen=True)
class Event:
    """A step in the history."""

    at: datetime | None  # when it happened; None = unknown
    text: str  # what happened
    detail: str = ""  # further facts
    kind: str = "done"  # one of done, waiting, failed
    is_latest: bool = False  # whether the step happened at `at` or before
    link: str = ""  # the address of a page with more about it


def timeline(
    database: Row,
    jobs: Sequence[Row],
    applications: Sequence[Row],
    event_rows: Sequence[Row],
    requests: Sequence[Entry],
) -> list[Event]:
    """Return the history of a database, oldest first.

    Args:
        database: The database.
        jobs: Its provisioning jobs.
        applications: Its blueprint applications.
        event_rows: One row for each type of webhook event: event_type, and created_at of the first delivery.
        requests: The requests in the request log that name the database, newest first.
    """
    first_sent = {row["event_type"]: row["created_at"] for row in event_rows}
    own = [application for application in applications if application["at_creation"]]
    later = [application for application in applications if not application["at_creation"]]
    birth = [_requested(database, requests), *_built(database, jobs)]
    birth += [event for application in own for event in _applied(application)]
    birth += _activated(database, jobs, own, first_sent)
    life = [event for application in later for event in _applied(application)]
    life += [event for entry in requests for event in _changed(entry)]
    return [*birth, *sorted(life, key=lambda event: event.at or database["created_at"]), *_ended(database, jobs)]


def _requested(database: Row, requests: Sequence[Entry]) -> Event:
    request = next((entry for entry in reversed(requests) if entry.operation == "createDatabase"), None)
    detail = f"{database['db_type']}, plan {database['plan']}, {database['region']}"
    if request is None:
        return Event(database["created_at"], "Requested", detail)
    return Event(
        database["created_at"],
        "Requested",
        f"{detail}, by {request.key_preview}",
        link=f"/console/requests/{request.id}",
    )


# An attempt that left its job queued has failed.
_ATTEMPTS = {"queued": "failed", "running": "waiting", "done": "done", "cancelled": "done", "failed": "failed"}


def _built(database: Row, jobs: Sequence[Row]) -> list[Event]:
    events: list[Event] = []
    if not jobs or (database["is_assigned"] and all(job["attempts"] == 0 for job in jobs)):
        events.append(Event(database["created_at"], "Role and database taken from the pool and handed over"))
    for job in jobs:
        events.append(Event(job["created_at"], "Job queued", _due(job)))
        if job["attempts"]:
            error = f", last error {job['last_error']}" if job["last_error"] else ""
            kind = _ATTEMPTS.get(job["state"], "done")
            events.append(Event(None, f"Attempt {job['attempts']}", f"{job['state']}{error}", kind))
        if job["state"] == "queued":
            text = "Next attempt" if job["attempts"] else "First attempt"
            events.append(Event(job["not_before"], text, "not before then", "waiting"))
    if database["is_assigned"] and any(job["attempts"] for job in jobs):
        events.append(Event(None, "Role and database built and handed over"))
    return events


def _due(job: Row) -> str:
    seconds = (job["not_before"] - job["created_at"]).total_seconds()
    return f"delayed by {seconds:g} s" if seconds > 0 and not job["attempts"] else ""


def _applied(application: Row) -> list[Event]:
    name = f"{application['blueprint_name']} v{application['blueprint_version']}"
    what = "Dry run of blueprint" if application["is_dry_run"] else "Blueprint"
    link = f"/console/applications/{application['id']}"
    status = application["status"]
    kind = {"completed": "done", "pending": "waiting", "running": "waiting"}.get(status, "failed")
    at = application["completed_at"] or application["started_at"] or application["created_at"]
    return [Event(at, f"{what} {name}", status.replace("_", " "), kind, link=link)]


def _activated(database: Row, jobs: Sequence[Row], own: Sequence[Row], first_sent: dict[str, datetime]) -> list[Event]:
    if database["status"] == "provisioning":
        return [Event(None, "Active", "not yet", "waiting")]
    if not jobs:
        return [Event(database["created_at"], "Active", "at once")]
    if not any(job["state"] == "done" for job in jobs):
        return []
    exact = first_sent.get("database.provisioned")
    if exact is not None:
        return [Event(exact, "Active")]
    # The last change of the row, if nothing changed it since.
    ends = [application["completed_at"] for application in own if application["completed_at"]]
    return [Event(max([database["updated_at"], *ends]), "Active", is_latest=True)]


_CHANGES = {"updateDatabase": "Renamed", "updateDatabaseQuotas": "Quotas changed"}


def _changed(entry: Entry) -> list[Event]:
    """Return the change that a successful request made."""
    text = _CHANGES.get(entry.operation or "")
    if text is None or entry.status >= 300:
        return []
    fields = json.loads(entry.request_body or "{}")
    detail = ", ".join(f"{name} {value}" for name, value in fields.items()) if isinstance(fields, dict) else ""
    return [Event(entry.at, text, detail, link=f"/console/requests/{entry.id}")]


def _ended(database: Row, jobs: Sequence[Row]) -> list[Event]:
    if database["deleted_at"] is None:
        return []
    given_up = any(job["state"] == "failed" for job in jobs)
    text = "Given up" if given_up else "Deleted"
    events = [Event(database["deleted_at"], text, "access revoked", "failed" if given_up else "done")]
    if database["destroyed_at"] is not None:
        events.append(Event(database["destroyed_at"], "Destroyed"))
    elif database["destroy_after"] is not None:
        events.append(Event(database["destroy_after"], "To be destroyed", "recoverable until then", "waiting"))
    return events
