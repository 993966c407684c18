"""An embedded PostgreSQL server: found, initialised, started and stopped under our own supervision."""
