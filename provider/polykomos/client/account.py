"""The key's account and queries in plain language (operations 1 and 10)."""

from __future__ import annotations

import hashlib

from polykomos.client._base import ApiGroup, parse, path_segment
from polykomos.client.api import LIMIT, ME
from polykomos.client.models import Account, QueryExecution
from polykomos.client.setting_values import is_loopback
from resourcekit.http.retry import RetrySafety


class AccountApi(ApiGroup):
    """Calls about the account."""

    def whose(self) -> Account:
        """Return the key's account, requested once for all threads and operations of this client."""
        return parse(Account, self._transport.rate_limit(LIMIT).get("data"))

    def account_id(self) -> str | None:
        """Return a fingerprint of the key's account at this service, or None if the API does not report the account.

        It is a hash, because engines store it in plain text, and an e-mail address is personal data.
        """
        user = self.whose().user
        name = user.email or user.name
        if not name:
            return None
        host = self._transport.host
        parts = ["polykomos account", "localhost" if is_loopback(host) else host.lower(), name.strip().lower()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    def get_account(self) -> Account:
        """Read the key's account, scopes and limits."""
        return parse(Account, self._transport.request_json("GET", ME).get("data"))

    def run_query(self, database_uuid: str, query: str) -> QueryExecution:
        """Run a question in plain language as SQL. The SQL may write, so the call is not retried without a check.

        Raises:
            ServerError: The SQL failed; the code is `query_execution_failed`, and `details["sql"]` contains the SQL.
        """
        body = {"database_uuid": path_segment(database_uuid), "query": query}
        response = self._transport.request_json(
            "POST", "/query_executions", json=body, safety=RetrySafety.UNSAFE, server_wait=60
        )
        return parse(QueryExecution, response)
