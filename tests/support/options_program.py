"""The program of tests that hold resources in a table: it declares what `resources.json` beside it says.

Run by Pulumi as the `__main__.py` of a project, with the native SDK and the dynamic provider.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_polykomos

from polykomos_provider import dynamic

MODULES = {"native": pulumi_polykomos, "dynamic": dynamic}
made: dict[str, Any] = {}


def value(given: Any) -> Any:
    """What stands for a part of the program: {"of": resource, "name": output}."""
    if isinstance(given, dict) and given.keys() == {"of", "name"}:
        return getattr(made[given["of"]], given["name"])
    if isinstance(given, dict):
        return {name: value(each) for name, each in given.items()}
    if isinstance(given, list):
        return [value(each) for each in given]
    return given


def transform(changes: dict[str, Any]) -> pulumi.ResourceTransform:
    """Change inputs of every resource that has them, as the engine names them."""

    def apply(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        found = {name: each for name, each in changes.items() if args.props.get(name) is not None}
        return pulumi.ResourceTransformResult({**args.props, **found}, args.opts) if found else None

    return apply


for entry in json.loads((Path(__file__).parent / "resources.json").read_text()):
    options = {name: made[each["of"]] if isinstance(each, dict) else each for name, each in entry["options"].items()}
    if "transforms" in options:
        options["transforms"] = [transform(options["transforms"][0])]
    if "aliases" in options:
        options["aliases"] = [pulumi.Alias(name=each) for each in options["aliases"]]
    kind = getattr(MODULES[entry["module"]], entry["kind"])
    arguments = {name: value(given) for name, given in entry["arguments"].items()}
    made[entry["name"]] = kind(entry["name"], **arguments, opts=pulumi.ResourceOptions(**options))
