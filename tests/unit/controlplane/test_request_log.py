"""The pieces of the request log: masking, bounds, the curl line."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controlplane.request_log.curl import as_curl
from controlplane.request_log.recorder import MOST, Entry, Recorder
from controlplane.request_log.redaction import LONGEST_BODY, redact_body, redact_path, redact_text, redact_url

ENTRY = Entry(
    at=datetime(2026, 2, 10, tzinfo=UTC),
    request_id="req_1",
    key_id=1,
    key_preview="pk_live_••••••••0000",
    method="GET",
    target="/api/v1/me",
    operation="getMe",
    status=200,
    code=None,
    ms=1.0,
    headers={},
    request_body=None,
    request_is_cut=False,
    response_body="{}",
    response_is_cut=False,
)


def masked(value: object) -> Any:
    return json.loads(redact_body(value).json)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"db_password": "hush", "name": "n"}, {"db_password": "***", "name": "n"}),
        ({"db_password": None}, {"db_password": None}),
        ({"db_password": 'hu"sh\\', "secret": "hush"}, {"db_password": "***", "secret": "***"}),
        ({"db_password": 7, "secret": ["hush"]}, {"db_password": "***", "secret": "***"}),
        ({"db_password": "hush", "password": "hush"}, {"db_password": "***", "password": "***"}),
        ({"text": '"db_password": "shown"'}, {"text": '"db_password": "shown"'}),
        ({"a": "x://y:", "b": "c@d", "e": "x://u:hu\\sh@h"}, {"a": "x://y:", "b": "c@d", "e": "x://u:***@h"}),
        ({"api_key": {"api_key": "hush"}}, {"api_key": {"api_key": "***"}}),
        ({"a": [{"secret": "whsec_x"}]}, {"a": [{"secret": "***"}]}),
        (
            {"connection_string": "postgresql://u1:hu%sh@h:1/d"},
            {"connection_string": "postgresql://u1:***@h:1/d"},
        ),
        ({"variables": {"who": "hush", "n": 1}}, {"variables": {"who": "***", "n": "***"}}),
        ({"blueprint_variables": {"who": {"default": "hush"}}}, {"blueprint_variables": {"who": "***"}}),
        ({"variable_values": {"who": "hush"}}, {"variable_values": {"who": "***"}}),
        ({"variables": "hush"}, {"variables": "***"}),
        ({"variables": ["hush"]}, {"variables": "***"}),
        ({"variables": None}, {"variables": None}),
        ({"message": "key pk_live_0123 and whsec_4567!"}, {"message": "key pk_live_*** and whsec_***"}),
        ({"preview": "pk_live_••••••••0000"}, {"preview": "pk_live_••••••••0000"}),
        ({"api_key": {"name": "k", "token": "t"}}, {"api_key": {"name": "k", "token": "***"}}),
        ({"api_key": "hush"}, {"api_key": "***"}),
        ({"password": {"deep": ["hush"]}}, {"password": "***"}),
        ({"result": {"rows": [{"a": "hush"}, {}], "rowCount": 2}}, {"result": {"rows": "*** 2 rows", "rowCount": 2}}),
        (
            {"execution_log": [{"sql_preview": "SELECT 'hush'", "error": "hush", "index": 0}], "error_message": "hush"},
            {"execution_log": [{"sql_preview": "***", "error": "***", "index": 0}], "error_message": "***"},
        ),
        ({"database_uuid": "u", "query": "SELECT 'hush'"}, {"database_uuid": "u", "query": "***"}),
        ({"success": True, "sql": "SELECT 'hush'", "query_id": 7}, {"success": True, "sql": "***", "query_id": 7}),
        (
            {"error": {"code": "c", "message": "hush", "details": {"query_id": 7, "sql": "hush", "hint": "hush"}}},
            {"error": {"code": "c", "message": "***", "details": {"query_id": 7, "sql": "***", "hint": "***"}}},
        ),
        (
            {"error": {"code": "c", "message": "m", "details": {"field": "query", "hint": "h"}}},
            {"error": {"code": "c", "message": "m", "details": {"field": "query", "hint": "h"}}},
        ),
        ({"error_message": "No answer."}, {"error_message": "No answer."}),
        ({"error": {"code": "c", "message": "m"}}, {"error": {"code": "c", "message": "m"}}),
        ({"url": "https://h/x?token=hush"}, {"url": "https://h/x?token=***"}),
        ([1, 2.5, True, None, "x"], [1, 2.5, True, None, "x"]),
        (float("inf"), "inf"),
        ("\ud800\x00", "\ud800\x00"),
    ],
)
def test_secrets_are_masked_and_nothing_else(value: object, expected: object) -> None:
    assert masked(value) == expected
    assert redact_body(value).is_cut is False
    redact_body(value).json.encode()  # what PostgreSQL takes


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/hook", "https://example.com/hook"),
        ("https://example.com:8443/a/b?c=d&e=", "https://example.com:8443/a/b?c=***&e=***"),
        ("https://u:hush@example.com/", "https://example.com/"),
        (
            "https://hooks.example.com/services/T0001/B0002/abcdefghijklmnop1234",
            "https://hooks.example.com/services/T0001/B0002/***",
        ),
        ("https://example.com/a-long-path-of-several-words", "https://example.com/a-long-path-of-several-words"),
        ("https://example.com/#hush", "https://example.com/"),
        ("https://[broken", "***"),
    ],
)
def test_a_webhooks_url_is_shown_without_what_lets_others_in(url: str, expected: str) -> None:
    assert redact_url(url) == expected


def test_the_query_keeps_the_values_of_the_apis_own_parameters() -> None:
    query = "limit=2&starting_after=x%2Fy&wait=true&timeout=3&api_key=hush&x"
    expected = "limit=2&starting_after=x%2Fy&wait=true&timeout=3&api_key=***&x=***"
    assert redact_path("/api/v1/databases", query) == f"/api/v1/databases?{expected}"
    assert redact_path("/api/v1/pk_live_hush", "") == "/api/v1/pk_live_***"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30000),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example])
@given(values)
def test_logged_bodies_are_bounded_json(value: object) -> None:
    result = redact_body(value)
    assert len(result.json.encode()) <= LONGEST_BODY
    json.loads(result.json)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1_000_000,
        "\x00" * 100_000,
        "\ud800" * 100_000,
        ["x" * 100] * 10_000,
        [0] * 1_000_000,
        {str(number): number for number in range(100_000)},
        {"x" * 100_000: 1, "y" * 100_000: 2},
        {"variables": {"x" * 20: 0} | {str(number): 0 for number in range(100_000)}},
        {"url": "https://h/?" + "&".join(f"{n}=v" for n in range(100_000))},
    ],
    ids=lambda value: type(value).__name__,
)
def test_large_bodies_are_cut_and_say_so(value: object) -> None:
    result = redact_body(value)
    assert result.is_cut
    assert LONGEST_BODY / 4 < len(result.json.encode()) <= LONGEST_BODY
    assert "…" in result.json
    json.loads(result.json)


def test_deep_bodies_are_cut() -> None:
    value: object = {"token": "deepest"}
    for _ in range(500):
        value = [value]
    assert redact_body(value).is_cut
    assert "deepest" not in redact_body(value).json
    for _ in range(100_000):
        value = [value]
    assert redact_body(value).is_cut


def test_text_without_secrets_stays() -> None:
    text = "postgresql://host:5432/name, a whsecond, pk_life_x, 12:30 @noon"
    assert redact_text(text) == text


def curl_arguments(line: str) -> list[str]:
    """The arguments that a real shell gives to curl."""
    shown = subprocess.run(
        ["sh", "-c", f"curl() {{ printf '%s\\0' \"$@\"; }}\n{line}\n"],
        env={**os.environ, "POLYKOMOS_API_KEY": "pk_live_$(x)", "POLYKOMOS_BASE_URL": "http://h/api/v1"},
        capture_output=True,
        check=True,
    )
    assert shown.stderr == b""
    return shown.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


def test_a_get_in_full() -> None:
    assert as_curl(ENTRY) == (
        'curl -sS --globoff --path-as-is "$POLYKOMOS_BASE_URL"/me -H "Authorization: Bearer $POLYKOMOS_API_KEY"'
    )


# What a shell cannot be given at all: NUL. What a stored entry cannot hold: lone surrogates.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=40)


@settings(max_examples=60)
@given(body=texts, query=texts, key=texts.filter(bool), method=st.sampled_from(["POST", "PATCH", "DELETE"]))
def test_a_shell_hears_what_was_sent(body: str, query: str, key: str, method: str) -> None:
    entry = dataclasses.replace(
        ENTRY,
        method=method,
        target=f"/api/v1/databases?{query}",
        headers={"idempotency-key": key, "content-type": "application/json"},
        request_body=json.dumps(body, ensure_ascii=False),
    )
    # fmt: off
    assert curl_arguments(as_curl(entry)) == [
        "-sS", "-X", method, "--globoff", "--path-as-is", f"http://h/api/v1/databases?{query}",
        "-H", "Authorization: Bearer pk_live_$(x)", "-H", f"Idempotency-Key: {key}",
        "-H", "Content-Type: application/json", "--data-raw", json.dumps(body, ensure_ascii=False),
    ]
    # fmt: on


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"request_body": '{"variables": "***"}'}, "# Secrets are not stored: fill in what *** stands for."),
        ({"target": "/api/v1/me?api_key=***"}, "# Secrets are not stored: fill in what *** stands for."),
        ({"request_body": "{}", "request_is_cut": True}, "# The body was too long to be stored whole"),
        ({"headers": {"content-length": "7"}}, "# The body was not read as JSON and is not stored."),
    ],
)
def test_what_must_be_filled_in_is_said_in_a_comment(changes: dict[str, Any], remark: str) -> None:
    first, line = as_curl(dataclasses.replace(ENTRY, **changes)).splitlines()
    assert first.startswith(remark)
    assert line.startswith("curl ")


def test_a_full_queue_keeps_the_newest() -> None:
    recorder = Recorder()
    late = [dataclasses.replace(ENTRY, request_id=str(number)) for number in range(MOST, MOST + 3)]
    recorder.requeue(late)
    recorder.requeue([dataclasses.replace(ENTRY, request_id=str(number)) for number in range(MOST)])
    taken = recorder.drain()
    assert [entry.request_id for entry in taken] == [str(number) for number in range(3, MOST + 3)]
    assert recorder.drain() == []
