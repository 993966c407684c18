"""MySQL on an embedded MariaDB server: found on PATH, started on first use, stopped with this process."""
