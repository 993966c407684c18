"""Data sources about databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from polykomos.client import Client
from polykomos.data_sources.account import NoArguments
from polykomos.data_sources.lookup import get_by_uuid_or_name, require_exactly_one
from polykomos.data_sources.models import DatabaseSummary, GetDatabaseResult, GetDatabasesResult, RunQueryResult
from polykomos.resources.conversions import database_fields, shared_fields
from resourcekit.context import Context
from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments, Result, Secret
from resourcekit.resource import DataSource


class GetDatabaseArgs(Arguments):
    """The database to read; exactly one argument is set."""

    uuid: str | None = Field(None, description="The database's UUID.")
    name: str | None = Field(None, description="Its name, if only one database has it.")


class GetDatabase(DataSource[GetDatabaseArgs, GetDatabaseResult, Client]):
    """One database with its credentials, by `uuid`, or by a `name` that only one database has."""

    name = "get_database"

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Yield a failure unless exactly one argument is set."""
        return require_exactly_one(args, ("uuid", "name"))

    def call(self, args: GetDatabaseArgs, ctx: Context[Client]) -> GetDatabaseResult:
        """Read the database."""
        database = get_by_uuid_or_name(
            "database",
            uuid=args.uuid,
            name=("name", args.name),
            list_all=ctx.api.iter_databases,
            get=ctx.api.get_database,
            way_out="names are not unique, set `uuid` instead",
        )
        return GetDatabaseResult(**database_fields(GetDatabaseResult, database))


class GetDatabases(DataSource[NoArguments, GetDatabasesResult, Client]):
    """Every database that the API key may see, without credentials."""

    name = "get_databases"

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetDatabasesResult:
        """Read the list of databases."""
        databases = [DatabaseSummary(**database_fields(DatabaseSummary, each)) for each in ctx.api.iter_databases()]
        return GetDatabasesResult(databases=databases)


class RunQueryArgs(Arguments):
    """The database and the question."""

    database_uuid: str = Field(description="UUID of the database, which must be active.")
    query: str = Field(max_length=2000, description="The question in plain language, at most 2,000 characters.")


class RunQuery(DataSource[RunQueryArgs, RunQueryResult, Client]):
    """Ask a database in plain language: the API turns the question into SQL, checks it and runs it.

    Each run counts against the plan's daily limit. As a function or data source it runs in every update: use it for
    questions that read data, and a `BlueprintApplication` for changes. Terraform and OpenTofu run a data source in a
    plan too. Pulumi does not run the function in a preview: its results are null there.
    """

    name = "run_query"
    runs_in_preview = False

    def call(self, args: RunQueryArgs, ctx: Context[Client]) -> RunQueryResult:
        """Run the query."""
        execution = ctx.api.run_query(args.database_uuid, args.query)
        ctx.progress(f"ran {execution.sql}")
        return RunQueryResult(**shared_fields(RunQueryResult, execution))


class DatabaseCredentialsResult(Result):
    """The credentials of a database, its UUID and its name."""

    uuid: str = Field(description="The database's UUID.")
    name: str = Field(description="Its name.")
    host: str | None = Field(None, description="Host to connect to.")
    port: int | None = Field(None, description="Port to connect to.")
    db_name: str | None = Field(None, description="Name of the database on its server.")
    db_username: str | None = Field(None, description="User to connect as.")
    db_password: Annotated[str | None, Secret()] = Field(None, description="That user's password.")
    connection_string: Annotated[str | None, Secret()] = Field(None, description="URL with user and password.")


class DatabaseCredentials(DataSource[GetDatabaseArgs, DatabaseCredentialsResult, Client]):
    """A database's credentials, read when they are needed and stored nowhere.

    With `store_credentials = false` on the database too, its password is in no state and no plan.
    """

    name = "database_credentials"

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        """Yield a failure unless exactly one argument is set."""
        return GetDatabase().validate(args)

    def call(self, args: GetDatabaseArgs, ctx: Context[Client]) -> DatabaseCredentialsResult:
        """Read the credentials."""
        result = GetDatabase().call(args, ctx)
        return DatabaseCredentialsResult.model_validate(result.model_dump())
