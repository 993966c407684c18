"""The program that Terraform and OpenTofu start: `terraform-provider-NAME`."""

from __future__ import annotations

import binascii
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from resourcekit.plugin.parent_watch import Watch, exit_when_stdout_closes
from resourcekit.terraform import zygote
from resourcekit.terraform.handshake import COOKIE

TYPE_CHECKING = False  # importing `typing` takes as long as connecting to the zygote
if TYPE_CHECKING:
    from typing import Any

    from resourcekit.package import Package


def run(name: str, load: Callable[[], Package[Any]], schema: str = "", connection: Sequence[str] = ()) -> None:
    """Serve a package to the engine that started this process, and end the process.

    Args:
        name: The package's name.
        load: Returns the package. Called when an RPC needs it.
        schema: The file of the generated schema, which starts the process faster; empty: there is none.
        connection: The modules of the vendor's client, which the zygote loads in advance.
    """
    plugin = _Plugin(name, load, schema, connection)
    arguments = sys.argv[1:]
    is_started_by_engine = os.environ.get(COOKIE[0]) == COOKIE[1] and "--debug" not in arguments
    if is_started_by_engine and not os.environ.get(f"{name.upper()}_NO_ZYGOTE"):
        status = zygote.serve_forked(plugin.serve, plugin.prepare)
    else:
        status = plugin.serve(exit_when_stdout_closes, None)
    sys.stderr.flush()
    # Without the interpreter's shutdown: the engine waits for the end of the process, several times per command.
    os._exit(status)


class _Plugin:
    def __init__(self, name: str, load: Callable[[], Package[Any]], schema: str, connection: Sequence[str]) -> None:
        # The source addresses, if a configuration names no host.
        self._addresses = (f"registry.terraform.io/{name}/{name}", f"registry.opentofu.org/{name}/{name}")
        self._load = load
        self._schema_file = schema
        self._connection = connection
        self._server: Any = None

    def serve(self, watch: Watch, shared: int | None) -> int:
        """Serve in this process."""
        from resourcekit.terraform.server import serve

        known = {"GetProviderSchema": self._schema} if self._schema_file else None
        return serve(partial(self._calls, shared), self._addresses, sys.argv[1:], known, watch)

    def prepare(self) -> Iterator[None]:
        """Load the modules of a plugin process in the stages of `zygote.serve_forked`."""
        from resourcekit.terraform.tls import new_certificate

        importlib.import_module("resourcekit.terraform.server")
        new_certificate()  # the first one takes longest
        yield
        self._provider()
        yield
        for module in (*self._connection, "httpx", "httpcore", "resourcekit.terraform.hclog"):
            importlib.import_module(module)
        yield

    def _schema(self) -> bytes:
        """Return the generated schema. Engines request it with every command."""
        with open(self._schema_file, "rb") as file:  # noqa: PTH123 - no pathlib
            return binascii.a2b_base64(file.read())

    def _calls(self, shared: int | None) -> Mapping[str, Callable[..., Any]]:
        # Imported when it is needed.
        from resourcekit.terraform.hclog import configure_hclog

        configure_hclog(os.environ.get(self._load().log_variable))
        calls: Mapping[str, Callable[..., Any]] = self._provider().method_table(shared)
        return calls

    def _provider(self) -> Any:
        """Return the provider's server; there is one per process."""
        if self._server is None:
            from resourcekit.terraform.provider_server import ProviderServer

            self._server = ProviderServer(self._load())
        return self._server
