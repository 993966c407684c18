"""A random story's program in the languages of the engines: Pulumi's YAML and HCL."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from resourcekit.pulumi.casing import to_camel
from support.random_stories import Declaration, Program, Ref


def resource_type(kind: str) -> str:
    """Return Terraform's name of a kind."""
    return "polykomos_" + re.sub(r"(?<!^)([A-Z])", r"_\1", kind).lower()


def hcl(program: Program) -> str:
    """Return the program for Terraform and OpenTofu."""
    types = {each.name: resource_type(each.kind) for each in program}
    return "\n".join(_block(each, types) for each in program)


def _block(declared: Declaration, types: Mapping[str, str]) -> str:
    lines = [f"  count = {declared.count}"] if declared.count is not None else []
    for name, value in declared.arguments.items():
        if value is not None:
            text = _hcl(value, types)
            lines.append(f"  {name} = {_with_index(text, '${count.index}') if _is_named(declared, name) else text}")
    if declared.after:
        lines.append(f"  depends_on = [{', '.join(f'{types[name]}.{name}' for name in declared.after)}]")
    lines.append("  lifecycle {")
    lines += ["    create_before_destroy = true"] if declared.creates_first else []
    lines += [f"    ignore_changes = [{', '.join(declared.ignored)}]"] if declared.ignored else []
    return f'resource "{types[declared.name]}" "{declared.name}" {{\n' + "\n".join(lines) + "\n  }\n}\n"


def _hcl(value: Any, types: Mapping[str, str]) -> str:
    if isinstance(value, Ref):
        index = "" if value.index is None else f"[{value.index}]"
        return f"{types[value.resource]}.{value.resource}{index}.{value.output}"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_hcl(each, types)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def _is_named(declared: Declaration, argument: str) -> bool:
    """Tell whether the objects of a count differ in this argument."""
    return declared.count is not None and argument in ("name", "url")


def _with_index(text: str, index: str) -> str:
    """Return a string literal with an index at its end."""
    return f'{text[:-1]}-{index}"'


def yaml(program: Program) -> dict[str, Any]:
    """Return the program for `Stack.write`: the objects of a count are resources of their own."""
    counts = {each.name: each.count for each in program}
    return {
        _name(each.name, index): (each.kind, _properties(each, index), _options(each, counts))
        for each in program
        for index in ([None] if each.count is None else range(each.count))
    }


def _name(name: str, index: int | None) -> str:
    return name if index is None else f"{name}-{index}"


def _properties(declared: Declaration, index: int | None) -> dict[str, Any]:
    found = {}
    for name, value in declared.arguments.items():
        if value is not None:
            given = f"{value}-{index}" if _is_named(declared, name) else value
            found[to_camel(name)] = _output(given) if isinstance(given, Ref) else given
    return found


def _output(value: Ref) -> str:
    return f"${{{_name(value.resource, value.index)}.{to_camel(value.output)}}}"


def _options(declared: Declaration, counts: Mapping[str, int | None]) -> dict[str, Any]:
    after = [
        f"${{{_name(name, index)}}}"
        for name in declared.after
        for index in ([None] if counts[name] is None else range(counts[name] or 0))
    ]
    return {
        "deleteBeforeReplace": not declared.creates_first,
        **({"ignoreChanges": [to_camel(name) for name in declared.ignored]} if declared.ignored else {}),
        **({"dependsOn": after} if after else {}),
    }
