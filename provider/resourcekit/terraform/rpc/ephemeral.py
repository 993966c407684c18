"""ValidateEphemeralResourceConfig, OpenEphemeralResource, RenewEphemeralResource and CloseEphemeralResource."""

from __future__ import annotations

from typing import Any

from resourcekit.terraform.data_source_type import LoadTypes, find_data_source
from resourcekit.terraform.diagnostics import Diagnostics, rpc_handler
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.session import TerraformSession


class EphemeralRpcs:
    """RPCs of ephemeral resources: values that no plan and no state stores."""

    def __init__(self, session: TerraformSession, types: LoadTypes) -> None:
        self.session = session
        self._types = types

    @rpc_handler(pb.ValidateEphemeralResourceConfig.Response, "validate")
    def ValidateEphemeralResourceConfig(
        self, request: pb.ValidateEphemeralResourceConfig.Request, report: Diagnostics
    ) -> Any:
        """Check the configuration of an ephemeral resource."""
        ephemeral = find_data_source(self._types, request.type_name)
        report.set_subject(request.type_name, ephemeral.block.types)
        ephemeral.arguments(request.config, validating=True)
        return pb.ValidateEphemeralResourceConfig.Response()

    @rpc_handler(pb.OpenEphemeralResource.Response, "open")
    def OpenEphemeralResource(self, request: pb.OpenEphemeralResource.Request, report: Diagnostics) -> Any:
        """Return the values of an ephemeral resource."""
        ephemeral = find_data_source(self._types, request.type_name)
        report.set_subject(request.type_name, ephemeral.block.types)
        return pb.OpenEphemeralResource.Response(result=ephemeral.read_object(self.session, request.config, report))

    @rpc_handler(pb.RenewEphemeralResource.Response, "renew")
    def RenewEphemeralResource(self, _request: pb.RenewEphemeralResource.Request, _report: Diagnostics) -> Any:
        """Do nothing: the values do not expire."""
        return pb.RenewEphemeralResource.Response()

    @rpc_handler(pb.CloseEphemeralResource.Response, "close")
    def CloseEphemeralResource(self, _request: pb.CloseEphemeralResource.Request, _report: Diagnostics) -> Any:
        """Do nothing: there is nothing to release."""
        return pb.CloseEphemeralResource.Response()
