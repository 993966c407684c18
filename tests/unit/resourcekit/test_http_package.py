"""What a vendor declares instead of writing: credentials, advice, data sources by a path, what cannot be done."""

from __future__ import annotations

import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Annotated, Any

import pytest
from pydantic import Field

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments, Computed, Result, Secret
from resourcekit.http.api import Api
from resourcekit.http.client import HttpClient
from resourcekit.http.credential_settings import BEARER_KEY, CredentialSettings, login
from resourcekit.http.credentials import basic
from resourcekit.http.errors import ConflictError, NotFoundError, UnauthorizedError, UnknownOutcomeError, read_or_none
from resourcekit.http.pagination import CursorPaging
from resourcekit.http.setting_values import BaseUrl, environment_of
from resourcekit.http_package import HttpPackage
from resourcekit.http_resource import lost_response, state_of, wait_until
from resourcekit.path_sources import list_source, object_source
from resourcekit.provider_config import configure_client
from resourcekit.resource import DataSource, Resource
from support.scripted_server import ScriptedServer, answer


class Settings(Arguments):
    api_key: Annotated[str | None, Secret()] = Field(None, description="A key.")
    email: str | None = Field(None, description="An email.")
    password: Annotated[str | None, Secret()] = Field(None, description="A password.")
    release: str | None = Field(None, description="The API's version.")
    base_url: Annotated[str | None, BaseUrl(path="/api/v1", example="https://x.example/api/v1")] = Field(
        None, description="The URL."
    )


class Client(HttpClient):
    paging = CursorPaging()


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> HttpPackage[Client]:
    module: Any = ModuleType("shelves.api")
    module.API, module.Client = Api(name="shelves", version="1"), Client
    monkeypatch.setitem(sys.modules, "shelves.api", module)
    return HttpPackage(
        name="shelves",
        version="1",
        display_name="Shelves",
        description="",
        homepage="",
        settings=Settings,
        environment=environment_of("shelves", Settings),
        credentials=(BEARER_KEY, login("/login", "/refresh")),
        headers={"X-Release": "release"},
        resources=(),
        error_advice={ConflictError: "Wait", 418: "Make coffee elsewhere"},
    )


def opened(package: HttpPackage[Client], **settings: str) -> Client:
    found: Client = configure_client(package, settings, "test", lambda _: None)
    return found


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "neither is set"),
        ({"api_key": "k", "email": "a@b.c", "password": "p"}, "both are set"),
        ({"email": "a@b.c"}, "`password` is missing"),
    ],
)
def test_one_way_to_authenticate_must_be_set(
    package: HttpPackage[Client], settings: dict[str, str], fault: str
) -> None:
    ways = "`api_key` (SHELVES_API_KEY), or `email` (SHELVES_EMAIL) and `password` (SHELVES_PASSWORD)"
    with pytest.raises(ResourceError) as refused:
        opened(package, base_url="http://127.0.0.1:9/api/v1", **settings)
    assert str(refused.value) == f"set one of {ways}: {fault}"


def test_a_header_with_the_value_of_a_setting_is_sent(package: HttpPackage[Client]) -> None:
    with ScriptedServer([answer(200, {})]) as server:
        opened(package, base_url=server.base_url, api_key="k", release="7").read_object("/x")
        assert (server.seen[0].headers["x-release"], server.seen[0].headers["authorization"]) == ("7", "Bearer k")
        opened(package, base_url=server.base_url, api_key="k").read_object("/x")
        assert "x-release" not in server.seen[1].headers


def test_advice_is_by_status_then_by_class_then_the_kits(package: HttpPackage[Client]) -> None:
    def advice(error: Exception) -> str:
        return str(package.to_resource_error(error))

    assert advice(ConflictError(409, "", "busy")) == "busy (409). Wait"
    assert advice(ConflictError(418, "", "a teapot")) == "a teapot (418). Make coffee elsewhere"
    assert "Check `api_key` (SHELVES_API_KEY), or" in advice(UnauthorizedError(401, "", "no"))


def test_a_refused_password_is_named_by_its_source(package: HttpPackage[Client]) -> None:
    settings = {"email": "a@b.c", "password": "hunter22"}
    with ScriptedServer([answer(401, {"error": "no such user"})]) as server:
        api = opened(package, base_url=server.base_url, **settings)
        package.name_sources(api, {"email": "SHELVES_EMAIL", "password": "SHELVES_PASSWORD"})
        with pytest.raises(UnauthorizedError) as refused:
            api.read_object("/x")
    assert "The rejected key comes from SHELVES_PASSWORD" in str(package.to_resource_error(refused.value))
    assert CredentialSettings(("key",), basic).open("a:b").identity == "a:b"


class YearArgs(Arguments):
    year: str = Field(description="The year.")
    from_day: str | None = Field(None, description="The first day.")
    kinds: list[str] | None = Field(None, description="Kinds.")


class Total(Result):
    amount: int = Field(description="The amount.")


def call(source: DataSource[Any, Any, Any], api: Any, **args: Any) -> dict[str, Any]:
    found: dict[str, Any] = source.call(source.arguments(**args), Context(api, time.monotonic() + 30)).model_dump()
    return found


def test_data_sources_declared_by_a_path(package: HttpPackage[Client]) -> None:
    listed = list_source("get_x", "X.", "/years/{year}/x", YearArgs, parameters={"from_day": "from"}, separator=",")
    one = object_source("get_total", "The total.", "/years/{year}/total", YearArgs, result=Total)
    steps = [
        answer(200, {"data": [{"a": 1}], "next_cursor": "n"}),
        answer(200, {"data": [{"b": [2]}]}),
        answer(200, {"amount": 3, "other": 4}),
    ]
    with ScriptedServer(steps) as server:
        api = opened(package, base_url=server.base_url, api_key="k")
        assert call(listed, api, year="a/b", from_day="2026-01-01", kinds=["x", "y"]) == {
            "items": [{"a": 1}, {"b": [2]}]
        }
        assert call(one, api, year="2026") == {"amount": 3}
        paths = [each.path for each in server.seen]
    assert paths[0].endswith("/years/a%2Fb/x?from=2026-01-01&kinds=x%2Cy&limit=200")
    assert paths[1].endswith("limit=200&cursor=n")
    assert paths[2].endswith("/years/2026/total")
    assert (listed.name, type(listed).__doc__, one.result) == ("get_x", "X.", Total)


class ShelfArgs(Arguments):
    name: str = Field(description="The name.")
    wood: str | None = Field(None, description="The wood.")


class ShelfState(ShelfArgs, Result):
    load: Annotated[int | None, Computed()] = Field(None, description="The load.")


class Shelf(Resource[ShelfArgs, ShelfState, Any]):
    """A shelf."""

    name = "Shelf"
    cannot_delete = "the API cannot delete a shelf"

    def read(self, id: str, prior: ShelfState | None, ctx: Context[Any]) -> ShelfState | None:
        return None if ctx.api is None else state_of(self, ctx.api, prior)


def test_a_state_has_what_the_response_lacks_from_the_arguments_only() -> None:
    prior = ShelfState(name="old", wood="elm", load=5)
    found = SimpleNamespace(name="new", wood=None, load=None)
    assert state_of(Shelf(), found, prior).model_dump() == {"name": "new", "wood": "elm", "load": None}
    assert state_of(Shelf(), found, None, load=7).model_dump() == {"name": "new", "wood": None, "load": 7}


def test_what_an_api_cannot_do_is_declared() -> None:
    lines: list[str] = []
    ctx: Context[Any] = Context(SimpleNamespace(name="a", load=1), time.monotonic() + 9, info=lines.append)
    prior = ShelfState(name="a")
    assert Shelf().update("s1", ShelfArgs(name="a"), prior, frozenset(), ctx).load == 1
    with pytest.raises(NotImplementedError):
        Shelf().update("s1", ShelfArgs(name="b"), prior, frozenset({"name"}), ctx)
    Shelf().delete("s1", prior, ctx)
    assert lines == ["shelf s1 was removed from the state only: the API cannot delete a shelf"]


def test_a_wait_ends_at_once_if_the_object_is_ready_already() -> None:
    rows: list[str] = []
    ctx: Context[Any] = Context(None, time.monotonic() + 30, progress=rows.append)
    seen = iter([1, 2])
    ended = wait_until(ctx, lambda: next(seen), lambda n: n == 2, what="it is not 2", progress="counting", found=0)
    assert (ended, rows[0]) == (2, "counting … 0 s")
    assert wait_until(ctx, lambda: 9, lambda n: n == 2, what="it is not 2", progress="", found=2) == 2


def test_a_lost_response_says_what_to_do() -> None:
    with pytest.raises(ResourceError, match=r"^cut off\. Look first$"), lost_response("Look first"):
        raise UnknownOutcomeError("cut off")

    def missing() -> int:
        raise NotFoundError(404, "", "gone")

    assert read_or_none(missing) is None
