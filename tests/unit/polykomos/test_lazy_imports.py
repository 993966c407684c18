"""What a plugin loads before it connects: each start of one waits for it. Each in a process of its own."""

from __future__ import annotations

from importlib import metadata

import pytest

import polykomos.client
from polykomos.version import VERSION
from support.python import run

DECLARED = """
from resourcekit.plugin.fast_import import bulk_import
with bulk_import():
    from polykomos.package import package
    from resourcekit.terraform.provider_server import ProviderServer
    ProviderServer(package())
"""
CONNECTION = ("polykomos.client.client", "polykomos.client.models", "httpx", "ssl", "subprocess", "email.message")


def test_declarations_load_no_connection() -> None:
    assert run(f"{DECLARED}\nimport sys; print([name for name in {CONNECTION} if name in sys.modules])") == "[]"


WITHIN = """
from resourcekit.plugin.fast_import import bulk_import
with bulk_import():
    {code}
"""


def test_lazily_imported_names_are_available() -> None:
    version = "print(importlib.metadata.version('polykomos-provider'))"
    assert run(f"{DECLARED}\nimport importlib.metadata; {version}") == VERSION
    assert run(WITHIN.format(code=f"import importlib.metadata; {version}")) == VERSION
    code = "from importlib.metadata import entry_points; print(bool(entry_points(group='console_scripts')))"
    assert run(WITHIN.format(code=code)) == "True"
    for name in polykomos.client.__all__:
        assert getattr(polykomos.client, name).__name__ == {"PolykomosError": "ClientError"}.get(name, name)
    with pytest.raises(AttributeError, match="Clint"):
        _ = polykomos.client.Clint


def test_the_version_is_the_distributions() -> None:
    assert metadata.version("polykomos-provider") == VERSION


def test_a_terraform_plugin_starts_without_what_its_zygote_has_loaded() -> None:
    loaded = "{'grpc', 'typing', 'pydantic'} & {*sys.modules}"
    assert run(f"import sys, polykomos_provider.terraform_plugin; print({loaded})") == "set()"
