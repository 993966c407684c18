"""ValidateListResourceConfig and ListResource (`terraform query`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resourcekit.terraform import states
from resourcekit.terraform.diagnostics import Report, answered, streamed
from resourcekit.terraform.kinds import Kind, find_type, write_identity
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import Session

_SECONDS = 600


class ListRpcs:
    """The RPCs of list resources."""

    def __init__(self, session: Session, kinds: dict[str, Kind]) -> None:
        self.session = session
        self.kinds = kinds

    @answered(pb.ValidateListResourceConfig.Response, "validate")
    def ValidateListResourceConfig(self, request: pb.ValidateListResourceConfig.Request, report: Report) -> Any:
        find_type(self.kinds, request.type_name)
        return pb.ValidateListResourceConfig.Response()

    @streamed(lambda found: pb.ListResource.Event(diagnostic=found), "list")
    def ListResource(self, request: pb.ListResource.Request, report: Report) -> Iterator[Any]:
        kind = find_type(self.kinds, request.type_name)
        report.set_subject(kind.type_name, kind.block.types)
        ctx = self.session.context(_SECONDS, report)
        for number, listed in enumerate(kind.lifecycle.listing(ctx)):
            if request.limit and number >= request.limit:
                return
            event = pb.ListResource.Event(identity=write_identity(listed.id), display_name=listed.label)
            if request.include_resource_object:
                state = states.after_read(kind, listed.id, listed.state, kind.empty(listed.id))
                event.resource_object.CopyFrom(kind.block.write(state))
            yield event
