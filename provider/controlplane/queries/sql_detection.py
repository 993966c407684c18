"""Detection of queries that are SQL already. Pure.

Plain language and SQL share their verbs ("select all users", "update contact 3 set email to x"), so the text after the
verb decides. SQL that is taken for plain language is not understood. Plain language that is taken for SQL is a syntax
error. Neither changes data.
"""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = r'(?:"(?:[^"]|"")+"|`[^`]+`|[^\s"(),;=]+)'
_COMMENTS: Final = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.DOTALL)
_SQL: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"select\s+(?!(?:all|every|the|each|me)\s+(?!.*\bfrom\b))\S.*",
        r"select\s*[*('\"].*",
        r"with\s+(?:recursive\s+)?\S+\s*(?:\([^)]*\)\s*)?as\s+(?:not\s+)?(?:materialized\s+)?\(.*",
        r"with\s+(?:recursive\s+)?\S+\s*(?:\([^)]*\)\s*)?as\s*\(.*",
        rf"insert\s+into\s+{_NAME}(?:\.{_NAME})*\s*(?:as\s+\S+\s*)?(?:\(.*|values\b.*|select\b.*|default\s+values.*)",
        rf"update\s+(?:only\s+)?{_NAME}\s*(?:as\s+)?(?:\w+\s+)?set\s+(?:{_NAME}\s*(?:\[.*\])?\s*=|\().*",
        rf"delete\s+from\s+(?:only\s+)?{_NAME}\s*(?:;.*|--.*|/\*.*|where\s.*|using\s.*|returning\s.*|)",
        r"merge\s+into\s.*",
        r"create\s+(?:or\s+replace\s+)?(?:temp|temporary|unlogged|unique|global|local)?\s*table\s+"
        rf"(?:if\s+not\s+exists\s+)?{_NAME}(?:\.{_NAME})?\s*(?:\(|as\s+(?:select|with|values|table|\()).*",
        r"create\s+(?:or\s+replace\s+)?(?:unique\s+|materialized\s+|temp\s+|temporary\s+|recursive\s+)*"
        r"(?:index|view)\s+.*(?:\son\s|\sas\s).*",
        r"create\s+(?:or\s+replace\s+)?(?:function|procedure|trigger|extension|role|user\s+\S+\s+with|database|schema|"
        r"sequence|type|domain|rule|policy|server|foreign|event|aggregate|operator|cast|publication|subscription|"
        r"tablespace|language|statistics|collation|group)\s+(?!(?:called|named)\b)\S.*",
        r"alter\s+(?:table|index|view|materialized|sequence|type|schema|domain|role|user|database|system|function|"
        r"default|server|extension|policy|publication|subscription|group|tablespace)\b.*",
        r"drop\s+(?:table|index|view|materialized|sequence|type|schema|domain|role|user|database|function|extension|"
        r"procedure|trigger|owned|server|policy|publication|subscription|tablespace|group|rule|statistics)\b.*",
        r"truncate\b.*",
        r"(?:values\s*\(|\(\s*(?:select|with|values|table)\b).*",
        rf"table\s+{_NAME}\s*;?",
        r"(?:begin|commit|rollback|abort|savepoint|vacuum|checkpoint|discard|listen|unlisten|notify|prepare|execute|"
        r"deallocate|reindex|cluster|analyze|grant|revoke|copy|call|do|lock|load|explain|declare|fetch|close|"
        r"reassign|security|import)\b(?!.*\?\s*\Z).*",
        r"(?:start\s+transaction|end\s*;?|release\s+savepoint|reset\s+\w+|comment\s+on)\b.*",
        r"end\s*;?\s*",
        r"set\s+(?:role|session|local|time\s+zone|constraints|transaction|global)\b.*",
        r"set\s+[\w.]+\s*=.*",
        rf"show\s+(?:all|server_version|search_path|timezone|{_NAME}_\w+)\s*;?",
    )
)


def looks_like_sql(text: str) -> bool:
    """Return whether a text is SQL, so that it goes to the safety check without translation."""
    body = _COMMENTS.sub("", text).strip()
    return any(pattern.fullmatch(body) for pattern in _SQL)
