"""This release refuses the Pulumi state of a newer release, by the version of its schema."""

from __future__ import annotations

import shlex
import sys

import httpx

from support.naming import unique
from support.pulumi import Stack

# As a release would be whose blueprints have another schema.
NEWER = """
from polykomos.resources.blueprint.resource import Blueprint
from polykomos_provider.pulumi_plugin import main

Blueprint.schema_version = 1
main()
"""
REFUSAL = (
    "the state was written by a newer release of this provider (schema version 1, this one knows 0): "
    "use that release or a later one"
)


def test_a_state_of_a_newer_release_is_refused(stack: Stack, api: httpx.Client) -> None:
    (plugin,) = (stack.directory / ".home" / ".pulumi" / "plugins").glob("*/pulumi-resource-polykomos")
    released = plugin.read_text()
    newer = stack.directory / "newer.py"
    newer.write_text(NEWER)

    def apply(name: str) -> dict[str, str]:
        stack.write({"schema": ("Blueprint", {"name": name, "sqlContent": "SELECT 1;"})})
        return stack.up().ops

    assert apply(unique("first")) == {"schema": "create"}
    assert "__schemaVersion" not in stack.resource("schema")["outputs"], "which the first version needs not"
    plugin.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(newer)])} "$@"\n')
    stack.assert_no_changes()
    name = unique("second")
    assert apply(name) == {"schema": "update"}
    written = stack.resource("schema")
    assert written["outputs"]["__schemaVersion"] == 1
    stack.assert_no_changes()

    plugin.write_text(released)
    for command in (stack.preview, stack.up, stack.refresh, stack.destroy):
        assert REFUSAL in command(ok=False).output.replace("\n", " "), command.__name__
        now = stack.resource("schema")
        assert (now["id"], now["outputs"]) == (written["id"], written["outputs"])
    found = api.get(f"/blueprints/{written['id']}")
    assert found.json()["data"]["name"] == name

    plugin.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(newer)])} "$@"\n')
    stack.refresh()
    stack.destroy()
    assert api.get(f"/blueprints/{written['id']}").status_code == 404
