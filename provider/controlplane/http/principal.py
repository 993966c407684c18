"""The caller of a request."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """The key of a request, its user and the user's teams.

    Attributes:
        key_id: The API key.
        key_preview: The part of the key that may be shown.
        user_id: The key's user.
        primary_team_id: One of `team_ids`.
        team_ids: The teams of the user.
        scopes: The scopes of the key.
        requests_per_minute: The rate limit; 0 = none.
        monthly_quota: Requests per month; None = no limit.
    """

    key_id: int
    key_preview: str
    user_id: int
    primary_team_id: int
    team_ids: tuple[int, ...]
    scopes: frozenset[str]
    requests_per_minute: int
    monthly_quota: int | None

    def has_scope(self, scope: str) -> bool:
        """Return whether the key has a scope.

        `databases:*` grants all of `databases:`. There is no other wildcard, and write does not imply read.
        """
        return scope in self.scopes or (scope.startswith("databases:") and "databases:*" in self.scopes)


_PREFIX = "pk_live_"
# Four shown characters would disclose too much of a shorter secret.
_SHORTEST_SHOWN = 12


def key_preview(key: str) -> str:
    """Return the part of a key that may be shown: `pk_live_••••••••a1b2`.

    The prefix is left out if the key has another one.
    """
    secret = key.removeprefix(_PREFIX)
    shown = _PREFIX if secret != key else ""
    return f"{shown}{'•' * 8}{secret[-4:] if len(secret) >= _SHORTEST_SHOWN else ''}"
