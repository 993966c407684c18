from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.blueprints.dialects import POSTGRES
from controlplane.blueprints.mysql.literals import LITERALS
from controlplane.blueprints.parsed_sql import read
from controlplane.blueprints.variables import VariableError, parse_definitions, render, sample_values


def rendered(sql: str, definitions: dict[str, Any], values: dict[str, Any] | None = None) -> str:
    return render(sql, parse_definitions(definitions), values)


@pytest.mark.facts("S16")
def test_values_enter_by_their_types() -> None:
    definitions = {
        "s": {"type": "string"},
        "n": {"type": "number"},
        "b": {"type": "boolean"},
        "i": {"type": "identifier"},
    }
    values = {"s": "it's", "n": -3, "b": True, "i": 'a "b"'}
    assert rendered("{{s}},1-{{n}},{{ b }},{{i}}", definitions, values) == '\'it\'\'s\',1- -3,true,"a ""b"""'
    assert rendered("1-{{n}}", definitions, {"n": -0.0}) == "1- -0.0", "not a comment"
    assert rendered("{{s}}", definitions, {"s": "a\\b"}) == " E'a\\\\b'"


@pytest.mark.parametrize("digits", ["9007199254740993", "0.12345678901234567890", "-9223372036854775808", "007"])
def test_a_number_in_a_string_keeps_all_its_digits(digits: str) -> None:
    number = {"n": {"type": "number"}}
    assert rendered("1-{{n}}", number, {"n": digits}).removeprefix("1-").strip() == digits
    assert rendered("{{n}}", {"n": {"type": "number", "default": digits}}).strip() == digits
    mysql = render("1-{{n}}", parse_definitions(number), {"n": digits}, literals=LITERALS)
    assert mysql.removeprefix("1-").strip("()") == digits
    assert "--" not in mysql


@pytest.mark.facts("S16")
def test_only_outside_of_quotes_and_comments() -> None:
    sql = "SELECT {{x}}, '{{x}}', \"{{x}}\", $$ {{x}} $$, E'{{x}}' -- {{x}}\n /* {{x}} */"
    assert rendered(sql, {"x": 1}) == sql.replace("{{x}}", "1", 1)
    assert list(read(POSTGRES, sql, None).variables) == ["x"]


@pytest.mark.facts("S16")
@pytest.mark.parametrize(
    ("sql", "definitions", "values", "name", "told"),
    [
        ("{{x}}", {}, {}, "x", "does not define"),
        ("{{x}}", {"x": {}}, {}, "x", "no default"),
        ("SELECT 1", {"x": {"required": True}}, {}, "x", "required"),
        ("{{x}}", {"x": 1}, {"y": 2}, "y", "does not define"),
        ("{{x}}", {"x": 1}, {"x": "a"}, "x", "a number, or its digits in a string"),
        ("{{x}}", {"x": 1}, {"x": "1e3"}, "x", "a number"),
        ("{{x}}", {"x": 1}, {"x": "NaN"}, "x", "a number"),
        ("{{x}}", {"x": 1}, {"x": "1; DROP TABLE t"}, "x", "a number"),
        ("{{x}}", {"x": 1}, {"x": "٣"}, "x", "a number"),
        ("{{x}}", {"x": 1}, {"x": "1\n"}, "x", "a number"),
        ("{{x}}", {"x": {"type": "boolean"}}, {"x": 1}, "x", "a boolean"),
        ("{{x}}", {"x": {"type": "identifier"}}, {"x": "a" * 64}, "x", "1-63"),
        ("{{x}}", {"x": {"type": "identifier"}}, {"x": ""}, "x", "1-63"),
        ("{{x}}", {"x": {"type": "number", "default": "a"}}, {}, "x", "a number"),
        ("{{x}}", {"x": {"type": "date"}}, {}, "x", "string, number"),
        ("{{x}}", {"x": {"tpye": "string"}}, {}, "x", "tpye"),
        ("{{x}}", {"x": [1]}, {}, "x", "definition"),
        ("{{x}}", {"x": {"required": 1}}, {}, "x", "required"),
        ("SELECT 1", {"x y": 1}, {}, "x y", "letters"),
    ],
)
def test_what_cannot_be_used_names_its_variable(sql: str, definitions: Any, values: Any, name: str, told: str) -> None:
    with pytest.raises(VariableError) as refused:
        rendered(sql, definitions, values)
    assert refused.value.name == name
    assert told in str(refused.value)


@pytest.mark.facts("S16")
def test_defaults_and_samples() -> None:
    assert rendered("{{a}} {{b}}", {"a": "x", "b": {"default": 2, "type": "number"}}, {"a": "y"}) == "'y' 2"
    definitions = parse_definitions({"a": {"type": "identifier"}, "b": 7, "c": {"required": True}})
    assert sample_values(definitions) == {"a": "sample", "b": 7, "c": "sample"}


@given(st.text().filter(lambda text: "\x00" not in text))
def test_no_string_escapes_its_literal(value: str) -> None:
    literal = rendered("{{x}}", {"x": {}}, {"x": value}).strip()
    body = literal.removeprefix("E")[1:-1]
    assert body.replace("\\\\", "").replace("''", "").count("'") == 0
    back = body.replace("''", "'")
    assert (back.replace("\\\\", "\\") if literal.startswith("E") else back) == value
