"""The pure functions: connection strings, signatures, and rendering as the API does it."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.blueprints.dialects import DIALECTS as API_DIALECTS
from controlplane.blueprints.lexer import LexError
from controlplane.blueprints.variables import VariableError, parse_definitions
from controlplane.blueprints.variables import render as render_at_the_api
from polykomos.functions.connection_string import ConnectionStringArgs, ParseConnectionString
from polykomos.functions.render_blueprint import RenderArgs, RenderBlueprint, render
from polykomos.functions.sql_dialects import DIALECTS, Engine
from polykomos.functions.verify_webhook_signature import SignatureArgs, VerifyWebhookSignature
from polykomos.resources.blueprint.schema import normalize_variables
from resourcekit.errors import ResourceError


def parsed(url: str) -> dict[str, Any]:
    return ParseConnectionString().call(ConnectionStringArgs(connection_string=url)).model_dump()


@given(user=st.text(min_size=1), password=st.text(min_size=1), database=st.text(min_size=1))
def test_every_part_comes_back_decoded(user: str, password: str, database: str) -> None:
    user_, password_, database_ = (quote(part, safe="") for part in (user, password, database))
    found = parsed(f"postgresql://{user_}:{password_}@db-7.example.com:6543/{database_}")
    assert (found["username"], found["password"], found["database"]) == (user, password, database)
    assert (found["host"], found["port"], found["parameters"]) == ("db-7.example.com", 6543, {})


def test_what_may_be_left_out() -> None:
    assert parsed("mysql://h") == {
        "scheme": "mysql", "host": "h", "port": 3306, "username": None, "password": None, "database": None,
        "parameters": {},
    }  # fmt: skip
    assert parsed("postgresql://[::1]/x?sslmode=require&a=b%20c")["parameters"] == {"sslmode": "require", "a": "b c"}


@pytest.mark.parametrize("url", ["", "x", "https://u:hidden@h/x", "postgresql:///x", "postgresql://u:hidden@h:port/x"])
def test_an_invalid_connection_string_is_rejected_without_showing_it(url: str) -> None:
    with pytest.raises(ResourceError) as failure:
        parsed(url)
    assert "hidden" not in str(failure.value)
    assert failure.value.property == "connection_string"


def test_signatures() -> None:
    secret, body = "whsec_ä", '{"a": "ü"}'
    good = "sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    verify = VerifyWebhookSignature().call
    assert verify(SignatureArgs(secret=secret, body=body, signature=good))
    for wrong in (good.upper(), good[:-1], good.removeprefix("sha256="), "", "ä"):
        assert not verify(SignatureArgs(secret=secret, body=body, signature=wrong))
    assert not verify(SignatureArgs(secret=secret, body=body + " ", signature=good))


DEFINITIONS = {
    "s": {"type": "string"},
    "n": {"type": "number", "default": 5},
    "b": {"type": "boolean"},
    "i": {"type": "identifier", "required": True},
    "d": "a default",
}
PIECES = st.sampled_from(
    ["{{s}}", "{{ n }}", "{{b}}", "{{i}}", "{{d}}", "{{nope}}", "'", "''", '"', "E'", "\\", "$$", "$t$", "--", "/*",
     "*/", "\n", "\r", ";", " ", "SELECT", "rate", "e", "1-", "{{", "}}", "\u00a0", "ä", "U&'", "x$1", "`", "``", "#",
     "-- ", "x'", "\\'", '\\"', ".", "..", "1.", "1", "$", "a"]
)  # fmt: skip
# What quoting is about, more often than chance would have it.
WORDS = st.one_of(st.sampled_from(["it's", "a\\b", 'say "hi"', "'; --", "a`b", "a\nb", "x" * 64]), st.text(max_size=5))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "s": WORDS, "n": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
        "b": st.booleans(), "i": WORDS, "d": st.one_of(WORDS, st.integers()),
    },
)  # fmt: skip


@pytest.mark.parametrize("engine", DIALECTS)
@given(sql=st.lists(PIECES, max_size=12).map("".join), values=VALUES)
def test_rendering_is_the_apis(engine: Engine, sql: str, values: dict[str, Any]) -> None:
    """Wherever the API renders, this renders the same; where it refuses a value, this does, too."""
    joins = False
    try:
        api = API_DIALECTS[engine]
        theirs: str | None = render_at_the_api(sql, parse_definitions(DEFINITIONS), values, api.tokens, api.literals)
    except LexError:
        return  # an open quote: the API refuses the SQL itself
    except VariableError as error:
        theirs, joins = None, "runs together" in str(error)
    try:
        ours: str | None = render(sql, normalize_variables(DEFINITIONS), values, DIALECTS[engine])
    except ResourceError:
        ours = None
    # The API also refuses values of variables that the SQL does not use.
    assert ours == theirs or (theirs is None and not joins)


def test_a_function_says_which_argument_is_wrong() -> None:
    def call(sql: str, values: Any, variables: Any) -> str:
        return RenderBlueprint().call(RenderArgs(sql_content=sql, values=values, variables=variables))

    assert call("SELECT {{a}}", {"a": "x"}, None) == "SELECT 'x'"
    assert call("SELECT {{a}}", None, {"a": {"default": "y"}}) == "SELECT 'y'"
    for arguments, property_ in (
        (("{{a}}", None, None), "values"),
        (("{{a}}", {"a": 5}, None), "values"),
        (("{{a}}", {"a": "x"}, {}), "values"),
        (("{{a}}", None, {}), "variables"),
    ):
        with pytest.raises(ResourceError) as failure:
            call(*arguments)
        assert failure.value.property == property_


def test_values_are_written_as_the_engine_reads_them() -> None:
    """A string of PostgreSQL's with a backslash, and a name in its quotes, mean something else to MySQL, or nothing."""
    sql = "INSERT INTO {{table}} (n, path) VALUES (1-{{n}}, {{path}});"
    values = {"table": "my files", "n": -1, "path": "C:\\temp"}
    variables: Any = {"table": {"type": "identifier"}, "n": {"type": "number"}, "path": {"type": "string"}}

    def call(engine: Engine | None) -> str:
        arguments = RenderArgs(sql_content=sql, values=values, variables=variables, engine=engine)
        return RenderBlueprint().call(arguments)

    postgres = """INSERT INTO "my files" (n, path) VALUES (1- -1,  E'C:\\\\temp');"""
    assert call(None) == call("postgres") == postgres
    assert call("mysql") == "INSERT INTO `my files` (n, path) VALUES (1-(-1),  _utf8mb4 x'433a5c74656d70');"
