"""A shop's schema, as a translator sees it and as SQL that makes it."""

from __future__ import annotations

from controlplane.queries.schema import Column, Schema, Table

DDL = """
CREATE TABLE companies (id serial PRIMARY KEY, name text, city text, country text);
CREATE TABLE contacts (id serial PRIMARY KEY, name text, email text, company text);
CREATE TABLE customers (id serial PRIMARY KEY, name text, email text, country text, active boolean,
  created_at timestamptz);
CREATE TABLE orders (id serial PRIMARY KEY, customer_id integer REFERENCES customers (id), amount numeric, status text,
  created_at timestamptz, shipped_at date);
CREATE TABLE order_items (id serial PRIMARY KEY, order_id integer REFERENCES orders (id), product text,
  quantity integer, price numeric);
"""


def table(name: str, columns: str, *, primary_key: str | None = "id") -> Table:
    """`columns`: names of text columns."""
    return Table(name, tuple(Column(column, "text") for column in columns.split()), primary_key)


SHOP = Schema(
    (
        table("companies", "id name city country"),
        table("contacts", "id name email company"),
        table("customers", "id name email country active created_at"),
        table("order_items", "id order_id product quantity price"),
        table("orders", "id customer_id amount status created_at shipped_at"),
    )
)
