"""ValidateEphemeralResourceConfig, OpenEphemeralResource, RenewEphemeralResource and CloseEphemeralResource."""

from __future__ import annotations

from typing import Any

from resourcekit.terraform.data_source_type import LoadTypes, find_data_source
from resourcekit.terraform.diagnostics import Report, answered
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import Session


class EphemeralRpcs:
    """The RPCs of ephemeral resources: values that no plan and no state stores."""

    def __init__(self, session: Session, types: LoadTypes) -> None:
        self.session = session
        self._types = types

    @answered(pb.ValidateEphemeralResourceConfig.Response, "validate")
    def ValidateEphemeralResourceConfig(
        self, request: pb.ValidateEphemeralResourceConfig.Request, report: Report
    ) -> Any:
        found = find_data_source(self._types, request.type_name)
        report.set_subject(request.type_name, found.block.types)
        found.arguments(request.config, validating=True)
        return pb.ValidateEphemeralResourceConfig.Response()

    @answered(pb.OpenEphemeralResource.Response, "open")
    def OpenEphemeralResource(self, request: pb.OpenEphemeralResource.Request, report: Report) -> Any:
        found = find_data_source(self._types, request.type_name)
        report.set_subject(request.type_name, found.block.types)
        return pb.OpenEphemeralResource.Response(result=found.read_object(self.session, request.config, report))

    @answered(pb.RenewEphemeralResource.Response, "renew")
    def RenewEphemeralResource(self, _request: pb.RenewEphemeralResource.Request, _report: Report) -> Any:
        return pb.RenewEphemeralResource.Response()

    @answered(pb.CloseEphemeralResource.Response, "close")
    def CloseEphemeralResource(self, _request: pb.CloseEphemeralResource.Request, _report: Report) -> Any:
        return pb.CloseEphemeralResource.Response()
