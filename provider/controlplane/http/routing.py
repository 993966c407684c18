"""Find the operation of a method and a path."""

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
    """All operations. The first path that matches decides."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._paths: dict[str, tuple[re.Pattern[str], dict[str, Operation]]] = {}
        for operation in operations:
            pattern, _, _ = compile_path(operation.path)
            _, methods = self._paths.setdefault(operation.path, (pattern, {}))
            methods[operation.method] = operation

    def operation_of(self, method: str, path: str) -> str | None:
        """Return the id of the operation, or None if there is none."""
        try:
            return self.match(method, path).operation.operation_id
        except ApiError:
            return None

    def match(self, method: str, path: str) -> Match:
        """Return the operation of a request.

        Raises:
            ApiError: 404 for an unknown path; 405 with Allow for another method (HEAD and OPTIONS too, S40).
        """
        for pattern, methods in self._paths.values():
            path_match = pattern.match(path)
            if path_match is None:
                continue
            if method not in methods:
                raise ApiError(
                    405,
                    "method_not_allowed",
                    f"{method} is not allowed here.",
                    {"allowed": sorted(methods)},
                    headers={"Allow": ", ".join(sorted(methods))},
                )
            return Match(methods[method], path_match.groupdict())
        raise ApiError(404, "not_found", "There is no such path.", {"resource": "path"})
