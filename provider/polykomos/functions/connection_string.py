"""The function `parse_connection_string`."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel, Field

from resourcekit.errors import ResourceError
from resourcekit.fields import Arguments
from resourcekit.resource import ProviderFunction

_PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306}


class ConnectionStringArgs(Arguments):
    """The connection string."""

    connection_string: str = Field(description="URL such as `postgresql://user:password@host:5432/database`.")


class ConnectionParts(BaseModel):
    """The parts of a connection string, decoded."""

    scheme: str = Field(description="`postgresql` or `mysql`.")
    host: str = Field(description="Host.")
    port: int = Field(description="Port; the default port of the scheme if the URL has none.")
    username: str | None = Field(None, description="User.")
    password: str | None = Field(None, description="Password.")
    database: str | None = Field(None, description="Database.")
    parameters: dict[str, str] = Field(description="Parameters after the question mark.")


class ParseConnectionString(ProviderFunction[ConnectionStringArgs]):
    """Split a connection string, for resources with separate arguments for host, port and credentials."""

    name = "parse_connection_string"
    result = ConnectionParts

    def call(self, args: ConnectionStringArgs) -> ConnectionParts:
        """Return the parts of the connection string."""
        # No message repeats the URL: it contains a password.
        rule = "must be a URL such as postgresql://user:password@host:5432/database"
        try:
            parts = urlsplit(args.connection_string)
            port = parts.port
        except ValueError:
            raise ResourceError(rule, property="connection_string") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ResourceError(rule, property="connection_string")
        return ConnectionParts(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            username=_decoded(parts.username),
            password=_decoded(parts.password),
            database=_decoded(parts.path.removeprefix("/")),
            parameters=dict(parse_qsl(parts.query)),
        )


def _decoded(part: str | None) -> str | None:
    return unquote(part) if part else None
