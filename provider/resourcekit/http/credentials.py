"""The Authorization header of calls: a fixed key, or tokens of a login that are renewed before they expire."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from resourcekit.http.errors import ClientError, TransportError

# A token is renewed this long before it expires, so that no call is under way when it does.
_MARGIN_SECONDS: Final = 60.0
# Of a token that is valid for a short time, at most this part.
_MARGIN_PART: Final = 0.2

Post = Callable[[str, Mapping[str, Any], str], Mapping[str, Any]]
"""Sends a call of a login and returns its JSON object: path, body, Authorization header (empty for none)."""


class RefusedLoginError(ClientError):
    """A login or a renewal failed. `cause` is the error of its call."""

    def __init__(self, cause: ClientError) -> None:
        self.cause = cause
        super().__init__(str(cause))


class Credentials(Protocol):
    """The credentials of a client."""

    @property
    def secrets(self) -> Sequence[str]:
        """The texts that no message may contain."""

    @property
    def identity(self) -> str:
        """A text that is the same for the same credentials, to share a rate limit. It is hashed before it is used."""

    def authorization(self, post: Post) -> str:
        """Return the Authorization header of the next call, after a login if necessary."""

    def discard(self, authorization: str) -> bool:
        """Discard a header that the API refused. Return whether another one can be obtained."""


@dataclass(frozen=True)
class FixedCredentials:
    """A header that never changes.

    Attributes:
        header: The Authorization header.
        key: The secret in it.
    """

    header: str = field(repr=False)
    key: str = field(repr=False)

    @property
    def secrets(self) -> Sequence[str]:
        """The key, and the header's text without its scheme."""
        return (self.key, self.header.partition(" ")[2])

    @property
    def identity(self) -> str:
        """The key."""
        return self.key

    def authorization(self, post: Post) -> str:
        """Return the header."""
        del post
        return self.header

    def discard(self, authorization: str) -> bool:
        """Return False: there is no other key."""
        del authorization
        return False


def bearer(key: str) -> FixedCredentials:
    """Return the credentials of a bearer token."""
    return FixedCredentials(f"Bearer {key}", key)


def basic(user_and_password: str) -> FixedCredentials:
    """Return the credentials of HTTP Basic authentication for `user:password`."""
    encoded = base64.b64encode(user_and_password.encode()).decode()
    return FixedCredentials(f"Basic {encoded}", user_and_password)


class LoginCredentials:
    """Bearer tokens of a login. They are renewed before they expire, so that no run meets an expired token.

    Args:
        login: The path of the login, which returns `access_token` and `expires_in`.
        body: The body of the login.
        refresh: The path that renews a token that is still valid; the response is that of a login.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self, login: str, body: Mapping[str, str], refresh: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._login = login
        self._body = dict(body)
        self._refresh = refresh
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = self._expires_at = 0.0

    @property
    def secrets(self) -> Sequence[str]:
        """The current token, and the values of the login's body."""
        return (self._token, *self._body.values())

    @property
    def identity(self) -> str:
        """The values of the login's body."""
        return "\n".join(self._body.values())

    def authorization(self, post: Post) -> str:
        """Return the header with a token that is valid for some time. One thread at a time logs in."""
        with self._lock:
            now = self._clock()
            if not self._token or now >= self._expires_at:
                self._store(post(self._login, self._body, ""), now)
            elif now >= self._renew_at:
                self._renew(post, now)
            return f"Bearer {self._token}"

    def discard(self, authorization: str) -> bool:
        """Discard a refused token. Return True: the next call logs in."""
        with self._lock:
            if authorization == f"Bearer {self._token}":
                self._token = ""
        return True

    def _renew(self, post: Post, now: float) -> None:
        try:
            renewed = post(self._refresh, {}, f"Bearer {self._token}")
        except RefusedLoginError:
            # The token may have been revoked. Only the login's own error is reported.
            renewed = post(self._login, self._body, "")
        self._store(renewed, now)

    def _store(self, answer: Mapping[str, Any], now: float) -> None:
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int | float) or seconds <= 0:
            raise RefusedLoginError(
                TransportError("the response to the login is not as documented: access_token, expires_in")
            )
        self._token = token
        self._expires_at = now + seconds
        self._renew_at = self._expires_at - min(_MARGIN_SECONDS, _MARGIN_PART * seconds)
