"""The Polytomic package: its settings and its declarations."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, Field

from polytomic.query import GetQuery
from resourcekit.fields import Arguments, Secret, Validator
from resourcekit.http.credential_settings import BEARER_KEY, CredentialSettings
from resourcekit.http.credentials import basic
from resourcekit.http.errors import InvalidRequestError, NotFoundError, ServerError
from resourcekit.http.setting_values import BaseUrl, environment_of, normalize_key
from resourcekit.http_package import HttpPackage
from resourcekit.package import DeclaredCalls
from resourcekit.resource import DataSource
from resourcekit.version import VERSION

if TYPE_CHECKING:
    from polytomic.api import Client

DEFAULT_BASE_URL: Final = "https://app.polytomic.com"
_QUERY: Final[tuple[DataSource[Any, Any, Any], ...]] = (GetQuery(),)


class Settings(Arguments):
    """The settings of the provider. Set one of the two keys."""

    api_key: Annotated[str | None, Secret(), AfterValidator(normalize_key)] = Field(
        None, description="A user's API key, sent as a bearer token. Default: POLYTOMIC_API_KEY."
    )
    organization_key: Annotated[
        str | None,
        Secret(),
        AfterValidator(normalize_key),
        Validator(
            lambda key: ":" in key, "must be user:password for HTTP Basic; a key alone is the user: write `KEY:`"
        ),
    ] = Field(
        None,
        description="An organization's key as `user:password`, sent by HTTP Basic, instead of `api_key`. Default: "
        "POLYTOMIC_ORGANIZATION_KEY.",
    )
    base_url: Annotated[str | None, BaseUrl(example=DEFAULT_BASE_URL)] = Field(
        None, description=f"URL of the API, without `/api`. Default: POLYTOMIC_BASE_URL, else {DEFAULT_BASE_URL}."
    )
    api_version: Annotated[str | None, AfterValidator(normalize_key)] = Field(
        None,
        description="Version of the API, sent as X-Polytomic-Version. Default: POLYTOMIC_API_VERSION, else the header "
        "is not sent.",
    )


@functools.cache
def package() -> HttpPackage[Client]:
    """Return the package; there is one per process."""
    return HttpPackage(
        name="polytomic",
        version=VERSION,
        display_name="Polytomic",
        description="SQL on the connections of a Polytomic organization, by its query runner.",
        homepage="https://polytomic.com",
        settings=Settings,
        environment=environment_of("polytomic", Settings),
        credentials=(BEARER_KEY, CredentialSettings(("organization_key",), basic)),
        headers={"X-Polytomic-Version": "api_version"},
        resources=(),
        calls=lambda: DeclaredCalls(data_sources=_QUERY, ephemeral_resources=_QUERY, actions=_QUERY),
        error_advice={
            NotFoundError: "Check `connection_id`: there must be such a connection, and the key must see it",
            414: "The API takes the SQL in the URL: shorten it, for example by a view",
            InvalidRequestError: "Check `connection_id` and `query`",
            ServerError: "The query may have been submitted: if the SQL writes, look whether it did before you run it "
            "again",
        },
        keywords=("pulumi", "polytomic", "sql", "category/database", "kind/native"),
        default_base_url=DEFAULT_BASE_URL,
    )
