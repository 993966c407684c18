"""The first user with teams and a key; from a seed file further users, plans and answers to queries.

Applying a seed again changes nothing.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from controlplane.account.routes import ALL_SCOPES, WILDCARDS
from controlplane.db.pool import Connection
from controlplane.errors import StartupError
from controlplane.http.auth import hash_key
from controlplane.http.key_policy import read_network
from controlplane.http.principal import key_preview
from controlplane.plans import Plan, Plans, plan_of
from controlplane.query_answers import QueryAnswer, first_duplicate

DEVELOPER_EMAIL = "developer@polykomos.localhost"
DEVELOPER_KEY = "Development Key"


class SeedError(StartupError):
    """The seed file is invalid. The message names the place and contains no key."""


Limit = TypeVar("Limit", int, float)

_MAX_INTEGER: Final = 2**31 - 1  # of a column in the store


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class KeySeed(_Strict):
    """An API key."""

    key: str = Field(pattern=r"^[\x21-\x7e]{8,255}$")
    name: str  # unique among the keys of the user
    scopes: list[str] = Field(default_factory=lambda: list(ALL_SCOPES))
    status: Literal["active", "revoked", "expired"] = "active"
    requests_per_minute: int = Field(default=120, ge=0, le=_MAX_INTEGER)  # 0 = no limit
    monthly_quota: int | None = Field(default=None, ge=0, le=_MAX_INTEGER)  # requests per month; null = no limit
    # Addresses and networks of clients; empty = any.
    allowed_ip_list: list[Annotated[str, AfterValidator(read_network)]] = Field(default_factory=list)
    # Days without use after which the key expires; null = no limit.
    inactive_ttl_days: int | None = Field(default=None, ge=1, le=36_500)


class UserSeed(_Strict):
    """A user. An email that exists already adds teams and keys to that user."""

    name: str
    email: str
    # The first one is the primary team. A new user without teams gets one of their own name, because a key acts for a
    # team.
    teams: list[str] = Field(default_factory=list)
    keys: list[KeySeed] = Field(default_factory=list)


def _not_null(value: Limit | None) -> Limit:
    if value is None:
        raise ValueError("null is no limit. Omit it for the plan's own, or set a large number")
    return value


class PlanSeed(_Strict):
    """The differences from the plan of that name, or from plan free if the plan is new.

    Attributes:
        storage_hard_limit_gb: In GB of 10^9 bytes; null is refused.
        connection_hard_limit: Simultaneous connections; null is refused.
        warning_threshold_pct: Per cent of the storage; null is refused.
        daily_queries: Queries in plain language per day; null = no limit.
    """

    storage_hard_limit_gb: Annotated[float | None, AfterValidator(_not_null)] = Field(
        default=None, gt=0, allow_inf_nan=False
    )
    connection_hard_limit: Annotated[int | None, AfterValidator(_not_null)] = Field(default=None, ge=1, le=10_000)
    warning_threshold_pct: Annotated[int | None, AfterValidator(_not_null)] = Field(default=None, ge=1, le=100)
    daily_queries: int | None = Field(default=None, ge=0, le=_MAX_INTEGER)

    def merged_with(self, plan: Plan) -> Plan:
        """Return the plan with these differences."""
        quotas = self.model_dump(exclude_unset=True)
        daily = quotas.pop("daily_queries", plan.daily_queries)
        return Plan(dataclasses.replace(plan.quotas, **quotas), daily)


class Seed(_Strict):
    """The contents of a seed file."""

    users: list[UserSeed] = Field(default_factory=list)  # further users
    # Changed or new plans, by name.
    plans: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,49}$")], PlanSeed] = Field(default_factory=dict)
    queries: list[QueryAnswer] = Field(default_factory=list)  # answers to queries in plain language

    def merged_with(self, plans: Plans) -> Plans:
        """Return the plans with the differences of this file."""
        changed = {name: seed.merged_with(plan_of(plans, name)) for name, seed in self.plans.items()}
        return {**plans, **changed}


def read_seed(path: Path) -> Seed:
    """Read a seed file.

    Raises:
        SeedError: The file cannot be read, or is invalid.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors may put a byte order mark at the beginning
        seed = Seed.model_validate(json.loads(text, object_pairs_hook=_distinct))
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise SeedError(f"{path}: {'; '.join(problems)}") from None
    except UnicodeDecodeError as error:
        raise SeedError(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8") from None
    except (OSError, ValueError) as error:
        raise SeedError(f"{path}: {error}") from None
    repeated = first_duplicate(seed.queries)
    if repeated is not None:
        raise SeedError(
            f"{path}: queries.{repeated}.query: an earlier answer has the same text (without regard to case and white"
            " space) and db_type. Remove one of them"
        )
    key_names: dict[str, str] = {}
    keys_of_users = {(DEVELOPER_EMAIL, DEVELOPER_KEY)}
    user_names: dict[str, str] = {}
    for user in seed.users:
        if user_names.setdefault(user.email, user.name) != user.name:
            raise SeedError(
                f"{path}: {user.email} stands there twice, as {user_names[user.email]!r} and {user.name!r}. An email is"
                " one user: give it one name"
            )
        for key in user.keys:
            if (user.email, key.name) in keys_of_users:
                other = "the key of `polykomos dev`" if key.name == DEVELOPER_KEY else "another key"
                raise SeedError(f"{path}: key {key.name!r} of {user.email}: {other} has this name. Give each its own")
            keys_of_users.add((user.email, key.name))
            if key.key in key_names:
                raise SeedError(
                    f"{path}: the key {key_preview(key.key)} stands there twice, as {key_names[key.key]!r} and"
                    f" {key.name!r}"
                )
            key_names[key.key] = key.name
            unknown = set(key.scopes) - {*ALL_SCOPES, *WILDCARDS}
            if unknown:
                raise SeedError(f"{path}: key {key.name!r}: unknown scopes {sorted(unknown)}")
    return seed


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these members.

    Raises:
        ValueError: A name occurs twice, so that one of its values would be lost.
    """
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return members


def developer_user(api_key: str, requests_per_minute: int) -> UserSeed:
    """Return the user of `polykomos dev`: a primary team, a second one, and the key with every scope."""
    key = KeySeed(key=api_key, name=DEVELOPER_KEY, requests_per_minute=requests_per_minute)
    return UserSeed(name="Dev Eloper", email=DEVELOPER_EMAIL, teams=["Primary Team", "Second Team"], keys=[key])


async def apply_seed(conn: Connection, user: UserSeed, now: datetime) -> None:
    """Create the user with these teams and keys if necessary. A key of the same name is replaced.

    Raises:
        StartupError: A key belongs to another user.
    """
    user_id = await conn.fetch_value(
        "INSERT INTO users (name, email, created_at) VALUES (%s, %s, %s)"
        " ON CONFLICT (email) DO UPDATE SET name = users.name RETURNING id",
        (user.name, user.email, now),
    )
    for team in user.teams or await _missing_team(conn, user_id, user.name):
        await _create_team(conn, user_id, team, now)
    for key in user.keys:
        await _rename(conn, user_id, key)
        await conn.execute(
            "INSERT INTO api_keys (user_id, name, hash, preview, scopes, status, requests_per_minute, monthly_quota,"
            " allowed_ip_list, inactive_ttl_days, created_at) VALUES (%(user_id)s, %(name)s, %(hash)s, %(preview)s,"
            " %(scopes)s, %(status)s, %(requests_per_minute)s, %(monthly_quota)s, %(allowed_ip_list)s,"
            " %(inactive_ttl_days)s, %(now)s)"
            " ON CONFLICT (user_id, name) DO UPDATE SET hash = excluded.hash, preview = excluded.preview,"
            " scopes = excluded.scopes, status = excluded.status, requests_per_minute = excluded.requests_per_minute,"
            " monthly_quota = excluded.monthly_quota, allowed_ip_list = excluded.allowed_ip_list,"
            " inactive_ttl_days = excluded.inactive_ttl_days",
            {
                **key.model_dump(exclude={"key"}),
                "user_id": user_id,
                "hash": hash_key(key.key),
                "preview": key_preview(key.key),
                "now": now,
            },
        )


async def _rename(conn: Connection, user_id: int, key: KeySeed) -> None:
    """Rename the user's key if it has another name, unless another key has this name.

    Raises:
        StartupError: The key exists and cannot be renamed.
    """
    row = await conn.fetch_one(
        "SELECT k.id, k.user_id, k.name, u.email FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.hash = %s",
        (hash_key(key.key),),
    )
    if row is None or (row["user_id"], row["name"]) == (user_id, key.name):
        return
    if row["user_id"] == user_id:
        cursor = await conn.execute(
            "UPDATE api_keys SET name = %(name)s WHERE id = %(id)s"
            " AND NOT EXISTS (SELECT FROM api_keys WHERE user_id = %(user_id)s AND name = %(name)s)",
            {"name": key.name, "id": row["id"], "user_id": user_id},
        )
        if cursor.rowcount:
            return
    raise StartupError(
        f"the key {key_preview(key.key)} cannot become {key.name!r}: it is there already, as {row['name']!r} of"
        f" {row['email']}, and a key has one user and one name"
    )


async def _missing_team(conn: Connection, user_id: int, name: str) -> list[str]:
    """Return a team of the user's name if the user has none."""
    team = await conn.fetch_one("SELECT FROM memberships WHERE user_id = %s LIMIT 1", (user_id,))
    return [name] if team is None else []


async def _create_team(conn: Connection, user_id: int, name: str, now: datetime) -> None:
    present = await conn.fetch_all(
        "SELECT m.is_primary, t.name FROM memberships m JOIN teams t ON t.id = m.team_id WHERE m.user_id = %s",
        (user_id,),
    )
    if name in {row["name"] for row in present}:
        return
    team_id = await conn.fetch_value("INSERT INTO teams (name, created_at) VALUES (%s, %s) RETURNING id", (name, now))
    await conn.execute("INSERT INTO memberships VALUES (%s, %s, %s)", (user_id, team_id, not present))
