"""Creates by a unique name: what is adopted, what is refused, and what is sent how often."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from resourcekit import unique_names
from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.http.errors import ConflictError, ServerError, UnknownOutcomeError
from resourcekit.unique_names import NamedCreate, create_named


@dataclass
class Api:
    """Objects by name. `lose` loses the response of a create, `late` objects appear later, `fails` calls fail first."""

    objects: dict[str, str] = field(default_factory=dict)
    lose: bool = False
    fails: int = 0
    error: Exception = field(default_factory=lambda: UnknownOutcomeError("the connection broke"))
    stores: bool = True
    rival: bool = False
    late: int = 0
    sent: int = 0
    looks: int = 0

    def find(self, name: str) -> str | None:
        self.looks += 1
        return None if self.looks <= 1 + self.late and name in self.objects and self.sent else self.objects.get(name)

    def send(self, name: str) -> str:
        self.sent += 1
        if self.sent <= self.fails:
            raise self.error
        if self.stores or self.rival:
            self.objects[name] = f"id-{self.sent}"
        if self.rival:
            raise ConflictError(409, "", "the name is taken")
        if self.lose:
            raise self.error
        return self.objects[name]


def create(api: Api, name: str = "a", seconds: float = 5, *, unique: bool = False) -> str:
    request = NamedCreate(
        "server", name, lambda: api.find(name), lambda: api.send(name), str, refuses_duplicates=unique
    )
    return create_named(request, Context(api, time.monotonic() + seconds))


def test_an_object_is_created() -> None:
    api = Api()
    assert (create(api), api.sent) == ("id-1", 1)


def test_one_that_exists_is_refused_with_the_way_to_import_it() -> None:
    api = Api({"a": "id-0"})
    with pytest.raises(ResourceError, match=r"'a' \(id-0\) exists already.*import it by the id id-0") as refused:
        create(api)
    assert (refused.value.property, api.sent) == ("name", 0)


@pytest.mark.parametrize("late", [0, 1])
def test_one_whose_response_was_lost_is_adopted_also_if_it_appears_late(late: int) -> None:
    api = Api(lose=True, late=late)
    assert (create(api), api.sent) == ("id-1", 1)


def test_one_whose_response_was_a_5xx_is_adopted() -> None:
    api = Api(lose=True, error=ServerError(500, "", "it broke"))
    said: list[str] = []
    request = NamedCreate("server", "a", lambda: api.find("a"), lambda: api.send("a"), str)
    assert create_named(request, Context(api, time.monotonic() + 5, info=said.append)) == "id-1"
    assert said == ["adopted server id-1: the response to its creation was 500"]
    assert api.sent == 1


def test_one_that_never_appears_is_reported_and_not_sent_again() -> None:
    api = Api(lose=True, stores=False)
    with pytest.raises(ResourceError, match=r"the connection broke\. No server 'a' can be found: run it again"):
        create(api, seconds=0.5)
    assert api.sent == 1


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object is looked for for a moment."""
    monkeypatch.setattr(unique_names, "_VISIBLE_SECONDS", 0.1)


@pytest.mark.usefixtures("short")
def test_a_short_outage_is_outlasted_where_the_api_refuses_a_second_object() -> None:
    api = Api(fails=2, error=ServerError(503, "", "busy"))
    assert (create(api, unique=True), api.sent, api.looks) == ("id-3", 3, 3)
    once = Api(fails=2, error=ServerError(503, "", "busy"))
    with pytest.raises(ResourceError, match="run it again"):
        create(once)
    assert once.sent == 1


@pytest.mark.usefixtures("short")
def test_a_5xx_that_does_not_pass_is_not_repeated() -> None:
    api = Api(fails=2, error=ServerError(501, "", "not implemented"))
    with pytest.raises(ResourceError, match="run it again"):
        create(api, unique=True)
    assert api.sent == 1


@pytest.mark.usefixtures("short")
def test_a_first_call_that_is_carried_out_late_refuses_the_repeated_one_and_its_object_is_adopted() -> None:
    class Late(Api):
        def send(self, name: str) -> str:
            self.sent += 1
            if self.sent == 1:
                raise self.error
            self.objects[name] = "id-1"
            raise ConflictError(409, "", "the name is taken")

    api = Late()
    assert (create(api, unique=True), api.sent) == ("id-1", 2)


def test_a_faster_program_is_a_stranger() -> None:
    with pytest.raises(ResourceError, match=r"'a' exists already"):
        create(Api(rival=True))


def test_another_conflict_is_reported_as_it_is() -> None:
    class Refusing(Api):
        def send(self, name: str) -> str:
            raise ConflictError(409, "", "the workspace is frozen")

    with pytest.raises(ConflictError, match="frozen"):
        create(Refusing())
