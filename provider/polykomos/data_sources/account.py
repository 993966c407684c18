"""Data sources about the account and the available engines."""

from __future__ import annotations

from polykomos.client import Client
from polykomos.data_sources.models import DatabaseType, GetAccountResult, GetDatabaseTypesResult, Region
from resourcekit.context import Context
from resourcekit.fields import Arguments
from resourcekit.resource import DataSource


class NoArguments(Arguments):
    """No arguments."""


class GetAccount(DataSource[NoArguments, GetAccountResult, Client]):
    """The provider's API key: its user, scopes and limits."""

    name = "get_account"
    arguments = NoArguments
    result = GetAccountResult

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
            requests_per_minute=key.controls.requests_per_minute,
            monthly_quota=key.controls.monthly_quota,
            allowed_ip_list=key.controls.allowed_ip_list,
            inactive_ttl_days=key.controls.inactive_ttl_days,
        )


class GetDatabaseTypes(DataSource[NoArguments, GetDatabaseTypesResult, Client]):
    """The available database engines and their regions."""

    name = "get_database_types"
    arguments = NoArguments
    result = GetDatabaseTypesResult

    def call(self, args: NoArguments, ctx: Context[Client]) -> GetDatabaseTypesResult:
        """Read the engines."""
        return GetDatabaseTypesResult(
            database_types=[
                DatabaseType(
                    value=engine.value,
                    label=engine.label,
                    is_provisionable=engine.is_provisionable,
                    is_available=engine.is_available,
                    regions=[
                        Region(code=region.code, label=region.label, is_available=region.is_available)
                        for region in engine.regions
                    ],
                )
                for engine in ctx.api.list_database_types()
            ]
        )
