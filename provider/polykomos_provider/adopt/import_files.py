"""The files from which the engines import."""

from __future__ import annotations

import json
from collections.abc import Sequence

from polykomos_provider.adopt.inventory import ExistingObject


def pulumi_file(objects: Sequence[ExistingObject], names: Sequence[str]) -> str:
    """Return the file for `pulumi import --file`."""
    resources = [
        {"type": each.kind.token, "name": name, "id": each.id} for each, name in zip(objects, names, strict=True)
    ]
    return json.dumps({"resources": resources}, indent=2) + "\n"


def terraform_blocks(objects: Sequence[ExistingObject], names: Sequence[str]) -> str:
    """Return import blocks, for `terraform plan -generate-config-out`."""
    return "\n".join(
        f"import {{\n  to = {each.kind.type}.{name}\n  id = {_quoted(each.id)}\n}}\n"
        for each, name in zip(objects, names, strict=True)
    )


def _quoted(text: str) -> str:
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")
