"""The key's account and queries in plain language (operations 1 and 10)."""

from __future__ import annotations

import hashlib

from polykomos.client._base import ApiGroup, parse, path_segment
from polykomos.client.models import Account, QueryExecution
from polykomos.client.retry import RetrySafety
from polykomos.client.setting_values import is_loopback


class AccountApi(ApiGroup):
    """Calls about the account."""

    def whose(self) -> Account:
        """Return whose key it is, asked once for all threads and operations of this client."""
        return parse(Account, self._transport.me().get("data"))

    def account_id(self) -> str | None:
        """Return a fingerprint of the key's account at this service; None where the API does not report whose it is.

        It is a hash: engines store it in plain text, and an address is nobody else's business.
        """
        user = self.whose().user
        name = user.email or user.name
        if not name:
            return None
        host = self._transport.host
        parts = ["polykomos account", "localhost" if is_loopback(host) else host.lower(), name.strip().lower()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    def get_account(self) -> Account:
        """Whose key it is, its scopes and limits."""
        return parse(Account, self._transport.request_json("GET", "/me").get("data"))

    def run_query(self, database_uuid: str, query: str) -> QueryExecution:
        """Have a question turned into SQL and run. It may write, so it is never repeated blindly.

        The failure of the SQL itself is a ServerError with the code `query_execution_failed` and `details["sql"]`.
        """
        body = {"database_uuid": path_segment(database_uuid), "query": query}
        answer = self._transport.request_json(
            "POST", "/query_executions", json=body, safety=RetrySafety.UNSAFE, server_wait=60
        )
        return parse(QueryExecution, answer)
