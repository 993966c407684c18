"""The options of `polykomos dev`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """The settings of one control-plane process.

    Attributes:
        host: The name or address to listen on.
        port: The port to listen on; 0 = a free one.
        data_dir: The directory of PostgreSQL's files and the key. None = a directory that is removed at the end.
        database_url: The superuser URL of a running PostgreSQL >= 15 to use instead of an embedded one. Tenants live
            there too.
        api_key: The key with every scope. None = the one stored in `data_dir`, or a new one.
        rate_limit: Requests per minute of that key; 0 = no limit.
        pool_size: Databases to have ready for instant assignment; 0 = none.
        provision_delay: Seconds added to each cold provisioning.
        has_admin: Whether `/_polykomos` (clock, faults, …) is served, to callers with the admin token.
        loopback_webhooks: Whether webhooks may go to this machine. Useful for development only.
        strict: Whether to reject what only one of the two published documents allows (docs/control-plane.md).
        seed: A JSON file of further users, teams, keys, plans and answers to queries (see account.seed).
        console: Whether the page at `/` is served (to this machine only).
        free_queries: Queries in plain language per day for a team on plan free; 0 = no limit.
        translator_url: The base of an OpenAI-compatible API (…/v1) that translates queries. None = built-in patterns.
        translator_model: The model of that API.
        detached: Whether `polykomos dev --detach` started the process.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    data_dir: Path | None = None
    database_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    rate_limit: int = 120
    pool_size: int = 2
    provision_delay: float = 0.0
    has_admin: bool = True
    loopback_webhooks: bool = True
    strict: bool = False
    seed: Path | None = None
    console: bool = True
    free_queries: int = 10
    translator_url: str | None = None
    translator_model: str = "gpt-4o-mini"
    vendors: tuple[str, ...] = ()  # further APIs to serve, by name
    detached: bool = False
