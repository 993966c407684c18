"""Numbers with more digits than JSON carries: Terraform's have 500 bits, an API reads doubles."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from resourcekit.errors import CheckFailure
from resourcekit.field_types import iter_leaves
from resourcekit.terraform.cty.decode import decode
from resourcekit.terraform.cty.types import CtyDynamic
from resourcekit.terraform.resource_type import ResourceType
from resourcekit.terraform.schema import Values, write_only_name

_ADVICE: Final = (
    "is a number with more digits than the API's JSON carries, so it would be rounded: give it as a string, which is "
    'taken exactly, or round it, for example `format("%.15g", …)`'
)


def rounded_numbers(kind: ResourceType, prior: Values | None, config: Values) -> list[CheckFailure]:
    """Return a failure for each number in a free-form value that the request would round.

    Args:
        kind: The resource type.
        prior: The state. A value that is the same there as in the configuration is not sent again: it is accepted.
        config: The configuration.

    """
    names = [*kind.arguments, *map(write_only_name, kind.write_only_variants)]
    return [
        CheckFailure(path, _ADVICE)
        for name in names
        if kind.block.types[name] == CtyDynamic() and config.get(name) != (prior or {}).get(name)
        for path, leaf in iter_leaves(decode(CtyDynamic(), config.get(name)), name)
        if isinstance(leaf, Decimal)
    ]
