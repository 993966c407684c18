"""Autonaming: generate the name of an object that the program leaves out. Pure, except for a missing seed.

A generated name is the resource's name in the program with a random suffix, or what the stack's configuration says
(`pulumi:autonaming`). It stays the same for the lifetime of the object: the engine passes it to later checks as the old
input.
"""

from __future__ import annotations

import functools
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

from resourcekit.errors import CheckFailure
from resourcekit.fields import AutoNamed, field_specs
from resourcekit.planning.validate import Validated, validate_arguments, validate_declaration
from resourcekit.resource import Resource

_SUFFIX_LENGTH: Final = 7
_CONFIGURATION: Final = "`pulumi:autonaming` in the stack's configuration"


class Mode(Enum):
    """What the engine allows (`CheckRequest.AutonamingOptions.Mode`)."""

    PROPOSE = 0
    ENFORCE = 1
    DISABLE = 2


@dataclass(frozen=True)
class Autonaming:
    """How to generate the name of one resource.

    Attributes:
        resource_name: The resource's name in the program.
        seed: The engine's random seed: equal seeds give equal names. Empty: each name is another.
        proposal: The name that the stack's configuration leads to; empty: it says nothing.
        mode: Whether the proposal may be changed.
    """

    resource_name: str
    seed: bytes = b""
    proposal: str = ""
    mode: Mode = Mode.PROPOSE


def validate_with_names(
    resource: Resource[Any, Any, Any], args: Mapping[str, Any], prior: Mapping[str, Any], autonaming: Autonaming
) -> Validated:
    """Validate the arguments of a resource (`validate_declaration`), with generated names (`with_generated_names`)."""
    named, unnamed = with_generated_names(resource.arguments, args, prior, autonaming)
    checked = validate_declaration(resource, named)
    if not unnamed:
        return checked
    explained = {failure.property for failure in unnamed}
    rest = (failure for failure in checked.failures if failure.property not in explained)
    return Validated(checked.values, (*unnamed, *rest))


def with_generated_names(
    model: type[BaseModel], args: Mapping[str, Any], prior: Mapping[str, Any], autonaming: Autonaming
) -> tuple[dict[str, Any], list[CheckFailure]]:
    """Return the arguments with a name for each `AutoNamed` argument that is left out.

    Args:
        model: The model of the arguments.
        args: The arguments of the program.
        prior: The arguments of the last run, whose name stays; empty for a new object.
        autonaming: How to generate a name.

    Returns:
        The arguments, and a failure for each name that could not be generated.
    """
    named, failures = dict(args), []
    for name, rule in _auto_named(model).items():
        if named.get(name) is not None:
            continue
        if prior.get(name) is not None:
            named[name] = prior[name]
        elif autonaming.mode is Mode.DISABLE:
            failures.append(CheckFailure(name, f"missing required property: {_CONFIGURATION} disables generated names"))
        elif autonaming.mode is Mode.ENFORCE:
            named[name] = autonaming.proposal
            failures += _enforced_name_failures(model, name, autonaming.proposal)
        else:
            named[name] = generate_name(rule, autonaming)
    return named, failures


@functools.cache
def _auto_named(model: type[BaseModel]) -> Mapping[str, AutoNamed]:
    """Return the rule of each `AutoNamed` argument."""
    return {name: spec.auto_named for name, spec in field_specs(model).items() if spec.auto_named is not None}


def generate_name(rule: AutoNamed, autonaming: Autonaming) -> str:
    """Return a name that the API accepts: the proposal if there is one, else the resource's name with a suffix."""
    proposal = rule.normalize(autonaming.proposal)
    if proposal and (not rule.max_length or len(proposal) <= rule.max_length):
        return proposal
    # A proposal that is too long is cut, and its random part may be what is cut off.
    source = proposal or rule.normalize(autonaming.resource_name)
    suffix = hashlib.sha256(proposal.encode() + (autonaming.seed or secrets.token_bytes(16))).hexdigest()
    suffix = suffix[:_SUFFIX_LENGTH]
    head = source[: rule.max_length - len(suffix) - 1] if rule.max_length else source
    return f"{head}-{suffix}" if head else suffix


def _enforced_name_failures(model: type[BaseModel], argument: str, name: str) -> list[CheckFailure]:
    """Return a failure if an enforced name breaks a rule of the API."""
    return [
        CheckFailure(argument, f"{_CONFIGURATION} enforces the name {name!r}, which is invalid: {failure.reason}")
        for failure in validate_arguments(model, {argument: name}).failures
        if failure.property == argument
    ]
