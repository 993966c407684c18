"""Translate the schemas of a document to fields and models in Python source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from resourcekit.scaffold.document import Document, Schema, one_line
from resourcekit.scaffold.names import camel_case, singular, snake_case

_SCALARS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_SECRET_WORDS: Final = ("password", "secret", "token", "private_key", "api_key", "credential", "passphrase")


@dataclass(frozen=True)
class SourceField:
    """A field of a generated model.

    Attributes:
        name: In snake case.
        wire_name: The property's name in the API's JSON.
        type: The annotation without `| None`, such as "list[str]".
        required: Whether the schema requires it and it cannot be null.
        description: One line.
        secret: Whether it looks like a secret.
        read_only: Whether only the API sets it (`readOnly`).
        write_only: Whether the API never returns it (`writeOnly`).
        choices: The values that the document allows, if it lists texts.
        example: The document's example, as Python source; empty if there is none.
    """

    name: str
    wire_name: str
    type: str
    required: bool
    description: str
    secret: bool = False
    read_only: bool = False
    write_only: bool = False
    choices: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True)
class SourceModel:
    """A generated model of an object that is nested in another, or that a call returns."""

    name: str
    description: str
    fields: tuple[SourceField, ...]


@dataclass
class SchemaReader:
    """Reads schemas, and collects the models that they need.

    Attributes:
        document: The document.
        models: The models by name, each after those that it refers to.
    """

    document: Document
    models: dict[str, SourceModel] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def fields(self, schema: Schema, owner: str) -> tuple[SourceField, ...]:
        """Return the fields of an object's schema. `owner` is the class whose fields they are."""
        schema = self.document.resolve(schema)
        required = set(schema.get("required") or ())
        return tuple(
            self._field(name, entry, owner, required=name in required)
            for name, entry in (schema.get("properties") or {}).items()
        )

    def model(self, schema: Schema, name: str) -> str:
        """Add a model for an object's schema and return its name. An equal name with other fields gets a number."""
        fields = self.fields(schema, name)
        made = SourceModel(name, one_line(self.document.resolve(schema).get("description") or ""), fields)
        number = 1
        while name in self.models and self.models[name].fields != fields:
            number += 1
            name = f"{made.name}{number}"
        self.models.setdefault(name, SourceModel(name, made.description, fields))
        return name

    def type_of(self, schema: Schema, name: str) -> str:
        """Return the annotation of a schema. `name` is the class of an object that is written in place."""
        component = camel_case(str(schema.get("$ref", "")).rpartition("/")[2]) if "$ref" in schema else ""
        schema = _without_null(self.document, self.document.resolve(schema))
        kind = _kind(schema)
        if kind in _SCALARS:
            return _SCALARS[kind]
        if kind == "array":
            return f"list[{self.type_of(schema.get('items') or {}, singular(name))}]"
        if kind != "object":
            return "Any"
        if schema.get("properties"):
            return self._nested(schema, component or name)
        extra = schema.get("additionalProperties")
        return f"dict[str, {self.type_of(extra, singular(name)) if isinstance(extra, Mapping) and extra else 'Any'}]"

    def _nested(self, schema: Schema, name: str) -> str:
        if name in self._open:
            return "Any"  # a schema that contains itself: engines have no recursive types
        self._open.append(name)
        try:
            return self.model(schema, name)
        finally:
            self._open.pop()

    def _field(self, wire_name: str, entry: Schema, owner: str, *, required: bool) -> SourceField:
        schema = self.document.resolve(entry)
        name = snake_case(wire_name)
        annotation = self.type_of(entry, f"{owner}{camel_case(wire_name)}")
        core = _without_null(self.document, schema)
        choices = core.get("enum") or ()
        return SourceField(
            name=name,
            wire_name=wire_name,
            type=annotation,
            required=required and not _is_nullable(self.document, schema),
            description=one_line(schema.get("description") or core.get("description") or ""),
            secret=annotation == "str" and (core.get("format") == "password" or _is_secret_name(name)),
            read_only=bool(schema.get("readOnly")),
            write_only=bool(schema.get("writeOnly")),
            choices=tuple(choices) if all(isinstance(each, str) for each in choices) else (),
            example=repr(core["example"]) if isinstance(core.get("example"), str | int | float | bool) else "",
        )


def _is_secret_name(name: str) -> bool:
    return any(name == word or name.endswith(f"_{word}") for word in _SECRET_WORDS)


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):  # OpenAPI 3.1
        kind = (
            next((each for each in kind if each != "null"), None)
            if len([k for k in kind if k != "null"]) == 1
            else None
        )
    if kind is None and schema.get("properties"):
        return "object"
    return str(kind or "")


def _alternatives(schema: Schema) -> Iterator[Mapping[str, Any]]:
    yield from schema.get("anyOf") or ()
    yield from schema.get("oneOf") or ()


def _is_nullable(document: Document, schema: Schema) -> bool:
    kind = schema.get("type")
    if schema.get("nullable") or (isinstance(kind, list) and "null" in kind):
        return True
    return any(document.resolve(each).get("type") == "null" for each in _alternatives(schema))


def _without_null(document: Document, schema: Schema) -> Schema:
    """Return the only alternative that is not null, if there is exactly one; else the schema."""
    rest = [each for each in map(document.resolve, _alternatives(schema)) if each.get("type") != "null"]
    return rest[0] if len(rest) == 1 else schema
