"""A declared resource as a class of the user's program."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Self

import pulumi
from pulumi import dynamic

from resourcekit.durations import parse_duration
from resourcekit.fields import field_specs
from resourcekit.pulumi.dynamic.host_values import INPUTS, PROGRAM, UNFINISHED
from resourcekit.pulumi.dynamic.provider import DynamicProvider


class DeclaredResource(dynamic.Resource):
    """Base of the generated classes. arguments: by their declared names, None where the user left one out."""

    # Not `_provider`: that is the SDK's own.
    _declared: ClassVar[DynamicProvider]

    def __init__(self, resource_name: str, arguments: dict[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        given = opts or pulumi.ResourceOptions()
        state = field_specs(self._declared.resource.state)
        secret = [INPUTS, *(name for name, facts in state.items() if facts.secret)]
        merged = pulumi.ResourceOptions.merge(given, pulumi.ResourceOptions(additional_secret_outputs=secret))
        # The engine would ask the host to read an object without saying whose provider's it is.
        merged.import_ = None
        token = f"pulumi-python:{self._resource_type_name}"
        # A future, because an output would make this depend on its own parent.
        urn = pulumi.create_urn(resource_name, token, given.parent).future()
        program = {
            "urn": asyncio.ensure_future(urn),
            "timeouts": timeouts(given.custom_timeouts) or None,
            "import": given.import_,
            "ignore": given.ignore_changes or None,
            "replace": given.replace_on_changes or None,
        }
        # What is named here becomes an output.
        outputs = dict.fromkeys([*state, INPUTS, UNFINISHED])
        super().__init__(self._declared, resource_name, {**outputs, **arguments, PROGRAM: program}, merged)
        _fail_when(self.__dict__[UNFINISHED], resource_name)

    @classmethod
    def get(cls, resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> Self:
        """An object that exists, read and not managed."""
        found = cls.__new__(cls)
        merged = pulumi.ResourceOptions.merge(opts or pulumi.ResourceOptions(), pulumi.ResourceOptions(id=id))
        DeclaredResource.__init__(found, resource_name, {}, merged)
        return found


def timeouts(given: pulumi.CustomTimeouts | None) -> dict[str, float]:
    """`custom_timeouts` in seconds. Raises ValueError."""
    if given is None:
        return {}
    texts = {"create": given.create, "update": given.update, "delete": given.delete}
    found = {}
    for operation, text in texts.items():
        if text:
            try:
                found[operation] = parse_duration(text)
            except ValueError as error:
                raise ValueError(f"custom_timeouts: `{operation}` {error}") from None
    return found


def _fail_when(unfinished: pulumi.Output[str | None], resource_name: str) -> None:
    """End the program when the object is there but not complete: it is in the state by now, with its id."""

    def check(reason: str | None) -> None:
        if reason:
            raise pulumi.RunError(f"{resource_name}: {reason}")

    unfinished.apply(check)
