"""Numbers with more digits than JSON carries: Terraform keeps 500 bits of each, an API reads doubles."""

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
        kind: The resource.
        prior: The state. What stands there as in the program is not sent again, so it is accepted.
        config: The program's values.

    """
    names = [*kind.arguments, *map(write_only_name, kind.write_only_variants)]
    return [
        CheckFailure(path, _ADVICE)
        for name in names
        if kind.block.types[name] == CtyDynamic() and config.get(name) != (prior or {}).get(name)
        for path, leaf in iter_leaves(decode(CtyDynamic(), config.get(name)), name)
        if isinstance(leaf, Decimal)
    ]
