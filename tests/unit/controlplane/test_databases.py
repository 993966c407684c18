from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.databases.serializers import with_credentials, without_credentials
from controlplane.db.migrate import migrations
from controlplane.db.pool import make_pool
from controlplane.db.server import Server
from controlplane.engines.base import EngineRegistry
from controlplane.engines.naming import candidate_names
from controlplane.engines.postgres.engine import PostgresEngine
from controlplane.http import responses
from controlplane.http.responses import Page, page_reply
from controlplane.plans import PLANS, Plans, Quotas, effective_quotas

SERVER = Server(host="127.0.0.1", port=5432, user="admin", password="root-secret")


@dataclass(frozen=True)
class Offer:
    """What views need to know."""

    engines: EngineRegistry
    plans: Plans


OFFER = Offer(EngineRegistry(PostgresEngine(SERVER, make_pool(SERVER.conninfo("postgres")))), PLANS)


def row(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "uuid": UUID("d7f3a1b2-4c5e-6f7a-8b9c-0d1e2f3a4b5c"),
        "name": "orders",
        "status": "active",
        "region": "us-east-1",
        "plan": "free",
        "storage_hard_limit_gb": None,
        "connection_hard_limit": None,
        "warning_threshold_pct": None,
        "db_type": "postgres",
        "db_name": "orders",
        "db_username": "u42",
        "db_password": "tenant-secret",
        "team_id": 1,
        "team_name": "Team",
        "created_at": datetime(2026, 2, 10, 12, tzinfo=UTC),
        "updated_at": datetime(2026, 2, 10, 12, 1, 30, 999999, tzinfo=UTC),
    }
    return {**facts, **changes}


def test_the_full_view_can_be_connected_with() -> None:
    view = with_credentials(row(), OFFER)
    assert view["db_password"] == "tenant-secret"
    assert view["connection_string"] == "postgresql://u42:tenant-secret@127.0.0.1:5432/orders"
    assert view["updated_at"] == "2026-02-10T12:01:30Z"


@pytest.mark.facts("C16")
@pytest.mark.parametrize(
    "view", [without_credentials(row(), OFFER), with_credentials(row(status="provisioning"), OFFER)]
)
def test_other_views_hold_no_secret(view: dict[str, Any]) -> None:
    assert "secret" not in str(view)
    assert view["connection_string"] == "postgresql://u42:***@127.0.0.1:5432/orders"
    assert view.get("db_password") is None


def test_quotas_are_the_plan_s_but_for_overrides() -> None:
    assert effective_quotas(row(plan="grow"), PLANS) == PLANS["grow"].quotas
    assert effective_quotas(row(plan="of-another-seed"), PLANS) == PLANS["free"].quotas
    overridden = row(storage_hard_limit_gb=2.5, connection_hard_limit=3, warning_threshold_pct=1)
    assert effective_quotas(overridden, PLANS) == Quotas(2.5, 3, 1)


def test_whole_gigabytes_are_written_whole() -> None:
    assert repr(without_credentials(row(storage_hard_limit_gb=10.0), OFFER)["quotas"]["storage_hard_limit_gb"]) == "10"


@given(st.from_regex(r"[a-z0-9][a-z0-9\-]{0,62}", fullmatch=True), st.integers(1, 2**31 - 1))
def test_candidates_fit_and_differ(name: str, number: int) -> None:
    names = candidate_names(name, number)
    assert names[0] == name
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9\-]{0,62}", candidate) for candidate in names)
    assert len({*names[1:]}) == len(names) - 1


def test_the_server_s_password_is_not_in_its_repr() -> None:
    assert "root-secret" not in repr(SERVER)
    assert "password=root-secret" in SERVER.conninfo("postgres")
    assert "root-secret" not in SERVER.conninfo("postgres", user="u42", password="own")


def test_a_url_is_read_with_its_options() -> None:
    server = Server.from_url("postgresql://me:p%40ss@db.example:6000/other?sslmode=require")
    assert (server.host, server.port, server.user, server.password) == ("db.example", 6000, "me", "p@ss")
    assert "sslmode=require" in server.conninfo("x")
    assert "dbname=x" in server.conninfo("x")


@pytest.mark.facts("C8")
def test_the_three_styles_of_time() -> None:
    moment = datetime(2026, 2, 10, 15, 23, 1, 5, tzinfo=timezone(timedelta(hours=1)))
    assert responses.format_z(moment) == "2026-02-10T14:23:01Z"
    assert responses.format_naive(moment) == "2026-02-10 14:23:01"
    assert responses.format_offset(moment) == "2026-02-10T14:23:01+00:00"


@pytest.mark.parametrize(("rows", "shown", "more"), [(0, 0, False), (2, 2, False), (3, 2, True)])
def test_one_row_too_many_means_more(rows: int, shown: int, more: bool) -> None:
    reply = page_reply([{"id": number} for number in range(rows)], Page(2, None), dict)
    assert (len(reply.body["data"]), reply.body["has_more"]) == (shown, more)


def test_migrations_have_distinct_numbers_in_order() -> None:
    numbers = [name[:4] for name, _ in migrations()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == "0001"
