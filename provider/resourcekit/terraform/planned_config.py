"""What an apply may do: what the plan showed.

The engine sends the raw configuration to an apply. The plan was made from another one, where the engine had put back
what `ignore_changes` names. The planned state is therefore what the user approved; the configuration only adds the
write-only values, which no plan holds.
"""

from __future__ import annotations

from collections.abc import Set

from resourcekit.terraform.resource_type import ResourceType
from resourcekit.terraform.schema import Values


def config_as_planned(kind: ResourceType, planned: Values, config: Values, given: Set[str]) -> Values:
    """Return the configuration that the plan was made from, as far as the planned state tells it.

    Args:
        kind: The resource type.
        planned: The planned state.
        config: The raw configuration of the apply.
        given: The arguments that the planned configuration set, write-only ones by their own names. Empty for a plan
            without that record: the arguments that `config` sets.

    """
    names = given or {name for name, value in config.items() if value is not None}
    found: Values = {}
    for attribute in kind.block.attributes:
        name = attribute.name
        if name in names or name in kind.engine_attributes:
            found[name] = config.get(name) if attribute.write_only else planned.get(name)
    return {**dict.fromkeys(kind.block.types), **found}
