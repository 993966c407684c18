"""A database's credentials, for engines that can use a value without keeping it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from polykomos.client import Client
from polykomos.functions.databases import GetDatabase, GetDatabaseArgs
from resourcekit.context import Context
from resourcekit.declaration import Result, Secret
from resourcekit.errors import CheckFailure
from resourcekit.resource import DataSource


class DatabaseCredentialsResult(Result):
    """How to connect to a database, and both names by which it is found."""

    uuid: str = Field(description="The database's UUID.")
    name: str = Field(description="Its name.")
    host: str | None = Field(None, description="Host to connect to.")
    port: int | None = Field(None, description="Port to connect to.")
    db_name: str | None = Field(None, description="Name of the database on its server.")
    db_username: str | None = Field(None, description="User to connect as.")
    db_password: Annotated[str | None, Secret()] = Field(None, description="That user's password.")
    connection_string: Annotated[str | None, Secret()] = Field(None, description="URL with user and password.")


class DatabaseCredentials(DataSource[GetDatabaseArgs, DatabaseCredentialsResult, Client]):
    """A database's credentials, read when they are needed and kept nowhere.

    With `store_credentials = false` on the database itself, its password is in no state and in no plan.
    """

    name = "database_credentials"
    arguments = GetDatabaseArgs
    result = DatabaseCredentialsResult

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        return GetDatabase().validate(args)

    def call(self, args: GetDatabaseArgs, ctx: Context[Client]) -> DatabaseCredentialsResult:
        found = GetDatabase().call(args, ctx)
        return DatabaseCredentialsResult.model_validate(found.model_dump())
