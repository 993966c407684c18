"""The program that Terraform and OpenTofu start: `terraform-provider-polykomos`."""

from __future__ import annotations

import binascii
import functools
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import polykomos_provider
from polykomos_provider.install.addresses import ADDRESSES
from resourcekit.plugin.parent_watch import Watch, exit_when_stdout_closes
from resourcekit.terraform import zygote
from resourcekit.terraform.handshake import COOKIE

TYPE_CHECKING = False  # importing `typing` takes as long as connecting to the zygote
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Serve the Polykomos package to the engine that started this process."""
    arguments = sys.argv[1:]
    serve = partial(_serve, arguments)
    is_started_by_engine = os.environ.get(COOKIE[0]) == COOKIE[1] and "--debug" not in arguments
    if is_started_by_engine and not os.environ.get("POLYKOMOS_NO_ZYGOTE"):
        status = zygote.serve_forked(serve, _prepare)
    else:
        status = serve(exit_when_stdout_closes, None)
    sys.stderr.flush()
    # Without the interpreter's shutdown: the engine waits for the end of the process, several times per command.
    os._exit(status)


def _serve(arguments: list[str], watch: Watch, shared: int | None) -> int:
    from resourcekit.terraform.server import serve

    return serve(partial(_calls, shared), ADDRESSES, arguments, {"GetProviderSchema": _schema}, watch)


def _schema() -> bytes:
    """Return the schema that `make schema` has generated. Engines request it with every command."""
    # Not relative to this file: in an archive, this file is elsewhere, as its program.
    with open(f"{polykomos_provider.__path__[0]}/terraform_schema.b64", "rb") as file:  # noqa: PTH123 - no pathlib
        return binascii.a2b_base64(file.read())


def _calls(shared: int | None) -> Mapping[str, Callable[..., Any]]:
    # Imported when it is needed.
    from polykomos.package import package
    from resourcekit.terraform.hclog import configure_hclog

    configure_hclog(os.environ.get(package().log_variable))
    calls: Mapping[str, Callable[..., Any]] = _provider().method_table(shared)
    return calls


@functools.cache
def _provider() -> Any:
    from polykomos.package import package
    from resourcekit.terraform.provider_server import ProviderServer

    return ProviderServer(package())


def _prepare() -> Iterator[None]:
    """Load the modules of a plugin process in the stages of `zygote.serve_forked`."""
    from resourcekit.terraform.tls import new_certificate

    importlib.import_module("resourcekit.terraform.server")
    new_certificate()  # the first one takes longest
    yield
    _provider()
    yield
    for name in ("polykomos.client.client", "httpx", "httpcore", "resourcekit.terraform.hclog"):
        importlib.import_module(name)
    yield


if __name__ == "__main__":
    main()
