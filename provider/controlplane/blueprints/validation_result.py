"""Result of a validation (api-facts op 21, S22). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from controlplane.blueprints.splitter import Statement
from controlplane.blueprints.statement_policy import object_of, statement_kind


@dataclass(frozen=True)
class ValidationResult:
    """The result of a validation. The SQL is valid if there are no errors."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = field(default=())
    variables: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the result as the API shows it. The manifest lists the statements."""
        entries = [
            {"index": index, "kind": statement_kind(statement), "object": object_of(statement)}
            for index, statement in enumerate(self.statements)
        ]
        return {
            "valid": not self.errors,
            "statement_count": len(self.statements),
            "errors": list(self.errors),
            "warnings": list(self.warnings),
            "manifest": {
                "statements": entries,
                "creates": [e["object"] for e in entries if str(e["kind"]).startswith("CREATE ") and e["object"]],
                "variables": list(self.variables),
            },
        }
