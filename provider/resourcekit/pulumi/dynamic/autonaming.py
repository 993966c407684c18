"""The stack's configuration of generated names (`pulumi:autonaming`), which the engine passes to no dynamic provider.

The program reads the configuration, and the provider generates the name in the host's process.
"""

from __future__ import annotations

import json
import re
import secrets
import string
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import pulumi

from resourcekit.pulumi.autonaming import Autonaming, Mode
from resourcekit.pulumi.dynamic.host_values import HostProperties

_KEY: Final = "pulumi:autonaming"
_EXPRESSION: Final = re.compile(r"\$\{([a-z]+)(?:\((\d+)\)|\.([^}]+))?\}")
_ALPHABETS: Final = {
    "hex": "0123456789abcdef",
    "alphanum": string.ascii_lowercase + string.digits,
    "string": string.ascii_lowercase,
    "num": string.digits,
}


def autonaming_of(properties: HostProperties) -> Autonaming:
    """Return how to generate the name of a resource. The host passes no seed, so each name is another."""
    options = properties.program.get("autonaming") or {}
    name = properties.urn.rpartition("::")[2]
    return Autonaming(name, b"", str(options.get("proposal") or ""), Mode[options.get("mode") or "PROPOSE"])


def configured_autonaming(resource_name: str, package: str) -> dict[str, Any] | None:
    """Return the proposal and the mode that the stack's configuration has for a resource, or None if it has none."""
    text = pulumi.runtime.get_config(_KEY)
    if not text:
        return None
    parts = {
        "name": resource_name,
        "project": pulumi.get_project(),
        "stack": pulumi.get_stack(),
        "organization": pulumi.get_organization(),
    }
    return options_of(json.loads(text), package, parts, pulumi.runtime.get_config)


def options_of(
    config: Mapping[str, Any], package: str, parts: Mapping[str, str], config_value: Callable[[str], str | None]
) -> dict[str, Any] | None:
    """Return the proposal and the mode of a configuration, or None if it says nothing.

    Args:
        config: The configuration: `mode`, or `pattern` and `enforce`, for all providers or in `providers`.
        package: The provider's name in `providers`.
        parts: The values of `${name}`, `${project}`, `${stack}` and `${organization}`.
        config_value: Return the value of `${config.KEY}`.
    """
    specific = config.get("providers", {}).get(package, {})
    chosen = specific if {"mode", "pattern"} & specific.keys() else config
    if chosen.get("mode") == "disabled":
        return {"mode": "DISABLE"}
    if chosen.get("mode") == "verbatim":
        return {"mode": "ENFORCE", "proposal": parts["name"]}
    pattern = chosen.get("pattern")
    if not isinstance(pattern, str):
        return None
    return {
        "mode": "ENFORCE" if chosen.get("enforce") else "PROPOSE",
        "proposal": _EXPRESSION.sub(lambda found: _value(found, parts, config_value), pattern),
    }


def _value(found: re.Match[str], parts: Mapping[str, str], config_value: Callable[[str], str | None]) -> str:
    """Return the value of an expression in a pattern; an expression that the engine does not know stays."""
    kind, length, key = found.groups()
    if kind == "config" and key:
        name = key if ":" in key else f"{parts['project']}:{key}"
        return config_value(name) or ""
    if length and kind in _ALPHABETS:
        return "".join(secrets.choice(_ALPHABETS[kind]) for _ in range(int(length)))
    if kind == "uuid":
        return str(uuid.uuid4())
    return parts.get(kind, found[0]) if not (length or key) else found[0]
