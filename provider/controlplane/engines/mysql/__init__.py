"""MySQL by a MariaDB server of our own: found on PATH, made, started when it is needed, ended with us."""
