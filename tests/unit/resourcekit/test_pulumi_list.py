"""List: pages, limits, filters and tokens, over real gRPC with the toy vendor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc

from resourcekit.context import Context
from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments
from resourcekit.list_query import EVERYTHING, ListQuery
from resourcekit.package import Package
from resourcekit.pulumi.engine_log import EngineLog
from resourcekit.pulumi.list_resources import Page
from resourcekit.pulumi.property_value import encode
from resourcekit.pulumi.schema import package_schema
from resourcekit.pulumi.servicer import ProviderServicer
from resourcekit.unknown import UNKNOWN
from support.minimal_vendor import Carpentry, Shelf, ShelfState

TOKEN = "toy:index:ListedShelf"


class ListedShelf(Shelf):
    """A shelf that can be listed."""

    name = "ListedShelf"
    list_filters = ("wood_kind",)

    def list(self, ctx: Context[Carpentry], query: ListQuery = EVERYTHING) -> Iterable[tuple[str, str, ShelfState]]:
        assert not query.complete, "ids and names need no complete states"
        names = list(ctx.api.shelves)
        for name in names[names.index(query.after) + 1 if query.after else 0 :]:
            if ctx.api.shelves[name] is None:
                raise ResourceError("the lights are out")
            yield name, f"shelf {name}", ShelfState(name=name, shelf_id=name, wood_kind=ctx.api.shelves[name]["wood"])


class ToyPackage(Package[Carpentry]):
    carpentry = Carpentry()

    def connect(self, settings: Arguments, engine: str, warn: Any) -> Carpentry:
        return self.carpentry


@pytest.fixture
def provider() -> Iterator[Any]:
    ToyPackage.carpentry = Carpentry()
    ToyPackage.carpentry.shelves = {f"s{n}": {"wood": "oak" if n % 2 else "elm"} for n in range(7)}
    server = grpc.server(ThreadPoolExecutor(2))
    package = ToyPackage("toy", "1", "Toy", "A toy.", "x", Arguments, {}, (ListedShelf(), Shelf()))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServicer(package, EngineLog()), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Configure(pb.ConfigureRequest(args=encode({})))
        yield stub
    server.stop(None).wait()


def page(provider: Any, token: str = "", query: dict[str, Any] | None = None, **rest: Any) -> tuple[list[str], str]:
    """The ids of a page, and the token of the next one."""
    request = pb.ListRequest(token=TOKEN, query=encode(query or {}), continuation_token=token, **rest)
    found = list(provider.List(request))
    assert all(each.WhichOneof("response") == "result" for each in found[:-1]), "a continuation comes last"
    ids = [each.result.id for each in found if each.HasField("result")]
    return ids, found[-1].continuation.continuation_token if found else ""


def test_pages_follow_one_another_to_the_end(provider: Any) -> None:
    first, token = page(provider, page_size=3)
    second, token = page(provider, token, page_size=3)
    third, end = page(provider, token, page_size=3)
    assert (first, second, third, end) == (["s0", "s1", "s2"], ["s3", "s4", "s5"], ["s6"], "")
    assert page(provider, page_size=7) == ([f"s{n}" for n in range(7)], ""), "a full last page has no continuation"
    (named, *_) = provider.List(pb.ListRequest(token=TOKEN))
    assert named.result.name == "shelf s0"


def test_a_limit_holds_over_all_pages_whoever_counts(provider: Any) -> None:
    assert page(provider, limit=2) == (["s0", "s1"], "")
    _, token = page(provider, limit=5, page_size=3)
    assert page(provider, token, limit=5, page_size=3) == (["s3", "s4"], ""), "the protocol: the limit stays"
    assert page(provider, token, limit=2, page_size=3) == (["s3", "s4"], ""), "the engine: the limit is what is left"
    assert page(provider, limit=50) == ([f"s{n}" for n in range(7)], "")


def test_filters(provider: Any) -> None:
    assert page(provider, query={"woodKind": "oak"}, page_size=2) == (["s1", "s3"], "0:s3")
    assert page(provider, "0:s3", query={"woodKind": "oak"}, page_size=2) == (["s5"], "")
    assert page(provider, query={"woodKind": None}, limit=1) == (["s0"], "")
    (computed,) = provider.List(pb.ListRequest(token=TOKEN, query=encode({"woodKind": UNKNOWN})))
    assert computed.WhichOneof("response") == "computed"


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (
            pb.ListRequest(token="toy:index:Shelf"),
            "'toy:index:Shelf' cannot be listed; expected one of toy:index:Listed",
        ),
        (pb.ListRequest(token=TOKEN, query=encode({"name": "a"})), "filtered by `name`; expected one of `woodKind`"),
        (pb.ListRequest(token=TOKEN, continuation_token="s3"), "the continuation token is invalid"),
    ],
)
def test_what_cannot_be_listed_is_refused(provider: Any, request_: pb.ListRequest, text: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        list(provider.List(request_))
    assert text in str(raised.value.details())  # type: ignore[attr-defined]


def test_a_list_that_breaks_off_ends_with_the_reason(provider: Any) -> None:
    ToyPackage.carpentry.shelves["s2"] = None  # type: ignore[assignment]
    found: list[str] = []
    with pytest.raises(grpc.RpcError) as raised:
        found.extend(each.result.id for each in provider.List(pb.ListRequest(token=TOKEN)))
    assert raised.value.details() == "the lights are out"  # type: ignore[attr-defined]


def test_the_schema_offers_a_list_where_there_is_one() -> None:
    package = ToyPackage("toy", "1", "Toy", "A toy.", "x", Arguments, {}, (ListedShelf(), Shelf()))
    listed, other = package_schema(package)["resources"].values()
    assert listed["listInputs"]["properties"].keys() == {"woodKind"}
    assert "required" not in listed["listInputs"]
    assert "listInputs" not in other


def test_a_page_without_a_size_has_one_of_its_own() -> None:
    assert (Page.of(0, 0, "").size, Page.of(250, 0, "").size, Page.of(250, 40, "").size) == (100, 250, 40)
