"""Questions about databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from polykomos.client import Client
from polykomos.client import Database as ApiDatabase
from polykomos.data_sources.account import NoArguments
from polykomos.data_sources.lookup import get_by_uuid_or_name, require_exactly_one
from polykomos.data_sources.models import DatabaseSummary, GetDatabaseResult, GetDatabasesResult, RunQueryResult
from polykomos.resources.conversions import format_timestamp, reveal
from resourcekit.context import Context
from resourcekit.errors import CheckFailure
from resourcekit.fields import Arguments, Result, Secret
from resourcekit.resource import DataSource


class GetDatabaseArgs(Arguments):
    """Which database; exactly one is given."""

    uuid: str | None = Field(None, description="The database's UUID.")
    name: str | None = Field(None, description="Its name, when only one database has it.")


class GetDatabase(DataSource[GetDatabaseArgs, GetDatabaseResult, Client]):
    """One database with its credentials, found by `uuid` or by a name that only one database has."""

    name = "get_database"
    arguments = GetDatabaseArgs
    result = GetDatabaseResult

    def validate(self, args: Mapping[str, Any]) -> Iterable[CheckFailure]:
        return require_exactly_one(args, ("uuid", "name"))

    def call(self, args: GetDatabaseArgs, ctx: Context[Client]) -> GetDatabaseResult:
        found = get_by_uuid_or_name(
            "database",
            uuid=args.uuid,
            name=("name", args.name),
            list_all=ctx.api.iter_databases,
            get=ctx.api.get_database,
            way_out="names are not unique, give its `uuid`",
        )
        return GetDatabaseResult(
            **_summary(found),
            db_password=reveal(found.db_password),
            connection_string=reveal(found.connection_string),
        )


class GetDatabases(DataSource[NoArguments, GetDatabasesResult, Client]):
    """Every database that the API key may see, without credentials."""

    name = "get_databases"
    arguments = NoArguments
    result = GetDatabasesResult

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetDatabasesResult:
        return GetDatabasesResult(databases=[DatabaseSummary(**_summary(each)) for each in ctx.api.iter_databases()])


class RunQueryArgs(Arguments):
    """Where, and what is asked."""

    database_uuid: str = Field(description="The database to ask; it must be active.")
    query: str = Field(max_length=2000, description="The question in plain language, at most 2,000 characters.")


class RunQuery(DataSource[RunQueryArgs, RunQueryResult, Client]):
    """Ask a database in plain language: the API turns the question into SQL, checks it and runs it.

    Each run counts against the plan's daily limit. Where it stands for a value it runs at every preview and update: ask
    for what reads, and use a `BlueprintApplication` for what writes.
    """

    name = "run_query"
    arguments = RunQueryArgs
    result = RunQueryResult

    def call(self, args: RunQueryArgs, ctx: Context[Client]) -> RunQueryResult:
        answer = ctx.api.run_query(args.database_uuid, args.query)
        ctx.progress(f"ran {answer.sql}")
        return RunQueryResult(sql=answer.sql, result=answer.result, query_id=answer.query_id)


def _summary(database: ApiDatabase) -> dict[str, Any]:
    quotas = database.quotas
    same = ("uuid", "name", "status", "db_type", "region", "plan", "host", "port", "db_name", "db_username")
    return {
        **{name: getattr(database, name) for name in (*same, "team_id", "team_name")},
        "storage_hard_limit_gb": quotas.storage_hard_limit_gb if quotas else None,
        "connection_hard_limit": quotas.connection_hard_limit if quotas else None,
        "warning_threshold_pct": quotas.warning_threshold_pct if quotas else None,
        "created_at": format_timestamp(database.created_at),
        "updated_at": format_timestamp(database.updated_at),
    }


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
