"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """The key of a call, its user and the user's teams (primary_team_id is among team_ids)."""

    key_id: int
    key_preview: str
    user_id: int
    primary_team_id: int
    team_ids: tuple[int, ...]
    scopes: frozenset[str]
    requests_per_minute: int
    monthly_quota: int | None

    def has_scope(self, scope: str) -> bool:
        """`databases:*` grants all of `databases:`; there is no other wildcard, and write does not imply read."""
        return scope in self.scopes or (scope.startswith("databases:") and "databases:*" in self.scopes)


_PREFIX = "pk_live_"
# A shorter secret loses too much by four shown characters.
_SHORTEST_SHOWN = 12


def key_preview(key: str) -> str:
    """`pk_live_••••••••a1b2`: what may be shown of a key. One with another beginning shows none of that."""
    secret = key.removeprefix(_PREFIX)
    shown = _PREFIX if secret != key else ""
    return f"{shown}{'•' * 8}{secret[-4:] if len(secret) >= _SHORTEST_SHOWN else ''}"
