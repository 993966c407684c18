"""Numbers with more digits than JSON carries: Terraform keeps 500 bits of each, an API reads doubles."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from resourcekit.errors import Failure
from resourcekit.shapes import leaves
from resourcekit.terraform.blocks import Values, twin
from resourcekit.terraform.kinds import Kind
from resourcekit.terraform.reading import plain
from resourcekit.terraform.types import Dynamic

_ADVICE: Final = (
    "is a number with more digits than the API's JSON carries, so it would be rounded: give it as a string, which is "
    'taken exactly, or round it, for example `format("%.15g", …)`'
)


def rounded_numbers(kind: Kind, prior: Values | None, config: Values) -> list[Failure]:
    """Return a failure for each number in a free-form value that the request would round.

    Args:
        kind: The resource.
        prior: The state. What stands there as in the program is not sent again, so it is accepted.
        config: The program's values.

    """
    names = [*kind.arguments, *map(twin, kind.twins)]
    return [
        Failure(path, _ADVICE)
        for name in names
        if kind.block.types[name] == Dynamic() and config.get(name) != (prior or {}).get(name)
        for path, leaf in leaves(plain(Dynamic(), config.get(name)), name)
        if isinstance(leaf, Decimal)
    ]
