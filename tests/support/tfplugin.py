"""The Terraform provider's process as a client of the protocol sees it: for calls that the engine at hand does not
make, and for messages that no engine would send.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import grpc
import msgpack

from resourcekit.terraform.protocol import tfplugin6_pb2 as pb

PROGRAM = Path(sys.executable).with_name("terraform-provider-polykomos")
COOKIE = {
    "TF_PLUGIN_MAGIC_COOKIE": "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
    "PLUGIN_PROTOCOL_VERSIONS": "6",
}
UNKNOWN = msgpack.ExtType(0, b"\x00")
METHODS = {method.name: method for method in pb.DESCRIPTOR.services_by_name["Provider"].methods}


def value(plain: Any) -> pb.DynamicValue:
    """A value as the engines send it."""
    return pb.DynamicValue(msgpack=msgpack.packb(plain, use_bin_type=True))


def plain(sent: pb.DynamicValue) -> Any:
    """What a value says; unknowns stay as they are on the wire."""
    return msgpack.unpackb(sent.msgpack, raw=False, strict_map_key=False)


class Plugin:
    """One running provider process. env: what the engine's user has in the environment.

    told: every diagnostic of every reply so far. made: the states of what `create` made. stderr: all that the process
    has logged, once it has ended.
    """

    def __init__(self, env: Mapping[str, str], *words: str, program: Path = PROGRAM) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("POLYKOMOS_", "TF_", "PLUGIN_"))}
        # A file, not a pipe: nobody reads before the end, and a full pipe would stop the process in mid-call.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by __exit__)
        self.process = subprocess.Popen(
            [program, *words], env={**clean, **COOKIE, **env}, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        self.handshake = line.split("|")
        self.socket = Path(self.handshake[3])
        options = [("grpc.max_receive_message_length", 256 << 20), ("grpc.max_send_message_length", 256 << 20)]
        self.channel = grpc.insecure_channel(f"unix:{self.socket}", options=options)
        self.types: dict[str, list[str]] = {}
        self.settings: list[str] = []
        self.told: list[str] = []
        self.made: list[dict[str, Any]] = []
        self.stderr = ""

    def __enter__(self) -> Self:
        schema = self.call("GetProviderSchema")
        for name, found in schema.resource_schemas.items():
            self.types[name] = [attribute.name for attribute in found.block.attributes]
        self.settings = [attribute.name for attribute in schema.provider.block.attributes]
        return self

    def __exit__(self, *_: object) -> None:
        """End it as the engines do."""
        began = time.monotonic()
        # The process may be gone before its answer is read; go-plugin does not look at it either.
        with contextlib.suppress(grpc.RpcError):
            self.channel.unary_unary("/plugin.GRPCController/Shutdown")(b"")
        self.channel.close()
        assert self.process.wait(60) == 0
        assert self.process.stdout is not None
        assert self.process.stdout.read() == "", "stdout is for the handshake alone"
        self.process.stdout.close()
        with self._log:
            self._log.seek(0)
            self.stderr = self._log.read()
        assert time.monotonic() - began < 60
        assert not self.socket.parent.exists()

    def call(self, name: str, request: Any = None) -> Any:
        """The reply to one call."""
        reply = self.channel.unary_unary(
            f"/tfplugin6.Provider/{name}", METHODS[name].input_type._concrete_class.SerializeToString,
            METHODS[name].output_type._concrete_class.FromString,
        )(request if request is not None else METHODS[name].input_type._concrete_class())  # fmt: skip
        self.told += [f"{each.summary}: {each.detail}" for each in getattr(reply, "diagnostics", ())]
        return reply

    def stream(self, name: str, request: Any) -> list[Any]:
        """Every event of a stream."""
        events: Iterable[Any] = self.channel.unary_stream(
            f"/tfplugin6.Provider/{name}", METHODS[name].input_type._concrete_class.SerializeToString,
            METHODS[name].output_type._concrete_class.FromString,
        )(request)  # fmt: skip
        return list(events)

    def configuration(self, **given: Any) -> dict[str, Any]:
        """A provider block: what is not given is null."""
        return {**dict.fromkeys(self.settings), **given}

    def configure(self) -> Self:
        """With what the environment says."""
        config = value(self.configuration())
        reply = self.call("ConfigureProvider", pb.ConfigureProvider.Request(config=config, terraform_version="1.14.0"))
        assert not reply.diagnostics, reply.diagnostics
        return self

    def object(self, type_name: str, **attributes: Any) -> dict[str, Any]:
        """An object of a resource's type: what is not given is null."""
        return {**dict.fromkeys(self.types[type_name]), **attributes}

    def plan(self, type_name: str, config: Any, prior: Any = None, private: bytes = b"") -> Any:
        """PlanResourceChange; the proposed state is the config, which is all that the provider looks at."""
        return self.call(
            "PlanResourceChange",
            pb.PlanResourceChange.Request(
                type_name=type_name, prior_state=value(prior), proposed_new_state=value(config), config=value(config),
                prior_private=private,
            ),
        )  # fmt: skip

    def apply(self, type_name: str, config: Any, planned: Any, prior: Any = None) -> Any:
        """ApplyResourceChange of what a plan replied."""
        return self.call(
            "ApplyResourceChange",
            pb.ApplyResourceChange.Request(
                type_name=type_name, prior_state=value(prior), planned_state=planned.planned_state,
                config=value(config), planned_private=planned.planned_private,
            ),
        )  # fmt: skip

    def create(self, type_name: str, **attributes: Any) -> dict[str, Any]:
        """The state of an object made by plan and apply."""
        config = self.object(type_name, **attributes)
        planned = self.plan(type_name, config)
        assert not errors(planned), planned.diagnostics
        applied = self.apply(type_name, config, planned)
        assert not errors(applied), applied.diagnostics
        found: dict[str, Any] = plain(applied.new_state)
        self.made.append(found)
        return found

    def read(self, type_name: str, state: Any) -> Any:
        """ReadResource."""
        return self.call("ReadResource", pb.ReadResource.Request(type_name=type_name, current_state=value(state)))


@contextlib.contextmanager
def watched(env: Mapping[str, str]) -> Iterator[Plugin]:
    """A configured process that logs all it can; neither its log nor what it tells holds a secret or a traceback."""
    with Plugin({**env, "POLYKOMOS_LOG": "debug"}) as running:
        yield running.configure()
    passwords = {state["db_password"] for state in running.made if state.get("db_password")}
    for text in (running.stderr, *running.told):
        assert "Traceback" not in text
        assert not [secret for secret in (env["POLYKOMOS_API_KEY"], *passwords) if secret in text]


def errors(reply: Any) -> list[str]:
    """The errors of a reply, as the user reads them."""
    return [f"{each.summary}: {each.detail}" for each in reply.diagnostics if each.severity == pb.Diagnostic.ERROR]


def paths(reply: Any) -> list[list[Any]]:
    """The attribute paths of a reply's diagnostics."""
    return [[getattr(step, step.WhichOneof("selector")) for step in each.attribute.steps] for each in reply.diagnostics]
