"""What `polykomos dev` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """One control-plane process.

    data_dir: where PostgreSQL's files and the key are kept; None = a directory that vanishes at the end.
    database_url: superuser URL of a running PostgreSQL >= 15 used instead of an embedded one; tenants live there too.
    api_key: the key with every scope; None = the one kept in data_dir, or a new one.
    rate_limit: requests a minute of that key; 0 = none.
    pool_size: databases kept ready for instant assignment; 0 = none.
    provision_delay: seconds added to each cold provisioning.
    has_admin: whether `/_polykomos` (clock, faults, …) is there, for who has its token.
    loopback_webhooks: whether webhooks may go to this machine, which only development wants.
    strict: whether what only one of the two published documents allows is refused (docs/control-plane.md).
    seed: a JSON file of further users, teams, keys, plans and answers to queries (see account.seed).
    console: whether the page at `/` is served (to this machine only).
    free_queries: queries in plain language a day of a team on plan free; 0 = no limit.
    translator_url: base of an OpenAI-compatible API (…/v1) that translates them; None = the built-in patterns.
    translator_model: the model that it is asked for.
    detached: whether `polykomos dev --detach` started it.
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
    detached: bool = False
