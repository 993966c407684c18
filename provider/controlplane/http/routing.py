"""Which operation a method and path mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.routing import compile_path

from controlplane.http.context import Operation
from controlplane.http.errors import ApiError


@dataclass(frozen=True)
class Match:
    """An operation and its path parameters, still as text."""

    operation: Operation
    path_parameters: Mapping[str, str]


class Routes:
    """All operations; the first path that fits decides."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._paths: dict[str, tuple[re.Pattern[str], dict[str, Operation]]] = {}
        for operation in operations:
            pattern, _, _ = compile_path(operation.path)
            _, methods = self._paths.setdefault(operation.path, (pattern, {}))
            methods[operation.method] = operation

    def operation_of(self, method: str, path: str) -> str | None:
        """The id of the operation, None where there is none."""
        try:
            return self.match(method, path).operation.operation_id
        except ApiError:
            return None

    def match(self, method: str, path: str) -> Match:
        """Raises 404 for an unknown path and 405 with Allow for a known one (HEAD and OPTIONS too, S40)."""
        for pattern, methods in self._paths.values():
            found = pattern.match(path)
            if found is None:
                continue
            if method not in methods:
                raise ApiError(
                    405,
                    "method_not_allowed",
                    f"{method} is not allowed here.",
                    {"allowed": sorted(methods)},
                    headers={"Allow": ", ".join(sorted(methods))},
                )
            return Match(methods[method], found.groupdict())
        raise ApiError(404, "not_found", "There is no such path.", {"resource": "path"})
