"""ValidateDataResourceConfig and ReadDataSource."""

from __future__ import annotations

from typing import Any

from resourcekit.terraform.data_source_type import LoadTypes, find_data_source
from resourcekit.terraform.diagnostics import Report, answered
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import Session


class DataSourceRpcs:
    """The RPCs of data sources."""

    def __init__(self, session: Session, types: LoadTypes) -> None:
        self.session = session
        self._types = types

    @answered(pb.ValidateDataResourceConfig.Response, "validate")
    def ValidateDataResourceConfig(self, request: pb.ValidateDataResourceConfig.Request, report: Report) -> Any:
        found = find_data_source(self._types, request.type_name)
        report.set_subject(request.type_name, found.block.types)
        found.arguments(request.config, validating=True)
        return pb.ValidateDataResourceConfig.Response()

    @answered(pb.ReadDataSource.Response, "read")
    def ReadDataSource(self, request: pb.ReadDataSource.Request, report: Report) -> Any:
        found = find_data_source(self._types, request.type_name)
        report.set_subject(request.type_name, found.block.types)
        return pb.ReadDataSource.Response(state=found.read_object(self.session, request.config, report))
