"""Verifiers as PostgreSQL makes them."""

from __future__ import annotations

import base64
import re

import psycopg.pq
import pytest

from controlplane.engines.postgres.scram import verifier


@pytest.mark.parametrize("password", ["x", "a long one with spaces & signs '\"\\", "Abc123" * 20])
def test_the_same_as_libpqs_for_the_same_salt(password: str) -> None:
    conn = psycopg.pq.PGconn.connect_start(b"host=127.0.0.1 port=1")
    theirs = conn.encrypt_password(password.encode(), b"role", b"scram-sha-256").decode()
    salt = base64.b64decode(theirs.split(":")[1].split("$")[0])
    assert verifier(password, salt=salt) == theirs


def test_salts_differ_and_iterations_are_recorded() -> None:
    one, other = verifier("x", iterations=1), verifier("x", iterations=1)
    assert one != other
    assert re.fullmatch(r"SCRAM-SHA-256\$1:[^$]{24}\$[^:]{44}:.{44}", one)


def test_other_text_is_not_taken() -> None:
    with pytest.raises(UnicodeEncodeError):
        verifier("pässword")
