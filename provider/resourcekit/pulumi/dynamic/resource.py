"""The base class of the dynamic provider's resources in the user's program."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Self

import pulumi
from pulumi import dynamic

from resourcekit.durations import parse_duration
from resourcekit.fields import field_specs
from resourcekit.pulumi.dynamic.autonaming import configured_autonaming
from resourcekit.pulumi.dynamic.host_values import INPUTS, PROGRAM, UNFINISHED
from resourcekit.pulumi.dynamic.provider import DynamicProvider


class DeclaredResource(dynamic.Resource):
    """Base of the generated classes.

    Args:
        resource_name: The name in the program.
        arguments: The arguments by declared names; None for one that the user left out.
        opts: The resource options.
    """

    # Not `_provider`, which is an attribute of the SDK.
    _declared: ClassVar[DynamicProvider]

    def __init__(self, resource_name: str, arguments: dict[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        options = opts or pulumi.ResourceOptions()
        state = field_specs(self._declared.resource.state)
        secret = [INPUTS, *(name for name, spec in state.items() if spec.secret)]
        merged = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(additional_secret_outputs=secret))
        # The provider imports the object itself: the engine would call the host's Read without the provider.
        merged.import_ = None
        token = f"pulumi-python:{self._resource_type_name}"
        # A future, because an output would make the resource depend on its own parent.
        urn = pulumi.create_urn(resource_name, token, options.parent).future()
        program = {
            "urn": asyncio.ensure_future(urn),
            "timeouts": timeouts(options.custom_timeouts) or None,
            "import": options.import_,
            "ignore": options.ignore_changes or None,
            "replace": options.replace_on_changes or None,
            "autonaming": self._autonaming(resource_name, arguments),
        }
        # Every name here becomes an output.
        outputs = dict.fromkeys([*state, INPUTS, UNFINISHED])
        super().__init__(self._declared, resource_name, {**outputs, **arguments, PROGRAM: program}, merged)
        _fail_when(self.__dict__[UNFINISHED], resource_name)

    def _autonaming(self, resource_name: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Return the stack's configuration of generated names, if the program leaves a name out."""
        specs = field_specs(self._declared.resource.arguments)
        if all(arguments.get(name) is not None for name, spec in specs.items() if spec.auto_named):
            return None
        return configured_autonaming(resource_name, self._declared.package.name)

    @classmethod
    def get(cls, resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> Self:
        """Return an existing object, which the program reads but does not manage."""
        resource = cls.__new__(cls)
        merged = pulumi.ResourceOptions.merge(opts or pulumi.ResourceOptions(), pulumi.ResourceOptions(id=id))
        DeclaredResource.__init__(resource, resource_name, {}, merged)
        return resource


def timeouts(custom: pulumi.CustomTimeouts | None) -> dict[str, float]:
    """Return `custom_timeouts` in seconds, by operation.

    Raises:
        ValueError: One is no duration.
    """
    if custom is None:
        return {}
    texts = {"create": custom.create, "update": custom.update, "delete": custom.delete, "read": custom.read}
    seconds = {}
    for operation, text in texts.items():
        if text:
            try:
                seconds[operation] = parse_duration(text)
            except ValueError as error:
                raise ValueError(f"custom_timeouts: `{operation}` {error}") from None
    return seconds


def _fail_when(unfinished: pulumi.Output[str | None], resource_name: str) -> None:
    """End the program if the object exists but is not complete. The state then contains it, with its id."""

    def check(reason: str | None) -> None:
        if reason:
            raise pulumi.RunError(f"{resource_name}: {reason}")

    unfinished.apply(check)
