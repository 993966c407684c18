"""The Polnor package: its settings and its declarations."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, Field

from polnor.resources.compute_instance import ComputeInstance
from polnor.resources.job import Job
from polnor.resources.serving_endpoint import ServingEndpoint
from polnor.resources.warehouse_state import WarehouseState
from resourcekit.fields import Arguments, Secret
from resourcekit.http.credential_settings import BEARER_KEY, login
from resourcekit.http.errors import RateLimitedError
from resourcekit.http.setting_values import BaseUrl, environment_of, normalize_key, normalize_password
from resourcekit.http_package import HttpPackage
from resourcekit.package import DeclaredCalls
from resourcekit.version import VERSION

if TYPE_CHECKING:
    from polnor.api import Client

API_PATH: Final = "/api/v1"
DEFAULT_BASE_URL: Final = f"https://api.polnor.net{API_PATH}"


class Settings(Arguments):
    """The settings of the provider: an API key, or the email and the password of a login."""

    api_key: Annotated[str | None, Secret(), AfterValidator(normalize_key)] = Field(
        None, description="API key or agent token, sent as a bearer token. Default: POLNOR_API_KEY."
    )
    email: Annotated[str | None, AfterValidator(str.strip)] = Field(
        None, description="Email of a login, instead of `api_key`. Default: POLNOR_EMAIL."
    )
    password: Annotated[str | None, Secret(), AfterValidator(normalize_password)] = Field(
        None,
        description="Password of the login. Its tokens live an hour and are renewed before they expire. Default: "
        "POLNOR_PASSWORD.",
    )
    base_url: Annotated[str | None, BaseUrl(path=API_PATH, example=DEFAULT_BASE_URL)] = Field(
        None, description=f"URL of the API, with `{API_PATH}`. Default: POLNOR_BASE_URL, else {DEFAULT_BASE_URL}."
    )


def _calls() -> DeclaredCalls[Client]:
    from polnor.actions import ACTIONS
    from polnor.data_sources import DATA_SOURCES, UPLOADS

    return DeclaredCalls(data_sources=DATA_SOURCES, ephemeral_resources=UPLOADS, actions=ACTIONS)


@functools.cache
def package() -> HttpPackage[Client]:
    """Return the package; there is one per process."""
    return HttpPackage(
        name="polnor",
        version=VERSION,
        display_name="Polnor",
        description="Compute instances, jobs, serving endpoints, SQL and the catalog of Polnor's data platform.",
        homepage="https://polnor.net",
        settings=Settings,
        environment=environment_of("polnor", Settings),
        credentials=(BEARER_KEY, login("/auth/login", "/auth/refresh")),
        resources=(ComputeInstance(), Job(), ServingEndpoint(), WarehouseState()),
        calls=_calls,
        error_advice={
            RateLimitedError: "Remove an object of this kind that is no longer used, or have the quota raised"
        },
        keywords=("pulumi", "polnor", "data", "category/infrastructure", "kind/native"),
        default_base_url=DEFAULT_BASE_URL,
    )
