"""Deliveries from the outbox to their endpoints: claimed, sent, settled.

At least once: a delivery whose sender was killed is sent again, with the same body and X-Polykomos-Delivery. An
endpoint gets one delivery at a time, in the order of the events: one that failed holds up those behind it until it is
delivered or given up (twelve minutes and a half). Pings pass, because somebody waits for them.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from controlplane.db.pool import Connection, Row
from controlplane.db.process_lease import WITH_LIVE_PROCESSES
from controlplane.services import Services
from controlplane.webhooks import sender
from controlplane.webhooks.delivery import next_attempt, sign
from controlplane.webhooks.sender import DeliveryResult
from controlplane.worker_pool import Claim, run_workers

# For how long a delivery is its sender's: an attempt with time to spare.
LEASE = timedelta(seconds=3 * sender.SECONDS)

_CLAIM_LOCK = 0x64656C6976657279  # "delivery"
_AT_ONCE = 8  # an endpoint that hangs holds one for ten seconds
_LOOK_EVERY = 1.0  # seconds, should a ring get lost
_REVOKED = DeliveryResult(None, "The endpoint was revoked.")
_log = logging.getLogger("controlplane.webhooks")


async def delivery_worker(services: Services) -> None:
    """Send what is due, for ever."""

    async def claim() -> Claim[Row]:
        row = await _claim(services)
        return Claim(row, await _until_next(services) if row is None else 0)

    async def send(row: Row) -> None:
        await deliver(services, row)
        services.notifiers.deliveries.notify()  # the endpoint's next one may be due

    await run_workers(services.notifiers.deliveries, _AT_ONCE, claim, send)


async def deliver(services: Services, row: Row) -> Row:
    """Make the attempt that `row` (claimed, with its endpoint's url and secret) was claimed for; the row after it."""
    if row["endpoint_status"] == "active":
        body = row["body"].encode()
        headers = (
            ("Content-Type", "application/json"),
            ("User-Agent", "Polykomos-Webhooks/1"),
            ("X-Polykomos-Event", row["event_type"]),
            ("X-Polykomos-Delivery", str(row["id"])),
            ("X-Polykomos-Signature", sign(row["secret"], body)),
        )
        loopback = services.settings.loopback_webhooks
        outcome = await sender.post(row["url"], headers, body, loopback=loopback)
    else:
        outcome = _REVOKED
    return await _record_result(services, row, outcome)


async def insert_claimed(services: Services, conn: Connection, endpoint: Row, event: str, body: str) -> Row:
    """A new delivery that the caller will `deliver` itself, once the transaction of `conn` is committed."""
    now = services.clock.now()
    cursor = await conn.execute(
        "INSERT INTO webhook_deliveries (endpoint_id, event_type, body, attempt_count, owner, not_before, created_at)"
        " VALUES (%s, %s, %s, 1, %s, %s, %s) RETURNING *",
        (endpoint["id"], event, body, services.process_id, now + LEASE, now),
    )
    row = await cursor.fetchone()
    assert row is not None
    return {**row, "url": endpoint["url"], "secret": endpoint["secret"], "endpoint_status": endpoint["status"]}


async def _claim(services: Services) -> Row | None:
    """Take the next due delivery, one whose process died or one to an endpoint that was revoked."""
    async with services.pool.connection() as conn, conn.transaction():
        # One at a time, so that each sees what the others have taken.
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_CLAIM_LOCK,))
        now = services.clock.now()
        cursor = await conn.execute(
            WITH_LIVE_PROCESSES + " UPDATE webhook_deliveries d SET owner = %(me)s, not_before = %(lease_end)s,"  # noqa: S608
            " attempt_count = attempt_count + (e.status = 'active')::int"
            " FROM webhook_endpoints e WHERE e.id = d.endpoint_id AND d.id = ("
            "  SELECT w.id FROM webhook_deliveries w JOIN webhook_endpoints t ON t.id = w.endpoint_id"
            "  WHERE w.status = 'pending' AND (w.not_before <= %(now)s OR w.owner NOT IN (TABLE living)"
            "   OR (w.owner IS NULL AND t.status = 'revoked'))"
            "  AND NOT EXISTS (SELECT FROM webhook_deliveries o WHERE o.endpoint_id = w.endpoint_id"
            "   AND o.status = 'pending' AND (o.event_type <> 'ping' AND o.id < w.id"
            "    OR o.owner IN (TABLE living) AND o.not_before > %(now)s))"
            "  AND %(me)s IN (TABLE living) ORDER BY w.not_before, w.id LIMIT 1 FOR UPDATE OF w SKIP LOCKED)"
            " RETURNING d.*, e.url, e.secret, e.status AS endpoint_status",
            {"me": services.process_id, "now": now, "lease_end": now + LEASE},
        )
        return await cursor.fetchone()


async def _until_next(services: Services) -> float:
    """Seconds until the next delivery is due, at most _LOOK_EVERY."""
    async with services.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT min(not_before) AS due FROM webhook_deliveries WHERE status = 'pending' AND not_before > %s",
            (services.clock.now(),),
        )
        row = await cursor.fetchone()
    due = row and row["due"]
    return min(_LOOK_EVERY, (due - services.clock.now()).total_seconds()) if due else _LOOK_EVERY


async def _record_result(services: Services, row: Row, outcome: DeliveryResult) -> Row:
    """Write down how the attempt ended, unless the lease was lost and another attempt was begun since."""
    now = services.clock.now()
    is_final = row["endpoint_status"] != "active"
    again = None if outcome.is_success or is_final else next_attempt(row["event_type"], row["attempt_count"], now)
    status = "delivered" if outcome.is_success else "failed" if again is None else "pending"
    async with services.pool.connection() as conn, conn.transaction():
        cursor = await conn.execute(
            "UPDATE webhook_deliveries SET status = %(status)s, response_code = %(code)s, error_message = %(error)s,"
            " owner = NULL, not_before = coalesce(%(again)s, not_before)"
            " WHERE id = %(id)s AND attempt_count = %(attempt)s AND status = 'pending' RETURNING *",
            {
                "status": status,
                "code": outcome.response_code,
                "error": outcome.error_message,
                "again": again,
                "id": row["id"],
                "attempt": row["attempt_count"],
            },
        )
        settled = await cursor.fetchone()
        if not is_final:
            await _note_on_endpoint(conn, row["endpoint_id"], outcome, now)
    _log.info(
        "delivery attempted",
        extra={
            "facts": {
                "delivery_id": row["id"],
                "endpoint_id": row["endpoint_id"],
                "event": row["event_type"],
                "attempt": row["attempt_count"],
                "status": status,
                "response_code": outcome.response_code,
            }
        },
    )
    return settled or row


async def _note_on_endpoint(conn: Connection, endpoint_id: int, outcome: DeliveryResult, now: datetime) -> None:
    if outcome.is_success:
        await conn.execute("UPDATE webhook_endpoints SET last_success_at = %s WHERE id = %s", (now, endpoint_id))
    else:
        await conn.execute("UPDATE webhook_endpoints SET last_failure_at = %s WHERE id = %s", (now, endpoint_id))
