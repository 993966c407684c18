"""The control plane's own state: tables in PostgreSQL, moved forward by numbered migrations."""
