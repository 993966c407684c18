"""Calls to the API: each waits for the rate limit, and is retried within its deadline."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from resourcekit.http.api import RateLimitSource
from resourcekit.http.cache import TtlCache
from resourcekit.http.errors import (
    ApiError,
    ClientCancelledError,
    ClientError,
    RateLimitedError,
    TransportError,
)
from resourcekit.http.list_cache.cache import ListCaches
from resourcekit.http.polling import FIRST_PAUSE, SCARCE_FIRST_PAUSE
from resourcekit.http.rate_limit.limiter import RateLimiter
from resourcekit.http.retry import OUTAGE_SECONDS, RetrySafety, backoff
from resourcekit.http.sender import AttemptResult, HttpSender, Request

DEADLINE_SECONDS: Final = 120.0


def _silent(_text: str) -> None:
    """Discard a message."""


@dataclass(frozen=True)
class RequestOptions:
    """Limits of the calls of one operation.

    Attributes:
        deadline: When retries end, in `time.monotonic()` seconds; None gives each call DEADLINE_SECONDS.
        cancel: The event that ends every wait at once.
        on_wait: Called with a message when a call waits for the key's rate limit.
    """

    deadline: float | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    on_wait: Callable[[str], None] = _silent


@dataclass(frozen=True)
class Response:
    """A successful response.

    Attributes:
        body: The JSON.
        sent_at: When the request was sent, in `time.monotonic()` seconds.
        was_retried: Whether an earlier attempt of the same call may have been carried out, with its response lost.
    """

    body: Any
    sent_at: float
    was_retried: bool = False


class Transport:
    """Sends calls over one shared connection pool; safe for use by many threads."""

    def __init__(
        self,
        sender: HttpSender,
        list_caches: ListCaches,
        options: RequestOptions | None = None,
        limiter: RateLimiter | None = None,
        cache: TtlCache | None = None,
    ) -> None:
        self._sender = sender
        self._api = sender.api
        self.list_caches = list_caches
        self.options = options or RequestOptions()
        self._limiter = limiter or RateLimiter()
        self.cache = cache or TtlCache()

    def with_options(self, options: RequestOptions) -> Transport:
        """Return a transport over the same pool with other options."""
        return Transport(self._sender, self.list_caches, options, self._limiter, self.cache)

    def name_key(self, source: str) -> None:
        """Set where the API key comes from, for the messages of errors."""
        self._sender.key_source = source

    @property
    def host(self) -> str:
        """The host of the base URL."""
        return self._sender.host

    def rate_limit(self, source: RateLimitSource) -> dict[str, Any]:
        """Return the response that has the rate limit, requested once for all threads. It sets the key's limit."""

        def load() -> dict[str, Any]:
            body = self.request_json("GET", source.path)
            self._limiter.set_limit(source.parse(body))
            return body

        return self.cache.get_or_load(source.path, load)

    def first_pause(self) -> float:
        """Return the seconds before the first read of a wait; longer if few calls are left."""
        return SCARCE_FIRST_PAUSE if self._limiter.is_nearly_exhausted() else FIRST_PAUSE

    def close(self) -> None:
        """Close the pool."""
        self._sender.close()

    def request_json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Send a call as `request` does and return the response's JSON object."""
        body: dict[str, Any] = self.request(method, path, **options).body
        return body

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
        headers: Mapping[str, str] | None = None,
        returns: type = dict,
        secret_params: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
    ) -> Response:
        """Send a call, with retries, and return the response.

        Args:
            method: The HTTP method.
            path: The path below the base URL.
            json: The body.
            params: The query's parameters.
            safety: What a repeated call would do.
            idempotency_key: The key of a keyed call; None for a new UUID. Retries use the same key.
            server_wait: The seconds by which the server itself may delay the response.
            headers: Headers of this call.
            returns: The type of the response's JSON: `dict` or `list`.
            secret_params: Parameters of the query that no log may contain.
            files: The files of a multipart body: field to name, content and media type.

        Raises:
            ApiError: The response is an error.
            TransportError: There is no usable response; UnknownOutcomeError if an unsafe call may have run.
            DeadlineExceededError: The operation's time-out expired.
            ClientCancelledError: The operation was cancelled.
        """
        keyed = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())} if safety is RetrySafety.KEYED else {}
        sent = {**self._api.headers, **(headers or {}), **keyed}
        request = Request(method, path, json, params, sent, safety, server_wait, returns, secret_params, files)
        collection = self._api.written_collection(method, path) if self._api.written_collection else None
        if collection is None:
            return self._send(request)
        # Invalidated twice: a read during the write may or may not see the change, and a read after it must.
        self.list_caches.of(collection).invalidate()
        try:
            return self._send(request)
        finally:
            self.list_caches.of(collection).invalidate()

    def _send(self, request: Request) -> Response:
        began = time.monotonic()
        deadline = self.options.deadline if self.options.deadline is not None else began + DEADLINE_SECONDS
        attempt = 0
        outage = 0.0  # seconds; waiting for the rate limit does not count
        last: ClientError | None = None
        was_retried = is_renewed = False
        while True:
            if not self._wait_for_slot(request, deadline):
                raise last or _rate_limit_timeout()
            attempt += 1
            sent_at = time.monotonic()
            outcome = self._attempt(request, attempt, deadline)
            if outcome.error is None:
                return Response(outcome.body, sent_at, was_retried)
            last = outcome.error
            was_retried = was_retried or outcome.may_have_executed
            now = time.monotonic()
            if outcome.is_renewable and not is_renewed:
                is_renewed = True
                continue  # with new credentials
            if outcome.retry.limited:
                outage = 0.0
                continue  # the limiter makes all calls wait for as long as the API requested
            pause = max(backoff(attempt), outcome.retry.wait or 0.0)
            outage = outage + now - sent_at + pause if outcome.retry.outage else 0.0
            if not outcome.retry.retry or now + pause > deadline or outage > OUTAGE_SECONDS:
                if isinstance(outcome.error, ApiError):
                    outcome.error.was_retried = was_retried
                raise _with_attempts(outcome.error, attempt, now - began)
            if self.options.cancel.wait(pause):
                raise ClientCancelledError(f"cancelled before a retry: {outcome.error}")

    def _wait_for_slot(self, request: Request, deadline: float) -> bool:
        """Wait until the rate limit allows the call; return False if the deadline passes first."""
        source = self._api.rate_limit
        if source is not None and self._limiter.should_fetch_limit():
            first = Request("GET", source.path, None, None, self._api.headers, RetrySafety.SAFE, 0.0)
            if self._acquire(first, deadline):
                answer = self._attempt(first, 1, deadline)
                if answer.error is None:
                    self._limiter.set_limit(source.parse(answer.body))
                    self.cache.set(source.path, answer.body)
        return self._acquire(request, deadline)

    def _acquire(self, request: Request, deadline: float) -> bool:
        return self._limiter.acquire(
            write=request.method != "GET", deadline=deadline, cancel=self.options.cancel, on_wait=self.options.on_wait
        )

    def _attempt(self, request: Request, attempt: int, deadline: float) -> AttemptResult:
        """Send one attempt of a call. It ends at the deadline, even while the response is being received."""
        refused_for = None
        try:
            outcome = self._sender.send(request, attempt, deadline)
            if outcome.retry.limited:
                refused_for = max(backoff(attempt), outcome.retry.wait or 0.0)
            return outcome
        finally:
            self._limiter.release(refused_for=refused_for)


def _rate_limit_timeout() -> ClientError:
    text = "the operation timed out while it waited for the API key's limit of calls a minute"
    return RateLimitedError(429, "rate_limit_exceeded", text)


def _with_attempts(error: ClientError, attempts: int, seconds: float) -> ClientError:
    """Return the last error; a TransportError after several attempts says how many there were."""
    if attempts > 1 and isinstance(error, TransportError):
        return type(error)(f"{error} ({attempts} attempts in {seconds:.0f} s)")
    return error
