"""Functions that a query may not call: they reach beyond the tenant's rows, or run text as SQL. Pure.

The server rejects most of them for the tenant's role too. This check comes before the query runs, and gives a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FILES: Final = "it reads or writes the server's files or large objects"
_NETWORK: Final = "it reaches other servers"
_SESSIONS: Final = "it acts on sessions or the server"
_SLEEP: Final = "it only waits"
_SETTINGS: Final = "it changes the session's settings"
_RUNS_TEXT: Final = "it runs text as SQL, which escapes this check"
_LOCKS: Final = "it takes locks that other sessions wait for"

# Reasons by the beginning of a function's name. The first match applies.
_PREFIXES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("pg_read_", "pg_ls_", "pg_stat_file", "pg_file_", "pg_current_logfile", "lo_"), _FILES),
    **dict.fromkeys(("loread", "lowrite", "pg_logdir", "load_file"), _FILES),
    **dict.fromkeys(("dblink", "postgres_fdw_", "http_", "http", "net_", "curl_"), _NETWORK),
    **dict.fromkeys(("pg_sleep", "sleep", "benchmark", "pg_wait_"), _SLEEP),
    **dict.fromkeys(("pg_terminate_", "pg_cancel_", "pg_reload_conf", "pg_rotate_", "pg_switch_wal"), _SESSIONS),
    **dict.fromkeys(("pg_promote", "pg_backup_", "pg_stop_", "pg_start_", "pg_create_", "pg_drop_"), _SESSIONS),
    **dict.fromkeys(("pg_replication_", "pg_logical_", "pg_copy_", "pg_wal_replay_", "pg_stat_reset"), _SESSIONS),
    **dict.fromkeys(("pg_log_backend_", "pg_notify", "pg_export_snapshot", "pg_import_system_"), _SESSIONS),
    **dict.fromkeys(("pg_advisory_", "pg_try_advisory_", "get_lock", "release_lock"), _LOCKS),
    **dict.fromkeys(("set_config", "setseed"), _SETTINGS),
    **dict.fromkeys(("query_to_xml", "cursor_to_xml", "table_to_xml", "schema_to_xml", "database_to_xml"), _RUNS_TEXT),
    **dict.fromkeys(("crosstab", "connectby", "ts_stat", "ts_rewrite", "sys_exec", "sys_eval"), _RUNS_TEXT),
}
_EXACT: Final = frozenset({"sleep", "benchmark", "http", "loread", "lowrite"})


def forbidden_function_reason(name: str) -> str | None:
    """Return why a query may not call a function, or None if it may. The name is in lower case, without its schema."""
    for prefix, reason in _PREFIXES.items():
        if name == prefix or (prefix not in _EXACT and name.startswith(prefix)):
            return reason
    return None
