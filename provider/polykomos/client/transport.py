"""One call to the API: sent, retried within its bounds, its answer decoded or raised."""

from __future__ import annotations

import logging
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from polykomos.client.budget import Budget
from polykomos.client.deferred import deferred
from polykomos.client.errors import (
    ApiError,
    Cancelled,
    PolykomosError,
    RateLimited,
    TransportError,
    UnknownOutcome,
    error_of,
)
from polykomos.client.memory import Memory
from polykomos.client.pace import limit_in
from polykomos.client.reading.decide import written_kind
from polykomos.client.reading.snapshot import Snapshots
from polykomos.client.retry import GIVE_UP, Failure, Safety, Verdict, after_answer, after_failure, backoff
from polykomos.client.secrets import mask
from polykomos.client.waits import FIRST_PAUSE, SCARCE_FIRST_PAUSE

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

log = logging.getLogger("polykomos.client")

# How long an outage (refused connections, 5xx) is borne; limits (429) are waited out to the deadline.
OUTAGE_SECONDS: Final = 60.0
DEADLINE_SECONDS: Final = 120.0


def _silent(_text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Bounds:
    """How long calls may go on retrying.

    deadline: `time.monotonic()` seconds; None gives each call DEADLINE_SECONDS. cancel: ends every wait at once.
    say: told when calls wait for the key's rate limit, and for how long.
    """

    deadline: float | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    say: Callable[[str], None] = _silent


@dataclass(frozen=True)
class Answer:
    """A successful answer's JSON object. sent_at: `time.monotonic()` seconds when what it answers was sent.

    resent: an earlier sending within the same call may have been carried out, its answer lost.
    """

    body: dict[str, Any]
    sent_at: float
    resent: bool = False


class Transport:
    """Calls over one shared connection pool; safe to use from many threads."""

    def __init__(
        self,
        http: httpx.Client,
        api_key: str,
        snapshots: Snapshots,
        bounds: Bounds | None = None,
        budget: Budget | None = None,
        memory: Memory | None = None,
    ) -> None:
        self._http = http
        self._api_key = api_key
        self.snapshots = snapshots
        self.bounds = bounds or Bounds()
        self._budget = budget or Budget()
        self.memory = memory or Memory()

    def within(self, bounds: Bounds) -> Transport:
        """The same pool with other bounds."""
        return Transport(self._http, self._api_key, self.snapshots, bounds, self._budget, self.memory)

    def first_pause(self) -> float:
        """How long a wait should let pass before it looks, by how scarce calls are."""
        return SCARCE_FIRST_PAUSE if self._budget.is_scarce() else FIRST_PAUSE

    def close(self) -> None:
        """Close the pool."""
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The answer's JSON object. See `ask`."""
        return self.ask(method, path, **options).body

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        safety: Safety = Safety.SAFE,
        idempotency_key: str | None = None,
        server_wait: float = 0.0,
    ) -> Answer:
        """The answer.

        A keyed call gets a fresh UUID as its key where none is given, and keeps it over its own retries.
        server_wait: seconds that the server itself may hold the answer back.
        Raises ApiError, TransportError (UnknownOutcome when an unsafe call may have been carried out) or Cancelled.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())} if safety is Safety.KEYED else {}
        request = _Request(method, path, json, params, headers, safety, server_wait)
        kind = written_kind(method, path)
        if kind is None:
            return self._send(request)
        # Marked twice: whoever reads meanwhile may see it or not, and whoever reads afterwards must.
        self.snapshots.of(kind).wrote()
        try:
            return self._send(request)
        finally:
            self.snapshots.of(kind).wrote()

    def _send(self, request: _Request) -> Answer:
        began = time.monotonic()
        deadline = self.bounds.deadline if self.bounds.deadline is not None else began + DEADLINE_SECONDS
        attempt = 0
        last: PolykomosError | None = None
        resent = False
        while True:
            if not self._turn(request, deadline):
                raise last or _no_room()
            attempt += 1
            sent_at = time.monotonic()
            outcome = self._attempt(request, attempt)
            if outcome.error is None:
                return Answer(outcome.body, sent_at, resent)
            last = outcome.error
            resent = resent or outcome.unsure
            now = time.monotonic()
            if outcome.verdict.limited:
                continue  # the budget makes all calls wait as long as this one was told to
            pause = max(backoff(attempt), outcome.verdict.wait or 0.0)
            limit = min(deadline, began + OUTAGE_SECONDS) if outcome.verdict.outage else deadline
            if not outcome.verdict.retry or now + pause > limit:
                raise _told(outcome.error, attempt, now - began)
            if self.bounds.cancel.wait(pause):
                raise Cancelled(f"cancelled while trying again: {outcome.error}")

    def _turn(self, request: _Request, deadline: float) -> bool:
        """Wait for the call's turn; False when the deadline came first."""
        if self._budget.wants_limit() and self._take(_ME, deadline):
            account = self._attempt(_ME, 1)
            if account.error is None:
                self._budget.learn(limit_in(account.body))
        return self._take(request, deadline)

    def _take(self, request: _Request, deadline: float) -> bool:
        return self._budget.take(
            write=request.method != "GET", deadline=deadline, cancel=self.bounds.cancel, say=self.bounds.say
        )

    def _attempt(self, request: _Request, attempt: int) -> _Outcome:
        """One try of a call that has its turn."""
        refused_for = None
        try:
            outcome = self._exchange(request, attempt)
            if outcome.verdict.limited:
                refused_for = max(backoff(attempt), outcome.verdict.wait or 0.0)
            return outcome
        finally:
            self._budget.done(refused_for=refused_for)

    def _exchange(self, request: _Request, attempt: int) -> _Outcome:
        began = time.monotonic()
        try:
            response = self._http.request(
                request.method,
                request.path,
                json=request.json,
                params=request.params,
                headers=request.headers,
                timeout=httpx.Timeout(10.0, read=request.server_wait + 30.0),
            )
        except ValueError as error:
            # A text that is no Unicode, a number that is none: it never left this machine.
            raise PolykomosError(f"{request.method} {request.path} cannot be sent: {error}") from None
        except httpx.HTTPError as error:
            outcome = self._no_answer(error, request)
            log.debug("%s %s failed (%s), attempt %d", request.method, request.path, type(error).__name__, attempt)
            return outcome
        milliseconds = (time.monotonic() - began) * 1000
        request_id = self._masked(response.headers.get("x-request-id", ""))
        log.debug(
            "%s %s %d in %.0f ms, attempt %d, %s",
            *(request.method, request.path, response.status_code, milliseconds, attempt, request_id),
        )
        return self._answer(response, request)

    def _no_answer(self, error: httpx.HTTPError, request: _Request) -> _Outcome:
        failure = Failure.NEVER_SENT if _was_never_sent(error) else Failure.UNKNOWN
        reason = mask(str(error) or type(error).__name__, [self._api_key])
        text = f"no answer from {self._http.base_url.netloc.decode()}: {reason}"
        verdict = GIVE_UP if _is_distrust(error) else after_failure(failure, request.safety)
        return _Outcome(error=_lost(text, failure, request), verdict=verdict, unsure=failure is Failure.UNKNOWN)

    def _answer(self, response: httpx.Response, request: _Request) -> _Outcome:
        try:
            body = response.json()
        except (ValueError, RecursionError):
            body = None
        if response.is_success and isinstance(body, dict):
            return _Outcome(body=body)
        if response.is_success:
            text = f"the answer to {request.method} {request.path} was no JSON object"
            verdict = after_failure(Failure.UNKNOWN, request.safety)
            return _Outcome(error=_lost(text, Failure.UNKNOWN, request), verdict=verdict, unsure=True)
        error = self._error(response, body)
        now = datetime.now(UTC)
        verdict = after_answer(response.status_code, error.code, response.headers, request.safety, now)
        return _Outcome(error=error, verdict=verdict, unsure=response.status_code >= 500)

    def _error(self, response: httpx.Response, body: Any) -> ApiError:
        found = body.get("error") if isinstance(body, dict) else None
        told: Mapping[str, Any] = found if isinstance(found, dict) else {}
        code = str(told.get("code") or "")
        message = str(told.get("message") or f"the API answered {response.status_code} {response.reason_phrase}")
        details = told.get("details")
        whole: Mapping[str, Any] = body if isinstance(body, dict) else {}
        request_id = str(whole.get("request_id") or "")
        return error_of(response.status_code, code)(
            response.status_code,
            self._masked(code),
            self._masked(message),
            self._masked(details) if isinstance(details, dict) else {},
            self._masked(request_id or response.headers.get("x-request-id", "")),
            # Where the marker stands in an error's body is not documented.
            replayed=bool(whole.get("idempotency_replay") or told.get("idempotency_replay")),
        )

    def _masked(self, value: Any) -> Any:
        """JSON with every text in it masked: an API may echo what it was sent anywhere."""
        if isinstance(value, str):
            return mask(value, [self._api_key])
        if isinstance(value, list):
            return [self._masked(item) for item in value]
        if isinstance(value, dict):
            return {self._masked(name): self._masked(item) for name, item in value.items()}
        return value


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    json: Mapping[str, Any] | None
    params: Mapping[str, Any] | None
    headers: Mapping[str, str]
    safety: Safety
    server_wait: float


_ME: Final = _Request("GET", "/me", None, None, {}, Safety.SAFE, 0.0)


@dataclass(frozen=True)
class _Outcome:
    """unsure: it failed, and may have been carried out all the same."""

    body: dict[str, Any] = field(default_factory=dict)
    error: PolykomosError | None = None
    verdict: Verdict = GIVE_UP
    unsure: bool = False


def _is_distrust(error: BaseException | None) -> bool:
    """Whether the other side's certificate was refused: it will not be a better one in a moment."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_room() -> PolykomosError:
    text = "the API key's limit of calls a minute left no room before the operation's own time-out"
    return RateLimited(429, "rate_limit_exceeded", text)


def _lost(text: str, failure: Failure, request: _Request) -> TransportError:
    if failure is Failure.UNKNOWN and request.safety is Safety.UNSAFE:
        told = (
            f"{text}. {request.method} {request.path} may have been carried out all the same: look before you repeat it"
        )
        return UnknownOutcome(told)
    return TransportError(text)


def _told(error: PolykomosError, attempts: int, seconds: float) -> PolykomosError:
    """The last error; one that outlived several attempts says how many."""
    if attempts > 1 and isinstance(error, TransportError):
        return type(error)(f"{error} ({attempts} attempts in {seconds:.0f} s)")
    return error


def _was_never_sent(error: httpx.HTTPError) -> bool:
    kinds = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
    return isinstance(error, kinds)
