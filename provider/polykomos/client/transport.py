"""One call to the API: sent when its turn has come, and again within its bounds."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from polykomos.client.cache import TtlCache
from polykomos.client.errors import (
    ClientCancelledError,
    PolykomosError,
    RateLimitedError,
    TransportError,
)
from polykomos.client.http import AttemptResult, HttpSender, Request
from polykomos.client.list_cache.cache import ListCaches
from polykomos.client.list_cache.policy import written_collection
from polykomos.client.polling import FIRST_PAUSE, SCARCE_FIRST_PAUSE
from polykomos.client.rate_limit.limiter import RateLimiter
from polykomos.client.rate_limit.window import parse_limit
from polykomos.client.retry import OUTAGE_SECONDS, RetrySafety, backoff

DEADLINE_SECONDS: Final = 120.0
ME: Final = "/me"


def _silent(_text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class RequestOptions:
    """How long calls may go on retrying.

    deadline: `time.monotonic()` seconds; None gives each call DEADLINE_SECONDS. cancel: ends every wait at once.
    say: told when calls wait for the key's rate limit, and for how long.
    """

    deadline: float | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    on_wait: Callable[[str], None] = _silent


@dataclass(frozen=True)
class Response:
    """A successful answer's JSON object. sent_at: `time.monotonic()` seconds when what it answers was sent.

    resent: an earlier sending within the same call may have been carried out, its answer lost.
    """

    body: dict[str, Any]
    sent_at: float
    was_retried: bool = False


class Transport:
    """Calls over one shared connection pool; safe to use from many threads."""

    def __init__(
        self,
        exchange: HttpSender,
        snapshots: ListCaches,
        bounds: RequestOptions | None = None,
        budget: RateLimiter | None = None,
        memory: TtlCache | None = None,
    ) -> None:
        self._exchange = exchange
        self.snapshots = snapshots
        self.bounds = bounds or RequestOptions()
        self._budget = budget or RateLimiter()
        self.memory = memory or TtlCache()

    def with_options(self, bounds: RequestOptions) -> Transport:
        """The same pool with other bounds."""
        return Transport(self._exchange, self.snapshots, bounds, self._budget, self.memory)

    def name_key(self, source: str) -> None:
        """Set where the API key comes from, for the errors of all calls over this pool."""
        self._exchange.key_source = source

    @property
    def host(self) -> str:
        """The host of the base URL."""
        return self._exchange.host

    def me(self) -> dict[str, Any]:
        """Return the answer to GET /me, asked once for all threads. The key's limit is learned from it."""

        def ask() -> dict[str, Any]:
            body = self.request_json("GET", ME)
            self._budget.set_limit(parse_limit(body))
            return body

        return self.memory.get_or_load(ME, ask)

    def first_pause(self) -> float:
        """How long a wait should let pass before it looks, by how scarce calls are."""
        return SCARCE_FIRST_PAUSE if self._budget.is_nearly_exhausted() else FIRST_PAUSE

    def close(self) -> None:
        """Close the pool."""
        self._exchange.close()

    def request_json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The answer's JSON object. See `ask`."""
        return self.request(method, path, **options).body

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        safety: RetrySafety = RetrySafety.SAFE,
        idempotency_key: str | None = None,
        server_wait: float = 0.0,
    ) -> Response:
        """The answer.

        A keyed call gets a fresh UUID as its key where none is given, and keeps it over its own retries.
        server_wait: seconds that the server itself may hold the answer back.
        Raises ApiError, TransportError (UnknownOutcome when an unsafe call may have been carried out) or Cancelled.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())} if safety is RetrySafety.KEYED else {}
        request = Request(method, path, json, params, headers, safety, server_wait)
        kind = written_collection(method, path)
        if kind is None:
            return self._send(request)
        # Marked twice: whoever reads meanwhile may see it or not, and whoever reads afterwards must.
        self.snapshots.of(kind).invalidate()
        try:
            return self._send(request)
        finally:
            self.snapshots.of(kind).invalidate()

    def _send(self, request: Request) -> Response:
        began = time.monotonic()
        deadline = self.bounds.deadline if self.bounds.deadline is not None else began + DEADLINE_SECONDS
        attempt = 0
        trouble = 0.0  # seconds of an outage; waiting for the rate limit is none
        last: PolykomosError | None = None
        resent = False
        while True:
            if not self._turn(request, deadline):
                raise last or _no_room()
            attempt += 1
            sent_at = time.monotonic()
            outcome = self._attempt(request, attempt, deadline)
            if outcome.error is None:
                return Response(outcome.body, sent_at, resent)
            last = outcome.error
            resent = resent or outcome.may_have_executed
            now = time.monotonic()
            if outcome.retry.limited:
                trouble = 0.0
                continue  # the budget makes all calls wait as long as this one was told to
            pause = max(backoff(attempt), outcome.retry.wait or 0.0)
            trouble = trouble + now - sent_at + pause if outcome.retry.outage else 0.0
            if not outcome.retry.retry or now + pause > deadline or trouble > OUTAGE_SECONDS:
                raise _told(outcome.error, attempt, now - began)
            if self.bounds.cancel.wait(pause):
                raise ClientCancelledError(f"cancelled while trying again: {outcome.error}")

    def _turn(self, request: Request, deadline: float) -> bool:
        """Wait for the call's turn; False when the deadline came first."""
        if self._budget.should_fetch_limit() and self._take(_ME, deadline):
            account = self._attempt(_ME, 1, deadline)
            if account.error is None:
                self._budget.set_limit(parse_limit(account.body))
                self.memory.set(ME, account.body)
        return self._take(request, deadline)

    def _take(self, request: Request, deadline: float) -> bool:
        return self._budget.acquire(
            write=request.method != "GET", deadline=deadline, cancel=self.bounds.cancel, say=self.bounds.on_wait
        )

    def _attempt(self, request: Request, attempt: int, deadline: float) -> AttemptResult:
        """One try of a call that has its turn. It ends at the deadline, also while the answer is under way."""
        refused_for = None
        try:
            outcome = self._exchange.send(request, attempt, deadline)
            if outcome.retry.limited:
                refused_for = max(backoff(attempt), outcome.retry.wait or 0.0)
            return outcome
        finally:
            self._budget.release(refused_for=refused_for)


_ME: Final = Request("GET", ME, None, None, {}, RetrySafety.SAFE, 0.0)


def _no_room() -> PolykomosError:
    text = "the API key's limit of calls a minute left no room before the operation's own time-out"
    return RateLimitedError(429, "rate_limit_exceeded", text)


def _told(error: PolykomosError, attempts: int, seconds: float) -> PolykomosError:
    """The last error; one that outlived several attempts says how many."""
    if attempts > 1 and isinstance(error, TransportError):
        return type(error)(f"{error} ({attempts} attempts in {seconds:.0f} s)")
    return error
