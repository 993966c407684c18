"""What an import is told beside the id: how the program has it, where the API cannot tell.

    id = "d7f3…?store_credentials=false"     an argument that the API never sees, as the program has it
    id = "d7f3…/0a1b…/7?variables=null"      an argument that the program gives through its write-only twin

A provider sees no program while it imports. Without this the object is taken as a program has it that says nothing of
such arguments, and a value that is given write-only would come into the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from resourcekit.errors import ResourceError
from resourcekit.terraform.cty.msgpack import WireValue
from resourcekit.terraform.resource_type import ResourceType

_WORDS: Mapping[str, bool] = {"true": True, "false": False}


@dataclass(frozen=True)
class ImportOptions:
    """locals: values of arguments that the API never sees. withheld: arguments to leave out of the state."""

    id: str
    locals: Mapping[str, WireValue] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()

    @classmethod
    def read(cls, kind: ResourceType, text: str) -> ImportOptions:
        """From the text that stands for an id. Raises ResourceError."""
        id_, _, said = text.partition("?")
        pairs = [each.partition("=") for each in said.split("&") if each]
        local = {name: _WORDS[word] for name, _, word in pairs if name in kind.provider_only and word in _WORDS}
        withheld = frozenset(name for name, _, word in pairs if name in kind.omittable_on_import and word == "null")
        for name, _, word in pairs:
            if name not in local and name not in withheld:
                told = ", ".join(f"`{each}`" for each in allowed_options(kind)) or "nothing but the id"
                raise ResourceError(f"an import cannot be told `{name}={word}`; it can be told {told}")
        return cls(id_, local, withheld)


def allowed_options(kind: ResourceType) -> list[str]:
    """All that an import of this kind can be told."""
    of_locals = [f"{name}={word}" for name in sorted(kind.provider_only) for word in _WORDS]
    return [*of_locals, *(f"{name}=null" for name in sorted(kind.omittable_on_import))]
