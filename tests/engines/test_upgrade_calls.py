"""Today's plugin answers what Terraform and OpenTofu asked release 0.1.0 as that release did.

`tests/upgrades/record.py` recorded the calls: an apply, an empty plan, changes, an import and a destroy. The states,
the private states and the identities in the requests are what release 0.1.0 had the engines store.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format

from support.releases import RECORDS, plane_of
from support.tfplugin import METHODS, Plugin, plain

# Other in every run, or with every control plane.
OF_THE_RUN = {
    "completed_at", "connection_string", "created_at", "db_password", "port", "secret", "total_duration_ms",
    "updated_at",
}  # fmt: skip
# What today's plugin adds to a private state: the account, the protection, and what a new object's keys need.
ADDED = {"account", "protection", "create_seed", "replaced"}


def answer(response: Any) -> dict[str, Any]:
    """What a response says, apart from what differs from run to run. Of diagnostics only how bad they are."""
    found: dict[str, Any] = {}
    for field, content in response.ListFields():
        if field.name == "diagnostics":
            found[field.name] = [each.severity for each in content]
        elif field.name.endswith("_state"):
            values = plain(content)
            found[field.name] = values and {name: each for name, each in values.items() if name not in OF_THE_RUN}
        elif field.name.endswith("private"):
            found[field.name] = {name: each for name, each in json.loads(content).items() if name not in ADDED}
        else:
            found[field.name] = json_format.MessageToDict(content) if hasattr(content, "DESCRIPTOR") else list(content)
    return found


@pytest.mark.parametrize("engine", ["terraform-1.16", "tofu"])
def test_recorded_calls_are_answered_as_then(engine: str) -> None:
    calls = json.loads((RECORDS / f"{engine}-0.1.0.grpc.json").read_text())
    methods = {call["method"] for call in calls}
    assert methods >= {"UpgradeResourceState", "ReadResource", "PlanResourceChange", "ApplyResourceChange"}
    with plane_of("0.1.0") as plane:
        # Without the plan cache, as recorded: it saves dry runs, each of which takes the number of an application.
        env = {"POLYKOMOS_NO_ZYGOTE": "1"}
        with Plugin({**env, "POLYKOMOS_BASE_URL": plane.base_url, "POLYKOMOS_API_KEY": plane.api_key}) as plugin:
            for number, call in enumerate(calls):
                method = METHODS[call["method"]]
                request = json_format.ParseDict(call["request"], method.input_type._concrete_class())
                response = plugin.call(method.name, request)
                if "response" not in call:
                    continue
                expected = answer(json_format.ParseDict(call["response"], method.output_type._concrete_class()))
                found = answer(response)
                if found.get("planned_state", 0) is None:
                    del found["planned_identity"]  # 0.1.0 planned no identity for a destroy
                assert found == expected, (number, method.name, plugin.told[-1:])
