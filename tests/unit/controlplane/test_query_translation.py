"""Plain language into SQL by rules: what is understood, and as what; what is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.blueprints.splitting import split
from controlplane.queries.failures import NotUnderstood, SqlFailed, Unsafe
from controlplane.queries.raw import looks_like_sql
from controlplane.queries.safety import check
from controlplane.queries.translation.dialects import MYSQL
from controlplane.queries.translation.schema import Column, Schema, Table
from controlplane.queries.translation.translate import translate
from support.shop import SHOP, table

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # a Monday
OF_CUSTOMER = '"linked"."customer_id" = "customers"."id"'
ORDERS_OF = f'FROM "orders" AS "linked" WHERE {OF_CUSTOMER}'
RANKED = f'FROM "customers" JOIN "orders" AS "linked" ON {OF_CUSTOMER} GROUP BY "customers"."id", "customers"."name"'
COUNT = 'COUNT(*) AS "count"'

# What stands between SELECT * FROM and LIMIT 100.
LISTS = {
    # the reference's own example, printed like this there
    "show all contacts from Acme Corp": """"contacts" WHERE "company" = 'Acme Corp'""",
    'contacts from "acme corp"': """"contacts" WHERE "company" = 'acme corp'""",
    "contacts from acme corp": """"contacts" WHERE LOWER("company") = 'acme corp'""",
    "please show me all the contacts": '"contacts"',
    "list contacts": '"contacts"',
    "get every contact": '"contacts"',
    "display contacts": '"contacts"',
    "find all contacts": '"contacts"',
    "show order items for order 3": '"order_items" WHERE "order_id" = 3',
    "users from company Acme Corp":
        """"users" WHERE "company_id" IN (SELECT "id" FROM "companies" WHERE "name" = 'Acme Corp')""",
    # several columns could be meant: a row counts that matches in any
    "users from Germany": """"users" WHERE ("company_id" IN (SELECT "id" FROM "companies" WHERE "name" = 'Germany')"""
        """ OR "country" = 'Germany')""",
    "users in Berlin": """"users" WHERE "country" = 'Berlin'""",
    "who are our customers in Germany": """"customers" WHERE "country" = 'Germany'""",
    "orders for customer 3": '"orders" WHERE "customer_id" = 3',
    "orders of Jane Doe":
        """"orders" WHERE "customer_id" IN (SELECT "id" FROM "customers" WHERE "name" = 'Jane Doe')""",
    "orders over 100": '"orders" WHERE "amount" > 100',
    "orders over $1,000.50": '"orders" WHERE "amount" > 1000.50',
    "orders between 10 and 20": '"orders" WHERE "amount" BETWEEN 10 AND 20',
    "orders with amount at most 5": '"orders" WHERE "amount" <= 5',
    "users created today": """"users" WHERE "created_at" >= '2026-11-23 00:00:00+00'"""
        """ AND "created_at" < '2026-11-24 00:00:00+00'""",
    "users created last week": """"users" WHERE "created_at" >= '2026-11-16 00:00:00+00'"""
        """ AND "created_at" < '2026-11-23 00:00:00+00'""",
    # the reference's second example
    "show all customers created this month": """"customers" WHERE "created_at" >= '2026-11-01 00:00:00+00'"""
        """ AND "created_at" < '2026-12-01 00:00:00+00'""",
    "users created in 2025": """"users" WHERE "created_at" >= '2025-01-01 00:00:00+00'"""
        """ AND "created_at" < '2026-01-01 00:00:00+00'""",
    "users since 2025-01-01": """"users" WHERE "created_at" >= '2025-01-01 00:00:00+00'""",
    "users created before March 5, 2025": """"users" WHERE "created_at" < '2025-03-05 00:00:00+00'""",
    "users created in the last 30 days": """"users" WHERE "created_at" >= '2026-10-24 15:00:00+00'"""
        """ AND "created_at" < '2026-11-23 15:00:01+00'""",
    "orders shipped in the last 2 days":
        """"orders" WHERE "shipped_at" >= '2026-11-21' AND "shipped_at" < '2026-11-24'""",
    "orders that are older than a week": """"orders" WHERE "created_at" < '2026-11-16 15:00:00+00'""",
    "orders placed more than 30 days ago": """"orders" WHERE "created_at" < '2026-10-24 15:00:00+00'""",
    "orders shipped yesterday": """"orders" WHERE "shipped_at" >= '2026-11-22' AND "shipped_at" < '2026-11-23'""",
    "customers without orders": f'"customers" WHERE NOT EXISTS (SELECT 1 {ORDERS_OF})',
    "customers with orders": f'"customers" WHERE EXISTS (SELECT 1 {ORDERS_OF})',
    "which customers have more than 3 orders": f'"customers" WHERE (SELECT COUNT(*) {ORDERS_OF}) > 3',
    "users without email": '"users" WHERE "email" IS NULL',
    "users whose name starts with A": """"users" WHERE "name" ILIKE 'A%' ESCAPE '!'""",
    "users where email contains 50%_off!": """"users" WHERE "email" ILIKE '%50!%!_off%' ESCAPE '!'""",
    "users where email does not contain gmail": """"users" WHERE NOT "email" ILIKE '%gmail%' ESCAPE '!'""",
    "active users": '"users" WHERE "active" = TRUE',
    "inactive users": '"users" WHERE "active" = FALSE',
    "users that are not active": '"users" WHERE "active" = FALSE',
    "shipped orders": """"orders" WHERE LOWER("status") = 'shipped'""",
    "order 42": '"orders" WHERE "id" = 42',
    "order #42": '"orders" WHERE "id" = 42',
    "contact Jane O'Brien": """"contacts" WHERE "name" = 'Jane O''Brien'""",
    "orders where status is shipped or pending":
        """"orders" WHERE (LOWER("status") = 'shipped' OR LOWER("status") = 'pending')""",
    "orders where status = 'shipped' and amount > 100": """"orders" WHERE "status" = 'shipped' AND "amount" > 100""",
    "users ordered by name": '"users" ORDER BY "name"',
    "users since yesterday newest first":
        """"users" WHERE "created_at" >= '2026-11-22 00:00:00+00' ORDER BY "created_at" DESC""",
}  # fmt: skip
WHOLE = {
    "how many orders are there?": f'SELECT {COUNT} FROM "orders"',
    "count users by country": f'SELECT "country", {COUNT} FROM "users" GROUP BY "country" ORDER BY 2 DESC LIMIT 100',
    "how many users in Germany": f"""SELECT {COUNT} FROM "users" WHERE "country" = 'Germany'""",
    "count orders by customer": f'SELECT "linked"."name", {COUNT} FROM "orders" JOIN "customers" AS "linked" ON'
        ' "linked"."id" = "orders"."customer_id" GROUP BY "linked"."id", "linked"."name" ORDER BY 2 DESC LIMIT 100',
    "top 5 customers by total spend": 'SELECT "customers"."id", "customers"."name", SUM("linked"."amount") AS "total"'
        f' {RANKED} ORDER BY SUM("linked"."amount") DESC LIMIT 5',
    "top 3 customers by number of orders":
        f'SELECT "customers"."id", "customers"."name", {COUNT} {RANKED} ORDER BY COUNT(*) DESC LIMIT 3',
    "top 5 orders by amount": 'SELECT * FROM "orders" ORDER BY "amount" DESC LIMIT 5',
    "total amount by status":
        'SELECT "status", SUM("amount") AS "total" FROM "orders" GROUP BY "status" ORDER BY 2 DESC LIMIT 100',
    "average order amount": 'SELECT AVG("amount") AS "average" FROM "orders"',
    "max amount of orders": 'SELECT MAX("amount") AS "maximum" FROM "orders"',
    "minimum price of order items": 'SELECT MIN("price") AS "minimum" FROM "order_items"',
    "latest 10 orders": 'SELECT * FROM "orders" ORDER BY "created_at" DESC LIMIT 10',
    "latest order": 'SELECT * FROM "orders" ORDER BY "created_at" DESC LIMIT 1',
    "show me the 5 most recent orders": 'SELECT * FROM "orders" ORDER BY "created_at" DESC LIMIT 5',
    "names and emails of users": 'SELECT "name", "email" FROM "users" LIMIT 100',
    "distinct countries of users": 'SELECT DISTINCT "country" FROM "users" LIMIT 100',
    "orders over 100 sorted by amount desc limit 5":
        'SELECT * FROM "orders" WHERE "amount" > 100 ORDER BY "amount" DESC LIMIT 5',
    "list tables": "SELECT table_name FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA()"
        " ORDER BY table_name LIMIT 100",
    # the reference's INSERT
    "add contact Bob with email bob@example.com":
        """INSERT INTO "contacts" ("name", "email") VALUES ('Bob', 'bob@example.com')""",
    "add a contact named Jane Doe with email jane@example.com":
        """INSERT INTO "contacts" ("name", "email") VALUES ('Jane Doe', 'jane@example.com')""",
    "insert into contacts name Bob, email bob@example.com":
        """INSERT INTO "contacts" ("name", "email") VALUES ('Bob', 'bob@example.com')""",
    "add order with customer 3 and amount 1,000.5": 'INSERT INTO "orders" ("customer_id", "amount") VALUES (3, 1000.5)',
    "update contact Jane Doe set email to x@y.z":
        """UPDATE "contacts" SET "email" = 'x@y.z' WHERE "name" = 'Jane Doe'""",
    "set status to shipped for order 42": """UPDATE "orders" SET "status" = 'shipped' WHERE "id" = 42""",
    "change status of order 3 to 'lost and found'":
        """UPDATE "orders" SET "status" = 'lost and found' WHERE "id" = 3""",
    "mark order 42 as shipped": """UPDATE "orders" SET "status" = 'shipped' WHERE "id" = 42""",
    "update all users set active to true where country is Germany":
        """UPDATE "users" SET "active" = TRUE WHERE "country" = 'Germany'""",
    "set status to shipped for all orders": """UPDATE "orders" SET "status" = 'shipped' WHERE TRUE""",
    "delete order 42": 'DELETE FROM "orders" WHERE "id" = 42',
    "delete all orders": 'DELETE FROM "orders" WHERE TRUE',
    "delete orders where status is cancelled": """DELETE FROM "orders" WHERE LOWER("status") = 'cancelled'""",
    "create a table called tasks with title, due date and done flag":
        'CREATE TABLE "tasks" ("id" SERIAL PRIMARY KEY, "title" TEXT, "due_date" DATE,'
        ' "done" BOOLEAN NOT NULL DEFAULT FALSE)',
    "create a table called invoices with customer and amount":
        'CREATE TABLE "invoices" ("id" SERIAL PRIMARY KEY, "customer_id" INTEGER REFERENCES "customers" ("id"),'
        ' "amount" NUMERIC); CREATE INDEX "invoices_customer_id_idx" ON "invoices" ("customer_id")',
}  # fmt: skip


def sql(text: str, schema: Schema = SHOP) -> str:
    return translate(text, schema, NOW).sql


@pytest.mark.parametrize("text", LISTS)
def test_a_list(text: str) -> None:
    assert sql(text) == f"SELECT * FROM {LISTS[text]} LIMIT 100"


@pytest.mark.parametrize("text", WHOLE)
def test_a_question_or_an_order(text: str) -> None:
    assert sql(text) == WHOLE[text]


@pytest.mark.parametrize("text", [*LISTS, *WHOLE])
def test_what_is_made_passes_the_check(text: str) -> None:
    assert not looks_like_sql(text)
    kind = check(sql(text), split=split).kind
    assert kind == {"SELECT": "select", "CREATE": "ddl_batch"}.get(sql(text).split()[0], "write")


@pytest.mark.parametrize(
    "text",
    [
        "show everything", "what is love", "show contacts; drop table contacts", "show users and orders", "hello",
        "set status to shipped", "update order 3", "add contact", "delete users from Germany", "delete frogs",
        "orders where amount is many", "delete order 42 and user 3", "total revenue", "add user Bob from Mars",
        "create a contacts table with name", "create a table", "delete user Bob or all", "users created 2025-02-31",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_told_with_what_would_be(text: str) -> None:
    with pytest.raises(NotUnderstood, match=r"Tables here: companies, contacts, .*'create a table|create a table"):
        sql(text)


@pytest.mark.parametrize(
    "text",
    ["drop the contacts table", "delete table contacts", "truncate contacts", "empty the orders table",
     "delete orders", "delete the contacts", "set status to shipped for orders", "wipe everything"],
)  # fmt: skip
def test_what_destroys_is_refused(text: str) -> None:
    with pytest.raises(Unsafe):
        sql(text)


def test_more_than_the_limit_can_be_found_out() -> None:
    found = translate("active users", SHOP, NOW)
    assert found.beyond == 'SELECT * FROM "users" WHERE "active" = TRUE LIMIT 1 OFFSET 100'
    assert translate("users limit 5", SHOP, NOW).beyond is None, "what was asked for is not cut off"


def test_mysql() -> None:
    def mysql(text: str) -> str:
        return translate(text, SHOP, NOW, dialect=MYSQL).sql

    assert mysql('contacts from "O\'Brien\\"') == r"SELECT * FROM `contacts` WHERE `company` = 'O''Brien\\' LIMIT 100"
    assert mysql("users whose name starts with A") == (
        "SELECT * FROM `users` WHERE LOWER(`name`) LIKE 'a%' ESCAPE '!' LIMIT 100"
    )
    assert mysql("users since 2025-01-01").endswith("`created_at` >= '2025-01-01 00:00:00' LIMIT 100")
    assert mysql("create a table called notes with done flag") == (
        "CREATE TABLE `notes` (`id` INT AUTO_INCREMENT PRIMARY KEY, `done` BOOLEAN NOT NULL DEFAULT FALSE)"
    )


def test_names_in_any_form() -> None:
    odd = Schema(
        (
            table("OrderLines", "id:int unitPrice:num"),
            table("people", "id:int full_name"),
            Table('we"ird', (Column("se lect", "text"), Column("state", "mood", labels=("Sad", "OK"))), None),
        )
    )
    assert sql("order lines with unit price over 5", odd) == (
        'SELECT * FROM "OrderLines" WHERE "unitPrice" > 5 LIMIT 100'
    )
    assert sql("person Jane", odd) == """SELECT * FROM "people" WHERE "full_name" = 'Jane' LIMIT 100"""
    assert sql('show `we"ird` where state is sad', odd) == (
        """SELECT * FROM "we""ird" WHERE "state" = 'Sad' LIMIT 100"""
    )


# Whatever is said

VERBS = ("add", "insert", "create", "register", "save", "store", "new", "put", "update", "change", "set", "mark",
         "modify", "edit", "rename", "make", "assign", "delete", "remove", "erase")  # fmt: skip
WORDS = st.sampled_from(
    [
        *" ".join([*LISTS, *WHOLE]).split(),
        "'",
        '"',
        ";",
        "--",
        "/*",
        "$$",
        "\\",
        "');",
        "drop",
        "table",
        "or",
        "1=1",
        "(",
    ]
)
TEXTS = st.one_of(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), st.text(max_size=60))
BEGUN = st.tuples(st.sampled_from([*LISTS, *WHOLE]), TEXTS).map(" ".join)


@settings(max_examples=600, deadline=None)
@given(st.one_of(TEXTS, BEGUN))
def test_one_statement_and_no_write_without_a_verb(text: str) -> None:
    try:
        found = sql(text)
        beyond = translate(text, SHOP, NOW).beyond
    except (NotUnderstood, Unsafe):
        return
    checked = check(found, split=split)  # nothing that is made is refused, or has an open quote
    assert len(checked.statements) == 1 or checked.kind == "ddl_batch"
    if checked.kind != "select":
        assert any(verb in text.lower() for verb in VERBS)
    if beyond is not None:
        assert check(beyond, split=split).kind == "select"


@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=40).filter(lambda text: "\x00" not in text))
def test_a_quoted_value_comes_out_as_it_went_in(value: str) -> None:
    if '"' in value:
        return
    found = sql(f'contacts from "{value}"')
    assert found == """SELECT * FROM "contacts" WHERE "company" = '{}' LIMIT 100""".format(value.replace("'", "''"))


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_the_check_judges_any_text(text: str) -> None:
    try:
        checked = check(text, split=split)
    except (Unsafe, SqlFailed):
        return
    assert checked.kind in ("select", "write", "ddl_batch")
