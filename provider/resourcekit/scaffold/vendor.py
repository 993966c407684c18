"""Write a vendor's folder: render the templates, and format the result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from resourcekit.scaffold.calls import Call, is_keyed, list_call, list_model, read_call, resource_calls
from resourcekit.scaffold.crud import find_resources, remaining_operations, unwrap
from resourcekit.scaffold.document import Document, DocumentError, Operation
from resourcekit.scaffold.lists import list_shape
from resourcekit.scaffold.names import camel_case, snake_case, words
from resourcekit.scaffold.resource_source import DataSourceSource, FieldLine, ResourceSource, state_line
from resourcekit.scaffold.schemas import SchemaReader


@dataclass(frozen=True)
class DataSourceView(DataSourceSource):
    """A data source with what its template prints of the client's call."""

    model: str = ""
    is_list: bool = False
    results: tuple[FieldLine, ...] = field(default=())

    @property
    def call(self) -> str:
        """The client's method."""
        return snake_case(self.operation.id)

    @property
    def call_arguments(self) -> str:
        """The arguments of the client's method: the path's by position, the query's by name."""
        path = [f"args.{snake_case(name)}" for name in self.operation.path_parameters]
        names = [line.field.name for line in self.arguments[len(path) :]]
        return ", ".join([*path, *(f"{name}=args.{name}" for name in names)])

    @property
    def summary(self) -> str:
        """The docstring."""
        text = self.operation.summary.replace('"', "'").replace("\\", "/") or f"Read {self.operation.path}"
        return text if text.endswith(".") else f"{text}."


def render_vendor(name: str, document: Document) -> dict[str, str]:
    """Return the files of a vendor's folder: path to content.

    Args:
        name: The package's name, in lower case.
        document: The OpenAPI document.

    Raises:
        DocumentError: The document has nothing that can be managed or read.
    """
    reader = SchemaReader(document)
    resources = [ResourceSource(crud, reader) for crud in find_resources(document)]
    calls = {call.name: call for each in resources for call in resource_calls(each.crud, each.model, reader)}
    sources, remaining = [], []
    for operation in remaining_operations(document, [each.crud for each in resources]):
        view = _data_source(operation, reader, calls) if operation.method == "GET" else None
        if view is None:
            remaining.append(operation)
        else:
            sources.append(view)
    if not resources and not sources:
        raise DocumentError("the document has no operation with a JSON response that a provider could use")
    environment = _environment(reader)
    common = {
        "vendor": name,
        "title": document.title.replace('"', "'"),
        "server": document.server,
        "description": document.description,
        "homepage": document.homepage,
        "security": ", ".join(document.security) or "not declared",
    }
    files = {
        f"{name}/resources/{each.module}.py": environment.get_template("resource.py.j2").render(
            common, r=each, noun=" ".join(words(each.crud.name)), keyed=is_keyed(each.crud.create)
        )
        for each in resources
    }
    template = environment.get_template("resources.py.j2")
    files[f"{name}/resources/__init__.py"] = template.render(common, resources=resources)
    if sources:
        files[f"{name}/data_sources.py"] = environment.get_template("data_sources.py.j2").render(
            common, sources=sources
        )
    files[f"{name}/package.py"] = environment.get_template("package.py.j2").render(
        common, sources=sources, remaining=remaining
    )
    files[f"{name}/__init__.py"] = environment.get_template("init.py.j2").render(common)
    pagings = sorted({call.paging for call in calls.values() if call.paging})
    files[f"{name}/api.py"] = environment.get_template("api.py.j2").render(
        common, calls=calls.values(), pagings=pagings
    )
    # Last: the parts above have collected the models that they need.
    files[f"{name}/models.py"] = environment.get_template("models.py.j2").render(common, models=reader.models.values())
    return files


def _data_source(operation: Operation, reader: SchemaReader, calls: dict[str, Call]) -> DataSourceView | None:
    """Return the data source of a GET, and add its call; None if its response is no JSON object or list."""
    shape = list_shape(reader.document, operation)
    if shape is not None:
        calls.setdefault(snake_case(operation.id), list_call(operation, shape, reader))
        return DataSourceView(operation, reader, list_model(operation, shape, reader), is_list=True)
    _, schema = unwrap(reader.document, operation.response or {})
    if not schema.get("properties"):
        return None
    model = reader.model(schema, camel_case(operation.response_name or f"{operation.id}_result"))
    calls.setdefault(snake_case(operation.id), read_call(operation, model, reader))
    fields = [each for each in reader.fields(schema, model) if not each.write_only]
    return DataSourceView(operation, reader, model, results=tuple(state_line(each, computed=False) for each in fields))


def _environment(reader: SchemaReader) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("resourcekit.scaffold"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Python source
    )

    def own_types(annotation: str) -> str:
        """Return an annotation with the module of the client's models before their names."""
        return re.sub(
            r"\b[A-Z]\w*\b", lambda match: f"models.{match[0]}" if match[0] in reader.models else match[0], annotation
        )

    filters: Mapping[str, Any] = {"snake": snake_case, "camel": camel_case, "repr": repr, "own_types": own_types}
    environment.filters.update(filters)
    return environment


def write_vendor(files: Mapping[str, str], directory: Path) -> list[Path]:
    """Write the files below a directory, which must not contain them yet.

    Raises:
        FileExistsError: A file exists. Nothing is written then.
    """
    taken = [name for name in files if (directory / name).exists()]
    if taken:
        raise FileExistsError(f"{directory / taken[0]} exists: choose another name or another --output")
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return [directory / name for name in files]
