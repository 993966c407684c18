"""ValidateDataResourceConfig and ReadDataSource."""

from __future__ import annotations

from typing import Any

from resourcekit.terraform.data_source_type import LoadTypes, find_data_source
from resourcekit.terraform.diagnostics import Diagnostics, rpc_handler
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import TerraformSession


class DataSourceRpcs:
    """RPCs of data sources."""

    def __init__(self, session: TerraformSession, types: LoadTypes) -> None:
        self.session = session
        self._types = types

    @rpc_handler(pb.ValidateDataResourceConfig.Response, "validate")
    def ValidateDataResourceConfig(self, request: pb.ValidateDataResourceConfig.Request, report: Diagnostics) -> Any:
        """Check the configuration of a data source."""
        source = find_data_source(self._types, request.type_name)
        report.set_subject(request.type_name, source.block.types)
        source.arguments(request.config, validating=True)
        return pb.ValidateDataResourceConfig.Response()

    @rpc_handler(pb.ReadDataSource.Response, "read")
    def ReadDataSource(self, request: pb.ReadDataSource.Request, report: Diagnostics) -> Any:
        """Return the result of a data source."""
        source = find_data_source(self._types, request.type_name)
        report.set_subject(request.type_name, source.block.types)
        return pb.ReadDataSource.Response(state=source.read_object(self.session, request.config, report))
