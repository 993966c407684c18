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

from polykomos.client.deferred import deferred
from polykomos.client.errors import AnswerOverdue, ApiError, PolykomosError, TransportError, UnknownOutcome, error_of
from polykomos.client.retry import GIVE_UP, Failure, Safety, Verdict, after_answer, after_failure
from polykomos.client.secrets import mask
from polykomos.client.texts import decoded, with_texts

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

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
    safety: Safety
    server_wait: float


@dataclass(frozen=True)
class Outcome:
    """unsure: it failed, and may have been carried out all the same."""

    body: dict[str, Any] = field(default_factory=dict)
    error: PolykomosError | None = None
    verdict: Verdict = GIVE_UP
    unsure: bool = False


class Exchange:
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

    def send(self, request: Request, attempt: int, deadline: float = math.inf) -> Outcome:
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

    def _no_answer(self, error: httpx.HTTPError, request: Request, *, is_over: bool) -> Outcome:
        """is_over: whether the operation's own time has run out."""
        failure = Failure.NEVER_SENT if _was_never_sent(error) else Failure.UNKNOWN
        if is_over and isinstance(error, httpx.TimeoutException):
            overdue = AnswerOverdue(_overdue(self._http.base_url.netloc.decode(), failure, request))
            return Outcome(error=overdue, unsure=failure is Failure.UNKNOWN)
        reason = mask(str(error) or type(error).__name__, [self._api_key])
        text = f"no answer from {self._http.base_url.netloc.decode()}: {reason}"
        verdict = GIVE_UP if _is_distrust(error) else after_failure(failure, request.safety)
        return Outcome(error=_lost(text, failure, request), verdict=verdict, unsure=failure is Failure.UNKNOWN)

    def _answer(self, response: httpx.Response, content: bytes, request: Request) -> Outcome:
        try:
            body = decoded(content)
        except (ValueError, RecursionError):
            body = None
        if response.is_success and isinstance(body, dict):
            return Outcome(body=body)
        if response.is_success:
            text = f"the answer to {request.method} {request.path} was no JSON object"
            verdict = after_failure(Failure.UNKNOWN, request.safety)
            return Outcome(error=_lost(text, Failure.UNKNOWN, request), verdict=verdict, unsure=True)
        error = self._error(response, body)
        now = datetime.now(UTC)
        verdict = after_answer(response.status_code, error.code, response.headers, request.safety, now)
        return Outcome(error=error, verdict=verdict, unsure=response.status_code >= 500)

    def _error(self, response: httpx.Response, body: Any) -> ApiError:
        found = body.get("error") if isinstance(body, dict) else None
        told: Mapping[str, Any] = found if isinstance(found, dict) else {}
        code = str(told.get("code") or "")
        message = str(told.get("message") or f"the API answered {response.status_code} {response.reason_phrase}")
        details = told.get("details")
        whole: Mapping[str, Any] = body if isinstance(body, dict) else {}
        request_id = str(whole.get("request_id") or "")
        error = error_of(response.status_code, code)(
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
        return with_texts(value, lambda text: mask(text, [self._api_key]))


def _read(response: httpx.Response, deadline: float) -> bytes:
    """The whole answer. Raises ReadTimeout where it is not complete at the deadline, however steadily it comes."""
    chunks = []
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        if time.monotonic() >= deadline:
            raise httpx.ReadTimeout("the answer is not complete")
    return b"".join(chunks)


def _overdue(host: str, failure: Failure, request: Request) -> str:
    text = f"no answer from {host} to {request.method} {request.path} before the operation's time-out"
    if failure is Failure.NEVER_SENT or (request.safety is Safety.SAFE and request.method == "GET"):
        return text
    return f"{text}. It may have been carried out all the same"


def _is_distrust(error: BaseException | None) -> bool:
    """Whether the other side's certificate was refused: it will not be a better one in a moment."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _lost(text: str, failure: Failure, request: Request) -> TransportError:
    if failure is Failure.UNKNOWN and request.safety is Safety.UNSAFE:
        told = (
            f"{text}. {request.method} {request.path} may have been carried out all the same: look before you repeat it"
        )
        return UnknownOutcome(told)
    return TransportError(text)


def _was_never_sent(error: httpx.HTTPError) -> bool:
    kinds = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
    return isinstance(error, kinds)
