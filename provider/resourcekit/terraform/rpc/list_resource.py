"""ValidateListResourceConfig and ListResource (`terraform query`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resourcekit.list_query import ListQuery
from resourcekit.terraform import new_state
from resourcekit.terraform.diagnostics import Diagnostics, rpc_handler, streaming_rpc_handler
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.resource_type import ResourceType, find_type, write_identity
from resourcekit.terraform.session import TerraformSession

_SECONDS = 600


class ListRpcs:
    """RPCs of list resources."""

    def __init__(self, session: TerraformSession, kinds: dict[str, ResourceType]) -> None:
        self.session = session
        self.kinds = kinds

    @rpc_handler(pb.ValidateListResourceConfig.Response, "validate")
    def ValidateListResourceConfig(self, request: pb.ValidateListResourceConfig.Request, report: Diagnostics) -> Any:
        """Check that the resource type can be listed. A list block has no arguments."""
        find_type(self.kinds, request.type_name)
        return pb.ValidateListResourceConfig.Response()

    @streaming_rpc_handler(lambda messages: pb.ListResource.Event(diagnostic=messages), "list")
    def ListResource(self, request: pb.ListResource.Request, report: Diagnostics) -> Iterator[Any]:
        """Yield the objects of a resource type, up to the request's limit."""
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        ctx = self.session.context(_SECONDS, report)
        query = ListQuery(complete=request.include_resource_object)
        for number, listed in enumerate(kind.lifecycle.list(ctx, query)):
            if request.limit and number >= request.limit:
                return
            event = pb.ListResource.Event(identity=write_identity(listed.id), display_name=listed.label)
            if request.include_resource_object:
                state = new_state.state_after_read(kind, listed.id, listed.state, kind.import_stub(listed.id))
                event.resource_object.CopyFrom(kind.block.write(state))
            yield event
