"""Built-in patterns and answers that are set: what matches, and as what; what does not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.blueprints.dialects import MYSQL, POSTGRES, Dialect
from controlplane.blueprints.mysql.splitter import split as split_mysql
from controlplane.blueprints.splitter import split
from controlplane.queries import patterns
from controlplane.queries.errors import SqlError, TranslationError, UnsafeSqlError
from controlplane.queries.patterns import translate
from controlplane.queries.safety import check_safety
from controlplane.queries.schema import Schema
from controlplane.queries.sql_detection import looks_like_sql
from controlplane.query_answers import QueryAnswer, find_answer, first_duplicate, query_key
from support.sample_schema import SHOP, table

NOW = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
TABLES = "FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA()"
UNDERSTOOD = {
    # The samples of the API reference, as it prints their SQL.
    "show all contacts from Acme Corp": """SELECT * FROM "contacts" WHERE "company" = 'Acme Corp' LIMIT 100""",
    "add contact Bob with email bob@example.com": (
        """INSERT INTO "contacts" ("name", "email") VALUES ('Bob', 'bob@example.com')"""
    ),
    "show all customers created this month": (
        """SELECT * FROM "customers" WHERE "created_at" >= '2026-12-01' AND "created_at" < '2027-01-01' LIMIT 100"""
    ),
    "SHOW  me all the\nCustomers from 'Peru'?": """SELECT * FROM "customers" WHERE "country" = 'Peru' LIMIT 100""",
    "list order items": 'SELECT * FROM "order_items" LIMIT 100',
    "show Order-Items": 'SELECT * FROM "order_items" LIMIT 100',
    "get contact": 'SELECT * FROM "contacts" LIMIT 100',
    "show companies": 'SELECT * FROM "companies" LIMIT 100',
    "show company": 'SELECT * FROM "companies" LIMIT 100',
    "show all contacts from 'A  and  B'": """SELECT * FROM "contacts" WHERE "company" = 'A  and  B' LIMIT 100""",
    "show tables": f"SELECT table_name {TABLES} ORDER BY table_name LIMIT 100",
    "How many tables are there?": f"SELECT COUNT(*) AS count {TABLES}",
    "count orders": 'SELECT COUNT(*) AS count FROM "orders"',
    "how many orders are there": 'SELECT COUNT(*) AS count FROM "orders"',
    'add a new contact "Bob, and more" with email b@x.de, company Acme Corp': (
        """INSERT INTO "contacts" ("name", "email", "company") VALUES ('Bob, and more', 'b@x.de', 'Acme Corp')"""
    ),
    "add contact with email b@x.de and company '007'": (
        """INSERT INTO "contacts" ("email", "company") VALUES ('b@x.de', '007')"""
    ),
    "delete order 2": 'DELETE FROM "orders" WHERE "id" = 2',
    "delete the contact Bob": """DELETE FROM "contacts" WHERE "name" = 'Bob'""",
}
NOT_UNDERSTOOD = [
    "", "hello", "contacts", "top 5 customers by total spend", "show all contacts from",
    "show all contacts from last week", "show all contacts from Monday", "show all contacts from Acme, Peru",
    "show all contacts from Acme created this month", "show all contacts created this month",
    "show all customers created last month", "show all contacts where name is Bob", "show orders limit 3",
    "show all contacts or orders", "count orders by status", "how many orders for customer Ann", "add contact",
    "add contact bob", "add contact Bob with", "add contact Bob with email", "add contact Bob with name Al",
    "add contact Bob with email a b", "add contact Bob and Al with email x", "add order Lamp", "delete order",
    "delete orders", "delete all orders", "delete order 2 and 3", "delete order -1", "delete orders from 2025",
    "delete contact bob", "drop the contacts table", "update contact 3 set email to x",
    "set status to lost for order 3",
]  # fmt: skip


def sql(text: str, schema: Schema = SHOP, dialect: Dialect = POSTGRES) -> str:
    return translate(text, schema, dialect, NOW).sql


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD.items())
def test_the_sql_of_a_pattern(text: str, expected: str) -> None:
    assert sql(text) == expected
    assert not looks_like_sql(text)


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_any_other_text_is_not_understood(text: str) -> None:
    with pytest.raises(TranslationError, match=r"\.$"):
        sql(text)


def test_the_file_stays_small() -> None:
    """Decision 0012: what it does not cover is an answer to set, not another rule."""
    assert len(Path(patterns.__file__).read_text(encoding="utf-8").splitlines()) < 200


def test_a_row_beyond_the_limit_is_looked_for_where_the_pattern_added_it() -> None:
    assert translate("list contacts", SHOP, POSTGRES, NOW).beyond == 'SELECT * FROM "contacts" LIMIT 1 OFFSET 100'
    assert translate("count contacts", SHOP, POSTGRES, NOW).beyond is None


def test_two_tables_that_match_are_not_guessed_at() -> None:
    both = Schema((table("orders", "id"), table("order", "id")))
    assert sql("show all orders", both) == 'SELECT * FROM "orders" LIMIT 100', "an exact name goes before"
    with pytest.raises(TranslationError, match="Several tables match 'Orders'"):
        sql("show all Orders", both)


def test_mysql_has_its_own_quotes() -> None:
    assert sql("show all contacts from 'a\\'", dialect=MYSQL).endswith("`company` =  _utf8mb4 x'615c' LIMIT 100")
    assert sql("list tables", dialect=MYSQL).count("DATABASE()") == 1


WORDS = st.sampled_from(
    ["show", "all", "contacts", "orders", "from", "with", "and", "add", "delete", "Bob", "email", "count", "tables",
     ",", "'", '"', "''", "\\", ";", "--", "/*", "$$", "created", "this month", "3", "'a b'", '"x;y"', "`", "name"]
)  # fmt: skip
TEXTS = st.one_of(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), st.text(max_size=60))


@settings(max_examples=600)
@given(TEXTS, st.sampled_from([POSTGRES, MYSQL]))
def test_one_safe_statement_and_no_write_without_its_verb(text: str, dialect: Dialect) -> None:
    try:
        found = translate(text, SHOP, dialect, NOW)
    except TranslationError:
        return
    statements = split if dialect is POSTGRES else split_mysql
    checked = check_safety(found.sql, split=statements)  # neither unsafe nor an open quote
    assert len(checked.statements) == 1
    if checked.kind != "select":
        assert text.strip().lower().startswith(("add ", "delete "))
    if found.beyond is not None:
        assert check_safety(found.beyond, split=statements).kind == "select"


@settings(max_examples=300)
@given(st.text(min_size=1, max_size=40).filter(lambda text: not set(text) & {"\x00", '"', "\\"}))
def test_a_quoted_value_comes_out_as_it_went_in(value: str) -> None:
    found = sql(f'show all contacts from "{value}"')
    assert found == """SELECT * FROM "contacts" WHERE "company" = '{}' LIMIT 100""".format(value.replace("'", "''"))


@settings(max_examples=500)
@given(TEXTS)
def test_the_check_judges_any_text(text: str) -> None:
    try:
        checked = check_safety(text, split=split)
    except (UnsafeSqlError, SqlError):
        return
    assert checked.kind in ("select", "write", "ddl_batch")


# Answers that are set


def test_the_key_of_a_text() -> None:
    assert query_key(" Straße\u00a0 X\n") == query_key("STRASSE x") != query_key("strassex")


def test_which_answer_is_found() -> None:
    every, own = QueryAnswer(query="q", sql="1"), QueryAnswer(query="Q", sql="2", db_type="mysql")
    for answers in ([every, own], [own, every]):
        assert (find_answer(answers, "q", "mysql"), find_answer(answers, "q", "postgres")) == ("2", "1")
    assert find_answer([own], "q", "postgres") is None
    assert first_duplicate([every, own]) is None
    assert first_duplicate([every, own, QueryAnswer(query=" q", sql="3")]) == 2
