from __future__ import annotations

import pytest

from resourcekit.redaction import Redactor, iter_strings


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("hunter2", 'type integer: "hunter2"', 'type integer: "[secret]"'),
        ("hunter2", "prefixhunter2suffix", "prefix[secret]suffix"),
        ("it's so", "near 'it''s so'", "near '[secret]'"),
        ('a "b" c', '{"v": "a \\"b\\" c"}', '{"v": "[secret]"}'),
        ("zoë-long", '{"v": "zo\\u00eb-long"}', '{"v": "[secret]"}'),
        # Short ones stand in other words by chance.
        ("1", 'statement 1: invalid: "1" (422, code_1)', 'statement 1: invalid: "[secret]" (422, code_1)'),
        ("yes", "Key (who)=(yes) exists yesterday", "Key (who)=([secret]) exists yesterday"),
        ("", "nothing", "nothing"),
        ("  ", "two  spaces", "two  spaces"),
    ],
)
def test_a_secret_is_taken_out_of_a_text(secret: str, text: str, shown: str) -> None:
    assert Redactor([secret]).redact(text) == shown


def test_of_two_the_longer_goes_first() -> None:
    assert Redactor(["hush", "hush-hush"]).redact("hush-hush hush") == "[secret] [secret]"


def test_values_that_show_one_are_known_at_any_depth() -> None:
    hidden = Redactor(["hunter2"])
    assert hidden.occurs_in([{"deep": ["x hunter2 y"]}])
    assert not hidden.occurs_in({"hunter2": ["hunter"], "n": None, "b": True})
    assert not Redactor().occurs_in("anything")


def test_the_texts_of_a_value_are_as_an_error_would_repeat_them() -> None:
    assert list(iter_strings({"a": ["x", 12345, 2.5, True, None], "b": {"c": "y"}})) == ["x", "12345", "2.5", "y"]
