"""Apply the migrations of the control plane's tables."""

from __future__ import annotations

from importlib import resources

from controlplane.db.pool import Connection

_LOCK = 0x706F6C796B6F6D6F  # "polykomo": one process migrates at a time


def migrations() -> list[tuple[str, str]]:
    """Return the name and SQL of every migration, in order."""
    files = (resources.files(__package__) / "migrations").iterdir()
    return sorted((file.name, file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".sql"))


async def migrate(conn: Connection) -> list[str]:
    """Apply the missing migrations, each in its own transaction.

    Returns:
        The names of the applied migrations.
    """
    applied = []
    await conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        await conn.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL)"
        )
        done = {row["name"] for row in await conn.fetch_all("SELECT name FROM schema_migrations")}
        for name, text in migrations():
            if name in done:
                continue
            async with conn.transaction():
                # Our own packaged file, as trusted as a literal.
                await conn.execute(text)
                await conn.execute("INSERT INTO schema_migrations VALUES (%s, now())", (name,))
            applied.append(name)
    finally:
        await conn.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    return applied
