"""The PostgreSQL server that holds both the control plane's tables and the tenants' databases.

One server for both on purpose: handing out a database (rename, password, limits) and the row that says so are
then one transaction, and cannot disagree after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row

from controlplane.db.pool import Connection

CONTROL_DATABASE = "polykomos_control"


@dataclass(frozen=True)
class Server:
    """Where it listens and the superuser's name and password.

    options: further libpq parameters (sslmode and the like) of a server given by URL.
    has_ended: whether it is known to be gone for good.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    has_ended: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)

    @classmethod
    def from_url(cls, url: str) -> Server:
        """Read a libpq URL or conninfo; raises psycopg.ProgrammingError on a malformed one."""
        facts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
        facts.pop("dbname", None)
        return cls(
            host=facts.pop("host", "127.0.0.1"),
            port=int(facts.pop("port", "5432")),
            user=facts.pop("user", "postgres"),
            password=facts.pop("password", ""),
            options=tuple(facts.items()),
        )

    def conninfo(
        self,
        dbname: str,
        *,
        user: str | None = None,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> str:
        """The libpq connection string of one database. It holds the password: never log it.

        settings: of the session; they take precedence over those of the role and the database.
        """
        given = dict(self.options)
        options = [given.pop("options", ""), *(f"-c {name}={value}" for name, value in (settings or {}).items())]
        parameters: dict[str, str | int] = {
            "connect_timeout": 10,
            "application_name": "polykomos",
            **given,
            "options": " ".join(filter(None, options)),
            # Else a role's own default would decide in what our texts are read.
            "client_encoding": "UTF8",
            "host": self.host,
            "port": self.port,
            "user": user or self.user,
            "dbname": dbname,
        }
        secret = self.password if user is None else password
        if secret:
            parameters["password"] = secret
        return make_conninfo("", **parameters)

    async def connect(
        self,
        dbname: str,
        *,
        user: str | None = None,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Connection:
        """A connection of its own (autocommit, dict rows); the caller closes it."""
        conninfo = self.conninfo(dbname, user=user, password=password, settings=settings)
        return await AsyncConnection[DictRow].connect(conninfo, autocommit=True, row_factory=dict_row)

    async def connect_within(self, dbname: str) -> Connection:
        """The superuser's connection to a tenant's database; the caller closes it.

        Names are looked up in pg_catalog alone: a function or an operator of the tenant's would run with the rights of
        the superuser. No lock of the tenant's keeps it waiting for longer than a second.
        """
        return await self.connect(
            dbname,
            settings={"search_path": "pg_catalog,pg_temp", "lock_timeout": "1000", "statement_timeout": "60000"},
        )
