"""The control plane's own state: tables in PostgreSQL, created by numbered migrations."""
