"""schemathesis over the served document, and over the original where it is at hand: no 5xx, nothing off the schema."""

from __future__ import annotations

import hypothesis
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from controlplane import openapi
from support.control_plane import ControlPlane
from support.openapi import ABSENT, ORIGINAL, merged, original, overlay

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDED = hypothesis.settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)

served = schemathesis.openapi.from_dict(openapi.document())


def documented_original() -> dict:
    """The original's requests with our replies' codes and headers: what a client of the service would send."""
    document, patch = original(), overlay()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            ours = patch["paths"][path][method].get("responses", {})
            operation["responses"] = merged(operation["responses"], ours)
    document["components"] = merged(document["components"], patch["components"])
    return document


def check_conformance(case: Case, plane: ControlPlane) -> None:
    headers = {"Authorization": f"Bearer {plane.api_key}"}
    # A wait is a valid request, but seconds of nothing here.
    if isinstance(case.query, dict):
        case.query.pop("wait", None)
    if isinstance(case.body, dict) and "timeout" in case.body:
        case.body["timeout"] = 1 if isinstance(case.body["timeout"], int) else case.body["timeout"]
    case.call_and_validate(base_url=plane.origin, headers=headers, checks=CHECKS)


@pytest.mark.facts("C12")
@pytest.mark.slow
@served.parametrize()
@BOUNDED
def test_the_control_plane_conforms_to_the_served_document(case: Case, control_plane: ControlPlane) -> None:
    check_conformance(case, control_plane)


if ORIGINAL.exists():
    documented = schemathesis.openapi.from_dict(documented_original())

    @pytest.mark.slow
    @documented.parametrize()
    @BOUNDED
    def test_the_control_plane_conforms_to_the_original_document(case: Case, control_plane: ControlPlane) -> None:
        check_conformance(case, control_plane)

else:

    @pytest.mark.skip(reason=ABSENT)
    def test_the_control_plane_conforms_to_the_original_document() -> None:
        """Visible in the summary."""
