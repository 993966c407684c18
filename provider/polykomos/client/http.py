"""One attempt of a call: its response or its failure, and whether to retry."""

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
# The minimum time-out of an attempt that begins just before the operation's deadline, so that the result of a write can
# still be read. The server's own wait is added, because only that response contains the id of a created object.
LEAST_SECONDS = 1.0


@dataclass(frozen=True)
class Request:
    """A request. `server_wait` is the time in seconds by which the server itself may delay the response."""

    method: str
    path: str
    json: Mapping[str, Any] | None
    params: Mapping[str, Any] | None
    headers: Mapping[str, str]
    safety: RetrySafety
    server_wait: float


@dataclass(frozen=True)
class AttemptResult:
    """The result of one attempt.

    Attributes:
        body: The JSON object of a successful response.
        error: The failure, or None.
        retry: Whether and when to retry.
        may_have_executed: Whether the API may have carried out the failed call.
    """

    body: dict[str, Any] = field(default_factory=dict)
    error: PolykomosError | None = None
    retry: RetryDecision = DO_NOT_RETRY
    may_have_executed: bool = False


class HttpSender:
    """Sends requests over one shared connection pool; safe for use by many threads."""

    def __init__(self, http: httpx.Client, api_key: str) -> None:
        self._http = http
        self._api_key = api_key
        self.key_source = ""

    @property
    def host(self) -> str:
        """The host of the base URL."""
        return self._http.base_url.host

    def close(self) -> None:
        """Close the pool."""
        self._http.close()

    def send(self, request: Request, attempt: int, deadline: float = math.inf) -> AttemptResult:
        """Send a request once and return the result.

        Args:
            request: The request.
            attempt: The attempt's number, for the log.
            deadline: When the attempt times out, in `time.monotonic()` seconds. The time-out of an attempt is at least
                LEAST_SECONDS plus the server's wait.

        Raises:
            PolykomosError: The request cannot be sent.
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
            # An unpaired surrogate, or a number that JSON cannot represent: the request was not sent.
            raise PolykomosError(f"{request.method} {request.path} cannot be sent: {error}") from None
        except httpx.HTTPError as error:
            outcome = self._no_response(error, request, is_over=time.monotonic() >= began + left)
            log.debug("%s %s failed (%s), attempt %d", request.method, request.path, type(error).__name__, attempt)
            return outcome
        milliseconds = (time.monotonic() - began) * 1000
        request_id = self._masked(response.headers.get("x-request-id", ""))
        log.debug(
            "%s %s %d in %.0f ms, attempt %d, %s",
            *(request.method, request.path, response.status_code, milliseconds, attempt, request_id),
        )
        return self._result(response, content, request)

    def _no_response(self, error: httpx.HTTPError, request: Request, *, is_over: bool) -> AttemptResult:
        """Return the result of an attempt without a response; `is_over` says whether the operation's time is over."""
        failure = TransportFailure.NEVER_SENT if _was_never_sent(error) else TransportFailure.UNKNOWN
        if is_over and isinstance(error, httpx.TimeoutException):
            overdue = ResponseOverdueError(_overdue(self._http.base_url.netloc.decode(), failure, request))
            return AttemptResult(error=overdue, may_have_executed=failure is TransportFailure.UNKNOWN)
        reason = redact(str(error) or type(error).__name__, [self._api_key])
        text = f"no answer from {self._http.base_url.netloc.decode()}: {reason}"
        decision = DO_NOT_RETRY if _is_untrusted_certificate(error) else decide_on_failure(failure, request.safety)
        return AttemptResult(
            error=_lost(text, failure, request), retry=decision, may_have_executed=failure is TransportFailure.UNKNOWN
        )

    def _result(self, response: httpx.Response, content: bytes, request: Request) -> AttemptResult:
        try:
            body = loads(content)
        except (ValueError, RecursionError):
            body = None
        if response.is_success and isinstance(body, dict):
            return AttemptResult(body=body)
        if response.is_success:
            text = f"the response to {request.method} {request.path} was not a JSON object"
            decision = decide_on_failure(TransportFailure.UNKNOWN, request.safety)
            return AttemptResult(
                error=_lost(text, TransportFailure.UNKNOWN, request), retry=decision, may_have_executed=True
            )
        error = self._error(response, body)
        now = datetime.now(UTC)
        decision = decide_on_response(response.status_code, error.code, response.headers, request.safety, now)
        return AttemptResult(error=error, retry=decision, may_have_executed=response.status_code >= 500)

    def _error(self, response: httpx.Response, body: Any) -> ApiError:
        envelope: Mapping[str, Any] = body if isinstance(body, dict) else {}
        value = envelope.get("error")
        fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
        code = str(fields.get("code") or "")
        message = str(fields.get("message") or f"the API answered {response.status_code} {response.reason_phrase}")
        details = fields.get("details")
        request_id = str(envelope.get("request_id") or "")
        error = error_class(response.status_code, code)(
            response.status_code,
            self._masked(code),
            self._masked(message),
            self._masked(details) if isinstance(details, dict) else {},
            self._masked(request_id or response.headers.get("x-request-id", "")),
            # The marker's place in an error's body is not documented.
            replayed=bool(envelope.get("idempotency_replay") or fields.get("idempotency_replay")),
        )
        error.key_source = self.key_source
        return error

    def _masked(self, value: Any) -> Any:
        """Return JSON with the secrets in its strings masked: a response may repeat parts of the request."""
        return map_strings(value, lambda text: redact(text, [self._api_key]))


def _read(response: httpx.Response, deadline: float) -> bytes:
    """Return the body of a response.

    Raises:
        httpx.ReadTimeout: The body is incomplete at the deadline, even if data still arrives.
    """
    chunks = []
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        if time.monotonic() >= deadline:
            raise httpx.ReadTimeout("the response is incomplete")
    return b"".join(chunks)


def _overdue(host: str, failure: TransportFailure, request: Request) -> str:
    text = f"no answer from {host} to {request.method} {request.path} before the operation's time-out"
    if failure is TransportFailure.NEVER_SENT or (request.safety is RetrySafety.SAFE and request.method == "GET"):
        return text
    return f"{text}. The API may have carried it out"


def _is_untrusted_certificate(error: BaseException | None) -> bool:
    """Return whether the server's certificate was rejected; a retry would not change that."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _lost(text: str, failure: TransportFailure, request: Request) -> TransportError:
    if failure is TransportFailure.UNKNOWN and request.safety is RetrySafety.UNSAFE:
        return UnknownOutcomeError(
            f"{text}. The API may have carried out {request.method} {request.path}: check that before you repeat it"
        )
    return TransportError(text)


def _was_never_sent(error: httpx.HTTPError) -> bool:
    kinds = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
    return isinstance(error, kinds)
