"""A shop's schema, as a translator sees it and as SQL that makes it."""

from __future__ import annotations

from controlplane.queries.translation.schema import Column, ForeignKey, Schema, Table

DDL = """
CREATE TABLE companies (id serial PRIMARY KEY, name text, city text, country text);
CREATE TABLE contacts (id serial PRIMARY KEY, name text, email text, company text);
CREATE TABLE customers (id serial PRIMARY KEY, name text, email text, country text, active boolean,
  created_at timestamptz);
CREATE TABLE orders (id serial PRIMARY KEY, customer_id integer REFERENCES customers (id), amount numeric, status text,
  created_at timestamptz, shipped_at date);
CREATE TABLE users (id serial PRIMARY KEY, name text, email text, country text, active boolean,
  company_id integer REFERENCES companies (id), created_at timestamptz);
CREATE TABLE order_items (id serial PRIMARY KEY, order_id integer REFERENCES orders (id), product text,
  quantity integer, price numeric);
"""
_TYPES = {"int": "integer", "num": "numeric", "bool": "boolean", "at": "timestamp with time zone", "date": "date"}


def table(name: str, columns: str, *keys: tuple[str, str, str], primary_key: str | None = "id") -> Table:
    """`columns`: names, with `:type` where it is not text."""
    made = []
    for each in columns.split():
        column, _, type_ = each.partition(":")
        made.append(Column(column, _TYPES.get(type_, "text")))
    return Table(name, tuple(made), primary_key, tuple(ForeignKey(*key) for key in keys))


SHOP = Schema(
    (
        table("companies", "id:int name city country"),
        table("contacts", "id:int name email company"),
        table("customers", "id:int name email country active:bool created_at:at"),
        table("order_items", "id:int order_id:int product quantity:int price:num", ("order_id", "orders", "id")),
        table(
            "orders",
            "id:int customer_id:int amount:num status created_at:at shipped_at:date",
            ("customer_id", "customers", "id"),
        ),
        table(
            "users",
            "id:int name email country active:bool company_id:int created_at:at",
            ("company_id", "companies", "id"),
        ),
    )
)
