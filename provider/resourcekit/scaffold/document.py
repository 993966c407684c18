"""Read an OpenAPI 3 document: its operations, with references resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Schema = Mapping[str, Any]
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_PARAMETER: Final = re.compile(r"\{([^{}]+)\}")


class DocumentError(Exception):
    """The document cannot be read. The message says why and what to do."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation.

    Attributes:
        name: The name on the wire.
        place: "path", "query" or "header".
        required: Whether each request needs it.
        schema: The schema of its value.
        description: The document's text.
    """

    name: str
    place: str
    required: bool
    schema: Schema
    description: str = ""


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        id: The `operationId`, or one made of method and path.
        method: In upper case.
        path: With parameters in braces.
        summary: The document's text, in one line.
        parameters: Those of the path and those of the operation.
        request: The schema of the JSON request body, or None.
        response: The schema of the first JSON response of success, or None.
        response_name: The component that the response refers to, such as "Pet"; empty if it is written in place.
    """

    id: str
    method: str
    path: str
    summary: str = ""
    parameters: tuple[Parameter, ...] = ()
    request: Schema | None = None
    response: Schema | None = None
    response_name: str = ""

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names of the parameters in the path, in order."""
        return tuple(_PARAMETER.findall(self.path))


@dataclass(frozen=True)
class Document:
    """An OpenAPI document.

    Attributes:
        root: The document as it was read.
    """

    root: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The API's name."""
        return str(self.root.get("info", {}).get("title", "")) or "API"

    @property
    def server(self) -> str:
        """The URL of the first server; empty if the document names none with a host."""
        urls = [str(each.get("url", "")) for each in self.root.get("servers") or ()]
        return next((url.rstrip("/") for url in urls if url.startswith(("http://", "https://"))), "")

    @property
    def description(self) -> str:
        """The first paragraph about the API, in one line."""
        return one_line(self.root.get("info", {}).get("description") or self.title)

    @property
    def homepage(self) -> str:
        """The URL of the documentation, or of the contact; empty if there is neither."""
        contact = self.root.get("info", {}).get("contact") or {}
        return str((self.root.get("externalDocs") or {}).get("url") or contact.get("url") or "")

    @property
    def security(self) -> list[str]:
        """The security schemes, each as its type and its scheme or place."""
        schemes = (self.root.get("components") or {}).get("securitySchemes") or {}
        return [
            " ".join(str(each[part]) for part in ("type", "scheme", "in", "name") if part in each)
            for each in map(self.resolve, schemes.values())
        ]

    def resolve(self, schema: Schema) -> Schema:
        """Return a schema without a reference at its top, and with the parts of `allOf` merged.

        Raises:
            DocumentError: A reference leads to another file, to nothing, or to itself.
        """
        seen: set[str] = set()
        while "$ref" in schema:
            reference = str(schema["$ref"])
            if reference in seen:
                raise DocumentError(f"the reference {reference!r} leads to itself")
            seen.add(reference)
            schema = self._target(reference)
        if "allOf" not in schema:
            return schema
        parts = [*map(self.resolve, schema["allOf"]), {name: each for name, each in schema.items() if name != "allOf"}]
        merged: dict[str, Any] = {}
        for part in parts:
            merged = {
                **merged,
                **part,
                "properties": {**merged.get("properties", {}), **part.get("properties", {})},
                "required": [*merged.get("required", []), *part.get("required", [])],
            }
        return merged

    def _target(self, reference: str) -> Schema:
        if not reference.startswith("#/"):
            raise DocumentError(
                f"the reference {reference!r} leads to another file: bundle the document into one first"
            )
        target: Any = self.root
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, Mapping) or name not in target:
                raise DocumentError(f"the reference {reference!r} leads to nothing")
            target = target[name]
        return target  # type: ignore[no-any-return]

    def operations(self) -> Iterator[Operation]:
        """Yield the operations in the document's order. Deprecated ones are left out."""
        for path, item in (self.root.get("paths") or {}).items():
            shared = item.get("parameters") or ()
            for method in _METHODS:
                if method in item and not item[method].get("deprecated"):
                    yield self._operation(method, path, item[method], shared)

    def _operation(self, method: str, path: str, entry: Mapping[str, Any], shared: Any) -> Operation:
        parameters = {
            (each["name"], each["in"]): each for each in map(self.resolve, [*shared, *(entry.get("parameters") or ())])
        }
        body = self.resolve(entry.get("requestBody") or {})
        response = self._success(entry.get("responses") or {})
        return Operation(
            id=str(entry.get("operationId") or f"{method}_{re.sub(r'[^A-Za-z0-9]+', '_', path).strip('_')}"),
            method=method.upper(),
            path=path,
            summary=one_line(entry.get("summary") or entry.get("description") or ""),
            parameters=tuple(map(self._parameter, parameters.values())),
            request=self._json_schema(body),
            response=self._json_schema(response),
            response_name=_component((_json_content(response) or {}).get("schema", {})),
        )

    def _parameter(self, entry: Mapping[str, Any]) -> Parameter:
        return Parameter(
            name=str(entry["name"]),
            place=str(entry["in"]),
            required=bool(entry.get("required")),
            schema=self.resolve(entry.get("schema") or {}),
            description=one_line(entry.get("description") or ""),
        )

    def _success(self, responses: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the response of the lowest status of success that the document describes."""
        statuses = sorted(status for status in map(str, responses) if status.startswith("2"))
        by_text = {str(status): response for status, response in responses.items()}
        return next((self.resolve(by_text[status]) for status in statuses), {})

    def _json_schema(self, message: Mapping[str, Any]) -> Schema | None:
        content = _json_content(message)
        return None if content is None or "schema" not in content else self.resolve(content["schema"])


def _json_content(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    content: Mapping[str, Mapping[str, Any]] = message.get("content") or {}
    return next((value for kind, value in content.items() if re.match(r"application/([\w.+-]+\+)?json", kind)), None)


def _component(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def one_line(text: str) -> str:
    """Return the first paragraph of a text in one line, without line breaks."""
    return " ".join(str(text).strip().split("\n\n")[0].split())


def read_document(path: Path) -> Document:
    """Read an OpenAPI 3 document in JSON or YAML.

    Raises:
        DocumentError: The file is neither, or is not of OpenAPI 3.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"cannot read {path}: {error}") from error
    try:
        root = json.loads(text) if path.suffix == ".json" else _parse_yaml(text)
    except ValueError as error:
        raise DocumentError(f"{path} is not valid JSON: {error}") from error
    version = str(root.get("openapi", "")) if isinstance(root, dict) else ""
    if not version.startswith("3."):
        found = f"it says `openapi: {version}`" if version else "it has no `openapi` field"
        raise DocumentError(f"{path} is not an OpenAPI 3 document: {found}. Convert a Swagger 2 document first")
    return Document(root)


def _parse_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DocumentError(f"the document is not valid YAML: {error}") from error
