"""`terraform-provider-polykomos`: the program that Terraform and OpenTofu start."""

from __future__ import annotations

import binascii
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import polykomos_provider
from polykomos_provider.addresses import ADDRESSES
from resourcekit.terraform.serving import serve


def main() -> None:
    """Serve the Polykomos package to the engine that started this process."""
    status = serve(_calls, ADDRESSES, sys.argv[1:], {"GetProviderSchema": _schema})
    sys.stderr.flush()
    # Without taking the interpreter down piece by piece: the engine waits for the end, several times a command.
    os._exit(status)


def _schema() -> bytes:
    """What `make schema` has written down of the declarations: engines ask for it with every command."""
    # Not from this file's own place: an archive has it elsewhere, as its program.
    with open(f"{polykomos_provider.__path__[0]}/terraform_schema.b64", "rb") as file:  # noqa: PTH123 - no pathlib
        return binascii.a2b_base64(file.read())


def _calls() -> Mapping[str, Callable[..., Any]]:
    # Loaded when it is needed.
    from polykomos.package import package
    from resourcekit.terraform.logs import log_to_engine
    from resourcekit.terraform.provider import Provider

    log_to_engine(os.environ.get(package().log_variable))
    return Provider(package()).calls()


if __name__ == "__main__":
    main()
