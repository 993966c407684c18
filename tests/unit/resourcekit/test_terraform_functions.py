"""Provider functions: optional arguments, and what happens when one fails unexpectedly."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import pytest
from pydantic import Field

from resourcekit.fields import Arguments, Variadic
from resourcekit.package import Package
from resourcekit.resource import ProviderFunction
from resourcekit.terraform.cty.msgpack import pack, unpack
from resourcekit.terraform.protocol import tfplugin6_pb2 as pb
from resourcekit.terraform.rpc.function import FunctionRpcs
from resourcekit.terraform.session import TerraformSession


class SawArgs(Arguments):
    wood: str = Field(description="What to saw.")
    times: Annotated[int | None, Variadic()] = Field(None, description="How often.")


class Saw(ProviderFunction[SawArgs]):
    """Saws."""

    name = "saw"
    result = str

    def call(self, args: SawArgs) -> str:
        if args.wood == "petrified":
            raise KeyError("hunter2")
        return f"{args.wood} {args.times}"


class Workshop(Package[None]):
    @property
    def functions(self) -> tuple[ProviderFunction[Any], ...]:
        return (Saw(),)


@pytest.fixture
def calculations() -> FunctionRpcs:
    return FunctionRpcs(TerraformSession(Workshop("workshop", "1", "Workshop", "A workshop.", "x", Arguments, {}, ())))


def call(calculations: FunctionRpcs, *arguments: Any) -> pb.CallFunction.Response:
    given = [pb.DynamicValue(msgpack=pack(each)) for each in arguments]
    reply: pb.CallFunction.Response = calculations.CallFunction(
        pb.CallFunction.Request(name="saw", arguments=given), None
    )
    return reply


def test_an_optional_argument_is_a_variadic_parameter(calculations: FunctionRpcs) -> None:
    signature = calculations.signatures()["saw"]
    assert [each.name for each in signature.parameters] == ["wood"]
    assert signature.variadic_parameter.name == "times"
    assert unpack(call(calculations, "oak").result.msgpack) == "oak None"
    assert unpack(call(calculations, "oak", 3).result.msgpack) == "oak 3"
    assert call(calculations, "oak", 3, 4).error.text == "takes 1 to 2 arguments, not 3"
    assert call(calculations).error.text == "takes 1 to 2 arguments, not 0"
    wrong = call(calculations, "oak", "often").error
    assert (wrong.text, wrong.function_argument) == ("times: must be a number", 1)


def test_an_unexpected_exception_is_logged_without_its_text(
    calculations: FunctionRpcs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert call(calculations, "petrified").error.text == "internal error (KeyError); please report it with the log"
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.getMessage() == "unexpected KeyError in saw"
    assert any("test_terraform_functions.py" in place for place in record.trace)  # type: ignore[attr-defined]
    assert "hunter2" not in caplog.text
