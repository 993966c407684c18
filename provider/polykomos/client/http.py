"""One sending of one call: its answer, or why there is none, and what that means for another try."""

from __future__ import annotations

import logging
import math
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from polykomos.client._json import loads, map_strings
from polykomos.client._lazy import lazy_import
from polykomos.client.errors import (
    ApiError,
    PolykomosError,
    ResponseOverdueError,
    TransportError,
    UnknownOutcomeError,
    error_class,
)
from polykomos.client.retry import (
    DO_NOT_RETRY,
    RetryDecision,
    RetrySafety,
    TransportFailure,
    decide_on_failure,
    decide_on_response,
)
from polykomos.client.secrets import redact

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

log = logging.getLogger("polykomos.client")
# For an attempt that begins when the operation's time is almost over: what was done just now is still read. The time
# that the server itself may hold the answer back comes on top, because that answer alone tells the id of what was made.
LEAST_SECONDS = 1.0


@dataclass(frozen=True)
class Request:
    """server_wait: seconds that the server itself may hold the answer back."""

    method: str
    path: str
    json: Mapping[str, Any] | None
    params: Mapping[str, Any] | None
    headers: Mapping[str, str]
    safety: RetrySafety
    server_wait: float


@dataclass(frozen=True)
class AttemptResult:
    """unsure: it failed, and may have been carried out all the same."""

    body: dict[str, Any] = field(default_factory=dict)
    error: PolykomosError | None = None
    retry: RetryDecision = DO_NOT_RETRY
    may_have_executed: bool = False


class HttpSender:
    """Sends over one shared connection pool; safe to use from many threads."""

    def __init__(self, http: httpx.Client, api_key: str) -> None:
        self._http = http
        self._api_key = api_key
        self.key_source = ""

    @property
    def host(self) -> str:
        """The host that it sends to."""
        return self._http.base_url.host

    def close(self) -> None:
        """Close the pool."""
        self._http.close()

    def send(self, request: Request, attempt: int, deadline: float = math.inf) -> AttemptResult:
        """Send it once and return the outcome.

        Args:
            request: What to send.
            attempt: Its number, for the log.
            deadline: `time.monotonic()` seconds at which the attempt is given up. Each attempt has at least
                LEAST_SECONDS and the server's wait.

        Raises:
            PolykomosError: It cannot be sent at all.
        """
        began = time.monotonic()
        left = max(request.server_wait + LEAST_SECONDS, deadline - began)
        try:
            with self._http.stream(
                request.method,
                request.path,
                json=request.json,
                params=request.params,
                headers=request.headers,
                timeout=httpx.Timeout(min(10.0, left), read=min(request.server_wait + 30.0, left)),
            ) as response:
                content = _read(response, began + left)
        except ValueError as error:
            # A text that is no Unicode, a number that is none: it never left this machine.
            raise PolykomosError(f"{request.method} {request.path} cannot be sent: {error}") from None
        except httpx.HTTPError as error:
            outcome = self._no_answer(error, request, is_over=time.monotonic() >= began + left)
            log.debug("%s %s failed (%s), attempt %d", request.method, request.path, type(error).__name__, attempt)
            return outcome
        milliseconds = (time.monotonic() - began) * 1000
        request_id = self._masked(response.headers.get("x-request-id", ""))
        log.debug(
            "%s %s %d in %.0f ms, attempt %d, %s",
            *(request.method, request.path, response.status_code, milliseconds, attempt, request_id),
        )
        return self._answer(response, content, request)

    def _no_answer(self, error: httpx.HTTPError, request: Request, *, is_over: bool) -> AttemptResult:
        """is_over: whether the operation's own time has run out."""
        failure = TransportFailure.NEVER_SENT if _was_never_sent(error) else TransportFailure.UNKNOWN
        if is_over and isinstance(error, httpx.TimeoutException):
            overdue = ResponseOverdueError(_overdue(self._http.base_url.netloc.decode(), failure, request))
            return AttemptResult(error=overdue, may_have_executed=failure is TransportFailure.UNKNOWN)
        reason = redact(str(error) or type(error).__name__, [self._api_key])
        text = f"no answer from {self._http.base_url.netloc.decode()}: {reason}"
        verdict = DO_NOT_RETRY if _is_distrust(error) else decide_on_failure(failure, request.safety)
        return AttemptResult(
            error=_lost(text, failure, request), retry=verdict, may_have_executed=failure is TransportFailure.UNKNOWN
        )

    def _answer(self, response: httpx.Response, content: bytes, request: Request) -> AttemptResult:
        try:
            body = loads(content)
        except (ValueError, RecursionError):
            body = None
        if response.is_success and isinstance(body, dict):
            return AttemptResult(body=body)
        if response.is_success:
            text = f"the answer to {request.method} {request.path} was no JSON object"
            verdict = decide_on_failure(TransportFailure.UNKNOWN, request.safety)
            return AttemptResult(
                error=_lost(text, TransportFailure.UNKNOWN, request), retry=verdict, may_have_executed=True
            )
        error = self._error(response, body)
        now = datetime.now(UTC)
        verdict = decide_on_response(response.status_code, error.code, response.headers, request.safety, now)
        return AttemptResult(error=error, retry=verdict, may_have_executed=response.status_code >= 500)

    def _error(self, response: httpx.Response, body: Any) -> ApiError:
        found = body.get("error") if isinstance(body, dict) else None
        told: Mapping[str, Any] = found if isinstance(found, dict) else {}
        code = str(told.get("code") or "")
        message = str(told.get("message") or f"the API answered {response.status_code} {response.reason_phrase}")
        details = told.get("details")
        whole: Mapping[str, Any] = body if isinstance(body, dict) else {}
        request_id = str(whole.get("request_id") or "")
        error = error_class(response.status_code, code)(
            response.status_code,
            self._masked(code),
            self._masked(message),
            self._masked(details) if isinstance(details, dict) else {},
            self._masked(request_id or response.headers.get("x-request-id", "")),
            # Where the marker stands in an error's body is not documented.
            replayed=bool(whole.get("idempotency_replay") or told.get("idempotency_replay")),
        )
        error.key_source = self.key_source
        return error

    def _masked(self, value: Any) -> Any:
        """JSON with every text in it masked: an API may echo what it was sent anywhere."""
        return map_strings(value, lambda text: redact(text, [self._api_key]))


def _read(response: httpx.Response, deadline: float) -> bytes:
    """The whole answer. Raises ReadTimeout where it is not complete at the deadline, however steadily it comes."""
    chunks = []
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        if time.monotonic() >= deadline:
            raise httpx.ReadTimeout("the answer is not complete")
    return b"".join(chunks)


def _overdue(host: str, failure: TransportFailure, request: Request) -> str:
    text = f"no answer from {host} to {request.method} {request.path} before the operation's time-out"
    if failure is TransportFailure.NEVER_SENT or (request.safety is RetrySafety.SAFE and request.method == "GET"):
        return text
    return f"{text}. It may have been carried out all the same"


def _is_distrust(error: BaseException | None) -> bool:
    """Whether the other side's certificate was refused: it will not be a better one in a moment."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _lost(text: str, failure: TransportFailure, request: Request) -> TransportError:
    if failure is TransportFailure.UNKNOWN and request.safety is RetrySafety.UNSAFE:
        told = (
            f"{text}. {request.method} {request.path} may have been carried out all the same: look before you repeat it"
        )
        return UnknownOutcomeError(told)
    return TransportError(text)


def _was_never_sent(error: httpx.HTTPError) -> bool:
    kinds = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
    return isinstance(error, kinds)
