"""The key's account and queries in plain language (operations 1 and 10)."""

from __future__ import annotations

from polykomos.client.calls import Calls, parse, segment
from polykomos.client.models import Account, QueryExecution
from polykomos.client.retry import Safety


class AccountCalls(Calls):
    """Calls about the account."""

    def get_account(self) -> Account:
        """Whose key it is, its scopes and limits."""
        return parse(Account, self._transport.call("GET", "/me").get("data"))

    def run_query(self, database_uuid: str, query: str) -> QueryExecution:
        """Have a question turned into SQL and run. It may write, so it is never repeated blindly.

        The failure of the SQL itself is a ServerError with the code `query_execution_failed` and `details["sql"]`.
        """
        body = {"database_uuid": segment(database_uuid), "query": query}
        answer = self._transport.call("POST", "/query_executions", json=body, safety=Safety.UNSAFE, server_wait=60)
        return parse(QueryExecution, answer)
