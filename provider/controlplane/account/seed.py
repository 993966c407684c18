"""The first user, their teams and key; from a file further ones, plans and answers to queries.

Running it again changes nothing.
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
    """The seed file is not readable; the message names the place, never a key."""


Limit = TypeVar("Limit", int, float)

_MOST: Final = 2**31 - 1  # that a column of the store takes


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class KeySeed(_Strict):
    """An API key, given raw. requests_per_minute 0 and null elsewhere: no limit."""

    key: str = Field(pattern=r"^[\x21-\x7e]{8,255}$")
    name: str
    scopes: list[str] = Field(default_factory=lambda: list(ALL_SCOPES))
    status: Literal["active", "revoked", "expired"] = "active"
    requests_per_minute: int = Field(default=120, ge=0, le=_MOST)
    monthly_quota: int | None = Field(default=None, ge=0, le=_MOST)
    allowed_ip_list: list[Annotated[str, AfterValidator(read_network)]] = Field(default_factory=list)
    inactive_ttl_days: int | None = Field(default=None, ge=1, le=36_500)


class UserSeed(_Strict):
    """A user; the first team is the primary one. An email that exists already adds teams and keys to that user.

    teams: a new user who is given none gets one of their own, because a key acts for a team.
    """

    name: str
    email: str
    teams: list[str] = Field(default_factory=list)
    keys: list[KeySeed] = Field(default_factory=list)


def _not_null(value: Limit | None) -> Limit:
    if value is None:
        raise ValueError("null is no limit. Leave it out for the plan's own, or give a large number")
    return value


class PlanSeed(_Strict):
    """What differs from the plan of that name, or, for a new one, from plan free. daily_queries null: any number.

    The other limits are always there: null is refused, a limit that is left out is the plan's.
    """

    storage_hard_limit_gb: Annotated[float | None, AfterValidator(_not_null)] = Field(
        default=None, gt=0, allow_inf_nan=False
    )
    connection_hard_limit: Annotated[int | None, AfterValidator(_not_null)] = Field(default=None, ge=1, le=10_000)
    warning_threshold_pct: Annotated[int | None, AfterValidator(_not_null)] = Field(default=None, ge=1, le=100)
    daily_queries: int | None = Field(default=None, ge=0, le=_MOST)

    def merged_with(self, plan: Plan) -> Plan:
        """The plan with these differences."""
        given = self.model_dump(exclude_unset=True)
        daily = given.pop("daily_queries", plan.daily_queries)
        return Plan(dataclasses.replace(plan.quotas, **given), daily)


class Seed(_Strict):
    """The whole file."""

    users: list[UserSeed] = Field(default_factory=list)
    plans: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,49}$")], PlanSeed] = Field(default_factory=dict)
    queries: list[QueryAnswer] = Field(default_factory=list)

    def merged_with(self, plans: Plans) -> Plans:
        """The plans with this file's differences."""
        changed = {name: seed.merged_with(plan_of(plans, name)) for name, seed in self.plans.items()}
        return {**plans, **changed}


def read_seed(path: Path) -> Seed:
    """Read a seed file; raises BadSeed."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # editors may put a byte order mark at the beginning
        seed = Seed.model_validate(json.loads(text, object_pairs_hook=_distinct))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        places = [".".join(str(part) for part in one["loc"]) for one in found]
        problems = "; ".join(f"{place}: {one['msg']}" for place, one in zip(places, found, strict=True))
        raise SeedError(f"{path}: {problems}") from None
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
    names: dict[str, str] = {}
    of_users = {(DEVELOPER_EMAIL, DEVELOPER_KEY)}
    people: dict[str, str] = {}
    for user in seed.users:
        if people.setdefault(user.email, user.name) != user.name:
            raise SeedError(
                f"{path}: {user.email} stands there twice, as {people[user.email]!r} and {user.name!r}. An email is one"
                " user: give it one name"
            )
        for key in user.keys:
            if (user.email, key.name) in of_users:
                others = "the key of `polykomos dev`" if key.name == DEVELOPER_KEY else "another key"
                raise SeedError(f"{path}: key {key.name!r} of {user.email}: {others} has this name. Give each its own")
            of_users.add((user.email, key.name))
            if key.key in names:
                raise SeedError(
                    f"{path}: the key {key_preview(key.key)} stands there twice, as {names[key.key]!r} and {key.name!r}"
                )
            names[key.key] = key.name
            unknown = set(key.scopes) - {*ALL_SCOPES, *WILDCARDS}
            if unknown:
                raise SeedError(f"{path}: key {key.name!r}: unknown scopes {sorted(unknown)}")
    return seed


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members. Raises ValueError where a name stands twice: one of them would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return found


def developer_user(api_key: str, requests_per_minute: int) -> UserSeed:
    """The user of `polykomos dev`: a primary team, a second one, and the key with every scope."""
    key = KeySeed(key=api_key, name=DEVELOPER_KEY, requests_per_minute=requests_per_minute)
    return UserSeed(name="Dev Eloper", email=DEVELOPER_EMAIL, teams=["Primary Team", "Second Team"], keys=[key])


async def apply_seed(conn: Connection, user: UserSeed, now: datetime) -> None:
    """Make sure that the user exists with these teams and keys; a key of the same name is replaced.

    Raises StartFailed for a key that is another user's.
    """
    cursor = await conn.execute(
        "INSERT INTO users (name, email, created_at) VALUES (%s, %s, %s)"
        " ON CONFLICT (email) DO UPDATE SET name = users.name RETURNING id",
        (user.name, user.email, now),
    )
    row = await cursor.fetchone()
    assert row is not None
    user_id = row["id"]
    for team in user.teams or await _missing_team(conn, user_id, user.name):
        await _plant_team(conn, user_id, team, now)
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
    """The user's own key by another name gets this one, unless another key has it."""
    cursor = await conn.execute(
        "SELECT k.id, k.user_id, k.name, u.email FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.hash = %s",
        (hash_key(key.key),),
    )
    row = await cursor.fetchone()
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
    """For a user of no team: one of their name."""
    cursor = await conn.execute("SELECT FROM memberships WHERE user_id = %s LIMIT 1", (user_id,))
    return [name] if await cursor.fetchone() is None else []


async def _plant_team(conn: Connection, user_id: int, name: str, now: datetime) -> None:
    cursor = await conn.execute(
        "SELECT m.is_primary, t.name FROM memberships m JOIN teams t ON t.id = m.team_id WHERE m.user_id = %s",
        (user_id,),
    )
    present = await cursor.fetchall()
    if name in {row["name"] for row in present}:
        return
    cursor = await conn.execute("INSERT INTO teams (name, created_at) VALUES (%s, %s) RETURNING id", (name, now))
    team = await cursor.fetchone()
    assert team is not None
    await conn.execute("INSERT INTO memberships VALUES (%s, %s, %s)", (user_id, team["id"], not present))
