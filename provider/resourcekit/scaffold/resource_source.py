"""The parts of a resource's source file: its arguments, its state and what its calls take. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from resourcekit.scaffold.crud import CrudResource
from resourcekit.scaffold.document import Operation, Schema
from resourcekit.scaffold.lists import query_parameters
from resourcekit.scaffold.names import camel_case, snake_case
from resourcekit.scaffold.schemas import SchemaReader, SourceField

# Computed values that no update changes, by the names that APIs use for them.
_STABLE = frozenset({"created_at", "created", "created_by", "creation_time", "create_time"})


@dataclass(frozen=True)
class FieldLine:
    """One field of a generated class.

    Attributes:
        field: The field of the document.
        annotation: The annotation with its markers.
        default: The first argument of `Field`; empty for a required field.
        is_reported: Whether the API returns the value.
    """

    field: SourceField
    annotation: str
    default: str
    is_reported: bool = True

    @property
    def description(self) -> str:
        """The description as Python source; a TODO where the document is silent."""
        return repr(self.field.description or f"TODO: describe `{self.field.name}`; the document does not.")


@dataclass(frozen=True)
class ResourceSource:
    """What the template of a resource prints.

    Attributes:
        crud: The operations.
        reader: Reads the schemas, and collects the models that they need.
    """

    crud: CrudResource
    reader: SchemaReader

    @property
    def module(self) -> str:
        """The name of the file."""
        return snake_case(self.crud.name)

    @cached_property
    def model(self) -> str:
        """The client's model of the object."""
        return self.reader.model(self.crud.object, self.crud.name)

    @cached_property
    def arguments(self) -> tuple[FieldLine, ...]:
        """The arguments: the parents' ids, then the fields of the create call's body."""
        return (*map(_parent_line, self.crud.parents), *map(self._argument_line, self._writable))

    @cached_property
    def state(self) -> tuple[FieldLine, ...]:
        """The values that only the API sets. The id is no field: engines have a place of their own for it."""
        names = {line.field.name for line in self.arguments}
        return tuple(
            state_line(each, is_id=each.wire_name == self.crud.id_property)
            for each in self._object_fields
            if each.name not in names and each.name != "id"
        )

    @cached_property
    def create_body(self) -> Mapping[str, str]:
        """The arguments in the body of the create call: the name on the wire to the argument."""
        return {each.wire_name: each.name for each in self._writable}

    @cached_property
    def update_body(self) -> Mapping[str, str]:
        """The arguments in the body of the update call: the name on the wire to the argument."""
        taken = _properties(self.crud.update)
        return {wire: name for wire, name in self.create_body.items() if wire in taken}

    @property
    def id_attribute(self) -> str:
        """The attribute of the client's model that identifies the object; empty if the document shows none."""
        return snake_case(self.crud.id_property) if self.crud.id_property else ""

    @property
    def label_attribute(self) -> str:
        """The attribute of the client's model that users know the object by."""
        names = [each.name for each in self._object_fields]
        return next((name for name in ("name", "title", "label") if name in names), self.id_attribute)

    @property
    def waits(self) -> str:
        """The values of the status that pass, as text; empty if there are none."""
        return ", ".join(f"`{value}`" for value in self.crud.waiting)

    @cached_property
    def _writable(self) -> tuple[SourceField, ...]:
        if self.crud.create.request is None:
            return ()
        fields = self.reader.fields(self.crud.create.request, self.crud.name)
        # The engines have a place of their own for the id.
        taken = {"id", *map(snake_case, self.crud.parents)}
        return tuple(each for each in fields if not each.read_only and each.name not in taken)

    @cached_property
    def _object_fields(self) -> tuple[SourceField, ...]:
        return tuple(each for each in self.reader.fields(self.crud.object, self.crud.name) if not each.write_only)

    def _argument_line(self, each: SourceField) -> FieldLine:
        is_reported = each.wire_name in (self.crud.object.get("properties") or {}) and not each.write_only
        annotation = f"Literal[{', '.join(map(repr, each.choices))}]" if each.choices else each.type
        marks = []
        if each.wire_name not in _properties(self.crud.update):
            marks.append("RequiresReplace()")
        if is_reported and not each.required:
            marks.append("Computed()")
        if each.secret:
            marks.append("Secret()")
        return FieldLine(
            each, _annotated(annotation, marks, required=each.required), "" if each.required else "None", is_reported
        )


def _annotated(annotation: str, marks: Sequence[str], *, required: bool) -> str:
    text = annotation if required else f"{annotation} | None"
    return f"Annotated[{', '.join((text, *marks))}]" if marks else text


def _parent_line(parameter: str) -> FieldLine:
    owner = " ".join(part for part in snake_case(parameter).split("_") if part not in ("id", "uuid")) or "parent"
    field = SourceField(
        snake_case(parameter), parameter, "str", required=True, description=f"The id of the {owner} that contains it."
    )
    return FieldLine(field, "Annotated[str, RequiresReplace()]", "", is_reported=False)


def state_line(each: SourceField, *, is_id: bool = False, computed: bool = True) -> FieldLine:
    """Return the field of a value that only the API sets.

    Args:
        each: The field of the document.
        is_id: Whether it identifies the object.
        computed: Whether it belongs to a resource's state. Results of data sources have no such marker.
    """
    marks = ["Computed()"] if computed else []
    if computed and (is_id or each.name in _STABLE):
        marks.append("Stable()")
    if each.secret:
        marks.append("Secret()")
    return FieldLine(each, _annotated(each.type, marks, required=False), "None")


def _properties(operation: Operation | None) -> Mapping[str, Schema]:
    return (operation.request or {}).get("properties") or {} if operation is not None else {}


@dataclass(frozen=True)
class DataSourceSource:
    """What the template of a data source prints.

    Attributes:
        operation: The GET.
        reader: Reads the schemas, and collects the models that they need.
    """

    operation: Operation
    reader: SchemaReader

    @property
    def name(self) -> str:
        """The data source's name, which begins with "get"."""
        name = snake_case(self.operation.id)
        for verb in ("list_", "fetch_", "find_", "retrieve_", "show_"):
            name = name.removeprefix(verb)
        return name if name.startswith("get_") else f"get_{name}"

    @property
    def class_name(self) -> str:
        """The name of its class."""
        return camel_case(self.name)

    @cached_property
    def arguments(self) -> tuple[FieldLine, ...]:
        """The parameters of the path, then those of the query, without those of the paging."""
        path = [each for each in self.operation.parameters if each.place == "path"]
        return tuple(
            self._argument(each.name, each.schema, each.description, required=each.place == "path" or each.required)
            for each in [*path, *query_parameters(self.operation)]
        )

    def _argument(self, name: str, schema: Schema, description: str, *, required: bool) -> FieldLine:
        annotation = self.reader.type_of(schema, f"{self.class_name}{camel_case(name)}")
        field = SourceField(snake_case(name), name, annotation, required, description)
        return FieldLine(field, _annotated(annotation, (), required=required), "" if required else "None")
