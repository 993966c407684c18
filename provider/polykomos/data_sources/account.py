"""Data sources about the account and the available engines."""

from __future__ import annotations

from polykomos.client import Client
from polykomos.data_sources.models import DatabaseType, GetAccountResult, GetDatabaseTypesResult
from polykomos.resources.conversions import shared_fields
from resourcekit.context import Context
from resourcekit.fields import Arguments
from resourcekit.resource import DataSource


class NoArguments(Arguments):
    """No arguments."""


class GetAccount(DataSource[NoArguments, GetAccountResult, Client]):
    """The provider's API key: its user, scopes and limits."""

    name = "get_account"

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetAccountResult:
        """Read the account."""
        account = ctx.api.get_account()
        user, key = account.user, account.api_key
        return GetAccountResult(
            user_name=user.name,
            user_email=user.email,
            key_name=key.name,
            key_preview=key.preview,
            key_status=key.status,
            permissions=key.permissions,
            **shared_fields(GetAccountResult, key.controls),
        )


class GetDatabaseTypes(DataSource[NoArguments, GetDatabaseTypesResult, Client]):
    """The available database engines and their regions."""

    name = "get_database_types"

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetDatabaseTypesResult:
        """Read the engines."""
        types = [DatabaseType(**shared_fields(DatabaseType, each)) for each in ctx.api.list_database_types()]
        return GetDatabaseTypesResult(database_types=types)
