"""A typed client of Pragma's API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import Field

from resourcekit.http.api import Api, ErrorBody, read_text_error
from resourcekit.http.client import HttpClient
from resourcekit.http.errors import read_or_none
from resourcekit.http.models import Model, Texts, path_segment
from resourcekit.http.retry import RetrySafety
from resourcekit.version import VERSION


class Resource(Model):
    """A resource. Its five lifecycle states are draft, pending, processing, ready and failed."""

    provider: str
    resource: str
    name: str
    lifecycle_state: str
    config: dict[str, Any] = Field(default_factory=dict)
    tags: Texts = Field(default_factory=list)
    outputs: dict[str, Any] | None = None
    error: str | None = None


class Build(Model):
    """The build of uploaded provider code."""

    job_name: str
    status: str
    version: str | None = None
    error_message: str | None = None


def _read_error(body: Any) -> ErrorBody:
    """Return the text of `{"detail": text}`, or the fields of `{"detail": [{loc, msg}]}`."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, list):
        return read_text_error(body)
    problems = [each for each in detail if isinstance(each, dict)]
    texts = [f"{'.'.join(map(str, each.get('loc') or []))}: {each.get('msg')}" for each in problems]
    path = (problems[0].get("loc") if problems else None) or [""]
    return ErrorBody(message="; ".join(texts), details={"field": str(path[-1])} if path[-1] else {})


API: Final = Api(name="pragma", version=VERSION, read_error=_read_error)


class Client(HttpClient):
    """A client of the Pragma API, whose lists are plain arrays; safe for use by many threads."""

    def iter_resources(self) -> Iterator[Resource]:
        """Yield all resources."""
        return self._iter(Resource, "/resources/", lambda each: f"{each.provider}/{each.resource}/{each.name}")

    def get_resource(self, id: str) -> Resource:
        """Read a resource; raises NotFoundError."""
        return self._parsed(Resource, "GET", f"/resources/{path_segment(id)}")

    def find_resource(self, id: str) -> Resource | None:
        """Read a resource, or return None."""
        return read_or_none(lambda: self.get_resource(id))

    def apply_resource(self, body: Mapping[str, Any]) -> Resource:
        """Create or change a resource. A repeated call has the same effect, so it is retried.

        Raises:
            ConflictError: The resource is pending or processing.
        """
        return self._parsed(Resource, "POST", "/resources/apply", json=body)

    def delete_resource(self, id: str) -> None:
        """Delete a resource; raises NotFoundError, perhaps because an attempt with a lost response deleted it."""
        self._transport.request("DELETE", f"/resources/{path_segment(id)}")

    def push_code(self, provider: str, archive: bytes) -> Build:
        """Upload a provider's code, which starts a build. It is not retried without a check: each upload is a version.

        Raises:
            UnknownOutcomeError: The response was lost; the code may be there.
        """
        path = f"/providers/{path_segment(provider)}/push"
        files = {"code": ("provider.tar.gz", archive, "application/gzip")}
        return self._parsed(Build, "POST", path, files=files, safety=RetrySafety.UNSAFE)

    def get_build(self, provider: str, job_name: str) -> Build:
        """Read a build; raises NotFoundError."""
        return self._parsed(Build, "GET", f"/providers/{path_segment(provider)}/builds/{path_segment(job_name)}")
