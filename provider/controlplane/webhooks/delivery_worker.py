"""Worker that sends deliveries from the outbox to their endpoints.

Delivery is at least once: if the sending process is killed, another one sends the delivery again, with the same body
and X-Polykomos-Delivery. An endpoint gets one delivery at a time, in the order of the events. A failed delivery blocks
the later ones until it is delivered or given up (after twelve and a half minutes). Pings are not blocked, because an
API call waits for their result.
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
from controlplane.worker_pool import LOOK_EVERY, Claim, run_workers

# How long a claimed delivery belongs to its process: three times the limit of an attempt.
LEASE = timedelta(seconds=3 * sender.SECONDS)

_CLAIM_LOCK = 0x64656C6976657279  # "delivery"
_AT_ONCE = 8  # an endpoint that does not respond occupies one for ten seconds
_REVOKED = DeliveryResult(None, "The endpoint was revoked.")
_log = logging.getLogger("controlplane.webhooks")


async def delivery_worker(services: Services) -> None:
    """Send deliveries when they are due, until cancelled."""

    async def claim() -> Claim[Row]:
        row = await _claim(services)
        return Claim(row, await _until_next(services) if row is None else 0)

    async def send(row: Row) -> None:
        await deliver(services, row)
        services.notifiers.deliveries.notify()  # the endpoint's next one may be due

    await run_workers(services.notifiers.deliveries, _AT_ONCE, claim, send)


async def deliver(services: Services, row: Row) -> Row:
    """Make one attempt to send a claimed delivery, and record its result.

    The row has the `url`, `secret` and `endpoint_status` of its endpoint too.

    Returns:
        The row after the attempt.
    """
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
        result = await sender.post(row["url"], headers, body, loopback=loopback)
    else:
        result = _REVOKED
    return await _record_result(services, row, result)


async def insert_claimed(services: Services, conn: Connection, endpoint: Row, event: str, body: str) -> Row:
    """Insert a delivery that this process has claimed already.

    The caller passes the returned row to `deliver` once the transaction of `conn` is committed.
    """
    now = services.clock.now()
    row = await conn.fetch_row(
        "INSERT INTO webhook_deliveries (endpoint_id, event_type, body, attempt_count, owner, not_before, created_at)"
        " VALUES (%s, %s, %s, 1, %s, %s, %s) RETURNING *",
        (endpoint["id"], event, body, services.process_id, now + LEASE, now),
    )
    return {**row, "url": endpoint["url"], "secret": endpoint["secret"], "endpoint_status": endpoint["status"]}


async def _claim(services: Services) -> Row | None:
    """Claim the next delivery that is due, whose process has ended, or whose endpoint was revoked."""
    async with services.pool.connection() as conn, conn.transaction():
        # One claim at a time, so that each sees the deliveries that the others have claimed.
        await conn.execute("SELECT pg_advisory_xact_lock(%s)", (_CLAIM_LOCK,))
        now = services.clock.now()
        return await conn.fetch_one(
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


async def _until_next(services: Services) -> float:
    """Return the seconds until the next delivery is due, at most LOOK_EVERY."""
    async with services.pool.connection() as conn:
        due = await conn.fetch_value(
            "SELECT min(not_before) FROM webhook_deliveries WHERE status = 'pending' AND not_before > %s",
            (services.clock.now(),),
        )
    return min(LOOK_EVERY, (due - services.clock.now()).total_seconds()) if due else LOOK_EVERY


async def _record_result(services: Services, row: Row, result: DeliveryResult) -> Row:
    """Record how the attempt ended, unless the lease has expired and another attempt has begun since."""
    now = services.clock.now()
    is_final = row["endpoint_status"] != "active"
    next_at = None if result.is_success or is_final else next_attempt(row["event_type"], row["attempt_count"], now)
    status = "delivered" if result.is_success else "failed" if next_at is None else "pending"
    async with services.pool.connection() as conn, conn.transaction():
        updated = await conn.fetch_one(
            "UPDATE webhook_deliveries SET status = %(status)s, response_code = %(code)s, error_message = %(error)s,"
            " owner = NULL, not_before = coalesce(%(next_at)s, not_before)"
            " WHERE id = %(id)s AND attempt_count = %(attempt)s AND status = 'pending' RETURNING *",
            {
                "status": status,
                "code": result.response_code,
                "error": result.error_message,
                "next_at": next_at,
                "id": row["id"],
                "attempt": row["attempt_count"],
            },
        )
        if not is_final:
            await _update_endpoint(conn, row["endpoint_id"], result, now)
    _log.info(
        "delivery attempted",
        extra={
            "facts": {
                "delivery_id": row["id"],
                "endpoint_id": row["endpoint_id"],
                "event": row["event_type"],
                "attempt": row["attempt_count"],
                "status": status,
                "response_code": result.response_code,
            }
        },
    )
    return updated or row


async def _update_endpoint(conn: Connection, endpoint_id: int, result: DeliveryResult, now: datetime) -> None:
    if result.is_success:
        await conn.execute("UPDATE webhook_endpoints SET last_success_at = %s WHERE id = %s", (now, endpoint_id))
    else:
        await conn.execute("UPDATE webhook_endpoints SET last_failure_at = %s WHERE id = %s", (now, endpoint_id))
