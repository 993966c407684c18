"""What a list lacks is gone only where the answers say that they are whole; and nothing is listed twice."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator

import pytest

from polykomos.client import Client, IncompleteListError, NotFoundError, PolykomosError, RequestOptions
from support.fuzz import SECONDS, cases
from support.list_server import FAULTS, HARMLESS, ListServer

KEY = "pk_live_0123456789abcdef"


def connected(server: ListServer, *, snapshots: bool = True) -> Client:
    """Each call has one attempt alone: a fault is not waited out."""
    seconds = 10.0 if snapshots else 0.0
    client = Client(base_url=server.base_url, api_key=KEY, read_snapshot_seconds=seconds)
    return client.with_options(RequestOptions(time.monotonic()))


@contextlib.contextmanager
def serving(faults: list[str | None], count: int = 7, page_size: int = 3) -> Iterator[ListServer]:
    with ListServer(page_size, faults) as server:
        server.fill(count, random.Random(1))
        yield server


@pytest.mark.parametrize("fault", [each for each in FAULTS if each not in HARMLESS])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_list_that_shows_itself_not_to_be_whole_is_an_error(fault: str, at: int) -> None:
    if at == 0 and fault in ("page repeated", "first page again"):
        pytest.skip("there is nothing to repeat yet")
    with serving([*[None] * at, fault]) as server:
        listed = []
        with pytest.raises(PolykomosError):
            listed.extend(connected(server).iter_databases())
    with serving([*[None] * at, fault]) as server:
        hidden = server.endpoints[-1]["id"]
        try:
            assert connected(server, snapshots=False).read_webhook_endpoint(hidden).id == hidden
        except NotFoundError:
            pytest.fail("it is there")
        except PolykomosError:
            pass


@pytest.mark.parametrize("fault", HARMLESS)
def test_overlaps_and_inserts_give_no_doubles_and_lose_nothing(fault: str) -> None:
    with serving([None, fault, fault, fault]) as server:
        expected = [each["uuid"] for each in server.databases]
        found = [each.uuid for each in connected(server).iter_databases()]
        assert len(found) == len(set(found))
        assert set(expected) <= set(found)


def test_a_full_page_without_has_more_is_not_the_last() -> None:
    with ListServer(100) as server:
        server.fill(150, random.Random(1))
        page = ListServer._page

        def without(self: ListServer, *arguments: object) -> object:
            status, body, cut = page(self, *arguments)  # type: ignore[arg-type]
            del body["has_more"]
            return status, body, cut

        server._page = without.__get__(server)  # type: ignore[method-assign,assignment]
        assert len(list(connected(server).iter_databases())) == 150


def test_nothing_is_concluded_from_an_empty_answer_that_goes_on() -> None:
    with (
        serving(["empty with has_more"]) as server,
        pytest.raises(IncompleteListError, match="The provider does not use it"),
    ):
        list(connected(server).iter_webhook_endpoints())


@pytest.mark.timeout(SECONDS + 120)
def test_whatever_the_list_answers_what_is_there_is_never_gone() -> None:
    for seed, chance in cases():
        print(f"POLYKOMOS_FUZZ_SEED={seed}")
        faults = [chance.choice((None, None, *FAULTS)) for _ in range(chance.randint(0, 6))]
        with ListServer(chance.randint(1, 5), faults) as server:
            server.fill(chance.randint(0, 12), chance)
            there = [each["uuid"] for each in server.databases]
            numbers = [each["id"] for each in server.endpoints]
            client = connected(server, snapshots=chance.random() < 0.7)
            with contextlib.suppress(PolykomosError):
                found = [each.uuid for each in client.iter_databases()]
                assert len(found) == len(set(found)), "a double"
                assert set(there) <= set(found), "something that is there was left out"
            for number in chance.sample(numbers, min(3, len(numbers))):
                with contextlib.suppress(PolykomosError):
                    try:
                        assert client.read_webhook_endpoint(number).id == number
                    except NotFoundError:
                        pytest.fail(f"endpoint {number} is there")
            for uuid in chance.sample(there, min(3, len(there))):
                with contextlib.suppress(PolykomosError):
                    try:
                        assert client.read_database(uuid, lambda listed: listed).uuid == uuid
                    except NotFoundError:
                        pytest.fail(f"database {uuid} is there")
            with pytest.raises(PolykomosError):
                client.read_webhook_endpoint(99)
