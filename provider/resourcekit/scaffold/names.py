"""Names in generated Python code, made of the names of an OpenAPI document. Pure."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import Final

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
# Names that a field cannot have: Python's own, the methods of a pydantic model, and Terraform's reserved arguments.
_RESERVED: Final = frozenset(
    {
        *keyword.kwlist,
        *("connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"),
        *("copy", "dict", "json", "schema", "validate", "construct", "fields", "model_config"),
    }
)


def words(name: str) -> list[str]:
    """Return the words of a name in any casing, in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def snake_case(name: str) -> str:
    """Return a name for a field, an argument or a module, such as "pet_id"."""
    text = "_".join(words(name)) or "value"
    text = f"n{text}" if text[0].isdigit() else text
    return f"{text}_" if text in _RESERVED else text


def camel_case(name: str) -> str:
    """Return a name for a class, such as "PetOwner"."""
    text = "".join(word.capitalize() for word in words(name)) or "Value"
    text = f"N{text}" if text[0].isdigit() else text
    return f"{text}Object" if hasattr(builtins, text) else text


def singular(name: str) -> str:
    """Return a noun of a path without its plural ending, by the rules that cover what paths contain."""
    for ending, replacement in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if name.endswith(ending):
            return name.removesuffix(ending) + replacement
    return name if name.endswith(("ss", "us", "is")) else name.removesuffix("s")
