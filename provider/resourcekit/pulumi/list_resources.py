"""List: the RPC that lists the existing objects of a resource type, in pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import grpc

from resourcekit.errors import ResourceError
from resourcekit.fields import field_specs
from resourcekit.lifecycle import Lifecycle
from resourcekit.list_query import ListQuery
from resourcekit.pulumi.casing import to_camel
from resourcekit.pulumi.properties import read_inputs
from resourcekit.pulumi.protocol import provider_pb2 as pb
from resourcekit.pulumi.rpc_errors import streaming_rpc_handler
from resourcekit.pulumi.session import RpcGroup
from resourcekit.unknown import contains_unknown

_SECONDS: Final = 600
_PAGE: Final = 100
_TOKEN: Final = re.compile(r"([0-9]+):(.+)", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """The page that a request asks for.

    Attributes:
        after: The id of the last object of the page before; empty: this is the first page.
        size: The most objects of this page.
        remaining: The most objects of this page and all after it; 0: any number.
    """

    after: str
    size: int
    remaining: int

    @classmethod
    def of(cls, limit: int, page_size: int, continuation_token: str) -> Self:
        """Return the page of a request.

        The engine lowers `limit` from page to page; the protocol says that it stays. The token contains what was left
        of the first one, so both work. A request with a limit and without a page's size gets all objects in one page.

        Raises:
            ResourceError: The token is not one of `next_token`.
        """
        after = ""
        if continuation_token:
            found = _TOKEN.fullmatch(continuation_token)
            if found is None:
                raise ResourceError("the continuation token is invalid: list again from the first page")
            limit, after = int(found[1]) or limit, found[2]
        remaining = max(limit, 0)
        size = page_size if page_size > 0 else remaining or _PAGE
        return cls(after, min(size, remaining) if remaining else size, remaining)

    def next_token(self, last: str) -> str:
        """Return the token of the next page, after the object `last`; empty if the limit is reached."""
        left = self.remaining - self.size
        return "" if self.remaining and left <= 0 else f"{max(left, 0)}:{last}"


class ListRpcs(RpcGroup):
    """The RPC that lists objects."""

    @streaming_rpc_handler
    def List(self, request: pb.ListRequest, context: grpc.ServicerContext) -> Iterator[Any]:
        """Yield the id and the name of each object of a page, and the token of the next page if there is one."""
        lifecycle = self._listable(request.token)
        filters = read_inputs(lifecycle.resource.state, request.query).values
        ensure_filters(lifecycle, filters)
        if contains_unknown(filters):
            yield pb.ListResponse(computed=pb.ListResponse.Computed())
            return
        page = Page.of(request.limit, request.page_size, request.continuation_token)
        ctx = self.session.context(request, _SECONDS)
        last = ""
        objects = lifecycle.list(ctx, ListQuery(after=page.after, complete=False))
        matching = (each for each in objects if matches(lifecycle, each.state, filters))
        for number, listed in enumerate(matching):
            if number == page.size:
                token = page.next_token(last)
                if token:
                    yield pb.ListResponse(continuation=pb.ListResponse.Continuation(continuation_token=token))
                return
            last = listed.id
            yield pb.ListResponse(result=pb.ListResponse.Result(id=listed.id, name=listed.label))

    def _listable(self, token: str) -> Lifecycle:
        lifecycles = {name: each for name, each in self.session.lifecycles.items() if each.resource.supports_list}
        lifecycle = lifecycles.get(token)
        if lifecycle is None:
            raise ResourceError(f"the objects of {token!r} cannot be listed; expected one of {', '.join(lifecycles)}")
        return lifecycle


def ensure_filters(lifecycle: Lifecycle, filters: Mapping[str, Any]) -> None:
    """Check that a list can be filtered by these fields; raises ResourceError."""
    allowed = lifecycle.resource.list_filters
    for name in filters.keys() - set(allowed):
        expected = ", ".join(f"`{to_camel(each)}`" for each in allowed)
        raise ResourceError(f"a list cannot be filtered by `{to_camel(name)}`; expected one of {expected}")


def matches(lifecycle: Lifecycle, state: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    """Return whether an object has the value of every filter. A null filter is none."""
    specs = field_specs(lifecycle.resource.state)
    return all(
        specs[name].semantically_equal(state.get(name), value) for name, value in filters.items() if value is not None
    )
