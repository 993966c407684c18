"""The PostgreSQL server of both the control plane's tables and the tenants' databases.

There is one server for both on purpose. Assigning a database (rename, password, limits) and the row that says so are
then one transaction, and cannot disagree after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from controlplane.db.pool import Connection

CONTROL_DATABASE = "polykomos_control"


@dataclass(frozen=True)
class Server:
    """The address of the server, and the superuser's name and password."""

    host: str  # its name or address
    port: int
    user: str
    password: str = field(repr=False)
    # Further libpq parameters (sslmode and the like) of a server given by URL.
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    # Returns whether the server is known to have ended.
    has_ended: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)

    @classmethod
    def from_url(cls, url: str) -> Server:
        """Read a libpq URL or conninfo.

        Raises:
            psycopg.ProgrammingError: It is malformed.
        """
        parameters = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
        parameters.pop("dbname", None)
        return cls(
            host=parameters.pop("host", "127.0.0.1"),
            port=int(parameters.pop("port", "5432")),
            user=parameters.pop("user", "postgres"),
            password=parameters.pop("password", ""),
            options=tuple(parameters.items()),
        )

    def conninfo(
        self,
        dbname: str,
        *,
        user: str | None = None,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> str:
        """Return the libpq connection string of one database. It contains the password: never log it.

        Args:
            dbname: The database.
            user: None = the superuser.
            password: The password of `user`.
            settings: Settings of the session; they take precedence over those of the role and the database.
        """
        server_options = dict(self.options)
        options = [
            server_options.pop("options", ""),
            *(f"-c {name}={value}" for name, value in (settings or {}).items()),
        ]
        parameters: dict[str, str | int] = {
            "connect_timeout": 10,
            "application_name": "polykomos",
            **server_options,
            "options": " ".join(filter(None, options)),
            # Otherwise a role's default would decide the encoding of our texts.
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
        """Open a new connection (autocommit, dict rows). The caller closes it."""
        conninfo = self.conninfo(dbname, user=user, password=password, settings=settings)
        return await Connection.connect(conninfo, autocommit=True, row_factory=dict_row)

    async def connect_within(self, dbname: str) -> Connection:
        """Open the superuser's connection to a tenant's database. The caller closes it.

        Names are looked up in pg_catalog alone: a function or operator of the tenant would run with the rights of the
        superuser. A lock of the tenant delays it for a second at most.
        """
        return await self.connect(
            dbname,
            settings={"search_path": "pg_catalog,pg_temp", "lock_timeout": "1000", "statement_timeout": "60000"},
        )
