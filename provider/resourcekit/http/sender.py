"""One attempt of a call: its response or its failure, and whether to retry."""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from resourcekit.http.api import Api
from resourcekit.http.credentials import Credentials, RefusedLoginError
from resourcekit.http.errors import (
    ApiError,
    ClientError,
    OverdueOutcomeError,
    ResponseOverdueError,
    ServerError,
    TransportError,
    UnauthorizedError,
    UnknownOutcomeError,
    error_class,
)
from resourcekit.http.json_values import loads, map_strings
from resourcekit.http.lazy_import import lazy_import
from resourcekit.http.retry import (
    DO_NOT_RETRY,
    RetryDecision,
    RetrySafety,
    TransportFailure,
    decide_on_failure,
    decide_on_response,
)
from resourcekit.http.secrets import redact

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

# The minimum time-out of an attempt that begins just before the operation's deadline, so that the result of a write can
# still be read. The server's own wait is added, because only that response contains the id of a created object.
LEAST_SECONDS = 1.0
# The extension of an httpx request with `Request.secret_params`.
EXTENSION: Final = "resourcekit.secret_params"


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        method: The HTTP method.
        path: The path below the base URL.
        json: The body as JSON.
        params: The query's parameters.
        headers: Headers of this request.
        safety: What a repeated call would do.
        server_wait: The time in seconds by which the server itself may delay the response.
        returns: The type of the response's JSON.
        secret_params: Parameters of the query that no log may contain, httpx's neither (see `connection`).
        files: The files of a multipart body: field to name, content and media type.
    """

    method: str
    path: str
    json: Mapping[str, Any] | None
    params: Mapping[str, Any] | None
    headers: Mapping[str, str]
    safety: RetrySafety
    server_wait: float
    returns: type = dict
    secret_params: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None


@dataclass(frozen=True)
class AttemptResult:
    """The result of one attempt.

    Attributes:
        body: The JSON of a successful response; an empty object if it has no content.
        error: The failure, or None.
        retry: Whether and when to retry.
        may_have_executed: Whether the API may have carried out the failed call.
        is_renewable: Whether the API refused the credentials, and others can be obtained.
    """

    body: Any = field(default_factory=dict)
    error: ClientError | None = None
    retry: RetryDecision = DO_NOT_RETRY
    may_have_executed: bool = False
    is_renewable: bool = False


class HttpSender:
    """Sends requests over one shared connection pool; safe for use by many threads."""

    def __init__(self, http: httpx.Client, api: Api, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials
        self.api = api
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
            ClientError: The request cannot be sent.
        """
        try:
            authorization = self._credentials.authorization(partial(self._log_in, deadline))
        except RefusedLoginError as error:
            # A login can be repeated, but its answers are as final as those of any call.
            outage = isinstance(error.cause, TransportError | ServerError)
            return AttemptResult(error=error.cause, retry=RetryDecision(retry=outage, outage=outage))
        outcome = self._exchange(request, attempt, deadline, authorization)
        if isinstance(outcome.error, UnauthorizedError) and self._credentials.discard(authorization):
            return replace(outcome, is_renewable=True)
        return outcome

    def _log_in(self, deadline: float, path: str, body: Mapping[str, Any], authorization: str) -> Mapping[str, Any]:
        """Send a call of a login; raises RefusedLoginError."""
        outcome = self._exchange(
            Request("POST", path, body, None, {}, RetrySafety.SAFE, 0.0), 1, deadline, authorization
        )
        if outcome.error is not None:
            raise RefusedLoginError(outcome.error)
        answer: Mapping[str, Any] = outcome.body
        return answer

    def _exchange(self, request: Request, attempt: int, deadline: float, authorization: str) -> AttemptResult:
        log = self.api.log
        began = time.monotonic()
        left = max(request.server_wait + LEAST_SECONDS, deadline - began)
        try:
            with self._http.stream(
                request.method,
                request.path,
                json=request.json,
                params=request.params,
                files=request.files,
                headers={**request.headers, **({"Authorization": authorization} if authorization else {})},
                timeout=httpx.Timeout(min(10.0, left), read=min(request.server_wait + 30.0, left)),
                extensions={EXTENSION: request.secret_params} if request.secret_params else None,
            ) as response:
                content = _read(response, began + left)
        except ValueError as error:
            # An unpaired surrogate, or a number that JSON cannot represent: the request was not sent.
            raise ClientError(f"{request.method} {request.path} cannot be sent: {error}") from None
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
            overdue = _overdue(self._http.base_url.netloc.decode(), failure, request)
            return AttemptResult(error=overdue, may_have_executed=failure is TransportFailure.UNKNOWN)
        reason = self._masked(str(error) or type(error).__name__)
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
        if response.is_success and isinstance(body, request.returns):
            return AttemptResult(body=body)
        if response.status_code == 204:
            return AttemptResult()
        if response.is_success:
            shape = "object" if request.returns is dict else "array"
            text = f"the response to {request.method} {request.path} was not a JSON {shape}"
            decision = decide_on_failure(TransportFailure.UNKNOWN, request.safety)
            return AttemptResult(
                error=_lost(text, TransportFailure.UNKNOWN, request), retry=decision, may_have_executed=True
            )
        error = self._error(response, body)
        now = datetime.now(UTC)
        decision = decide_on_response(
            response.status_code, error.code, response.headers, request.safety, now, self.api.retry
        )
        return AttemptResult(error=error, retry=decision, may_have_executed=response.status_code >= 500)

    def _error(self, response: httpx.Response, body: Any) -> ApiError:
        found = self.api.read_error(body)
        message = found.message or f"the API answered {response.status_code} {response.reason_phrase}"
        error = error_class(response.status_code, found.code, self.api.errors_by_code)(
            response.status_code,
            self._masked(found.code),
            self._masked(message),
            self._masked(dict(found.details)),
            self._masked(found.request_id or response.headers.get("x-request-id", "")),
            replayed=found.replayed,
        )
        error.key_source = self.key_source
        return error

    def _masked(self, value: Any) -> Any:
        """Return JSON with the secrets in its strings masked: a response may repeat parts of the request."""
        secrets = self._credentials.secrets
        return map_strings(value, lambda text: redact(text, secrets, self.api.key_prefixes))


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


def _overdue(host: str, failure: TransportFailure, request: Request) -> ResponseOverdueError:
    text = f"no answer from {host} to {request.method} {request.path} before the operation's time-out"
    if failure is TransportFailure.NEVER_SENT or (request.safety is RetrySafety.SAFE and request.method == "GET"):
        return ResponseOverdueError(text)
    kind = OverdueOutcomeError if request.safety is RetrySafety.UNSAFE else ResponseOverdueError
    return kind(f"{text}. The API may have carried it out")


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
