"""Verdicts on facts, and where plugins are looked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polykomos.package import package
from polykomos_provider.doctor.binaries import pulumi_plugins, start_error, version_of
from polykomos_provider.doctor.checks import (
    ERROR,
    OK,
    WARNING,
    Finding,
    ScopeRequirement,
    as_json,
    budget,
    is_ok,
    missing,
    plugin,
    scopes,
    version,
    with_severity,
)
from polykomos_provider.doctor.plugin_paths import pulumi_places, terraform_places
from polykomos_provider.install.pulumi_plugins import plugins_section, user_plugins
from polykomos_provider.install.terraform_mirror import cli_config, platform_target

NEEDS = [ScopeRequirement(each.name, each.scopes.read, each.scopes.write) for each in package().resources]


def levels(permissions: list[str]) -> dict[str, str]:
    return {each.check.removeprefix("key: "): each.level for each in scopes(NEEDS, permissions)}


def test_scopes_tell_which_resources_a_key_serves() -> None:
    everything = ["databases:*", "blueprints:read", "blueprints:write", "webhooks:read", "webhooks:write"]
    assert set(levels(everything).values()) == {OK}
    assert levels(["databases:read", "databases:write", "blueprints:read"]) == {
        "Database": OK, "Blueprint": WARNING, "BlueprintApplication": OK, "WebhookEndpoint": WARNING,
    }  # fmt: skip
    assert set(levels(["queries:write"]).values()) == {ERROR}, "it serves nothing"
    found = {each.check: each for each in scopes(NEEDS, ["blueprints:read"])}
    assert "only read" in found["key: Blueprint"].text
    assert "blueprints:write" in found["key: Blueprint"].advice
    assert "databases:read, databases:write" in found["key: Database"].advice
    assert missing(["databases:read"], ["databases:write"]) == ["databases:read"], "write does not imply read"


def test_a_scarce_budget_is_worth_a_word() -> None:
    assert budget(120, 5000).level == budget(0, None).level == budget(None, None).level == OK
    assert "5000 a month" in budget(120, 5000).text
    assert budget(10, None).level == WARNING


def test_versions() -> None:
    assert version("pulumi", (3, 199)).level == version("pulumi", None).level == ERROR
    assert version("pulumi", (3, 200)) == Finding("pulumi", OK, "3.200")
    assert "write-only" in version("terraform", (1, 10)).text
    assert version("terraform", (1, 15)).text == (
        "1.15; newer ones add saved plans that create each object once without `idempotency_scope` (1.16)"
    )


GOOD, BAD = Finding("x", OK, ""), Finding("y", ERROR, "")


def test_one_working_engine_is_enough_unless_others_are_required() -> None:
    assert is_ok(with_severity({"pulumi": [GOOD], "terraform": [GOOD, BAD], "tofu": []}, []))
    assert [each.level for each in with_severity({"pulumi": [GOOD], "terraform": [BAD]}, [])] == [OK, WARNING]
    assert not is_ok(with_severity({"pulumi": [GOOD, BAD], "terraform": [], "tofu": []}, []))
    assert not is_ok(with_severity({"terraform": [BAD]}, ["terraform"]))
    (absent,) = with_severity({"tofu": []}, ["tofu"])
    assert (absent.level, absent.text, absent.advice) == (ERROR, "is not on PATH", "install 1.10 or later")
    (none,) = with_severity({"pulumi": [], "terraform": [], "tofu": []}, [])
    assert none.level == ERROR
    assert with_severity({}, []) == []


def test_the_report_for_programs() -> None:
    assert json.loads(as_json([GOOD])) == {
        "ok": True, "findings": [{"check": "x", "level": "ok", "text": "", "advice": ""}],
    }  # fmt: skip
    assert json.loads(as_json([GOOD, BAD]))["ok"] is False


def put(path: Path, text: str = "#!/bin/sh\necho 1234\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PULUMI_HOME", "TF_CLI_CONFIG_FILE", "TOFU_CLI_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("polykomos_provider.install.pulumi_plugins._account_home", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_where_pulumi_finds_its_plugin(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "pulumi-resource-polykomos"
    assert pulumi_places(home) == []
    old = put(home / ".pulumi" / "plugins" / "resource-polykomos-v0.9.0" / name)
    new = put(home / ".pulumi" / "plugins" / "resource-polykomos-v0.10.0" / name)
    assert pulumi_places(home) == [new, old]
    assert pulumi_places(home, ["0.9.0"]) == [old], "as Pulumi itself says"
    assert pulumi_places(home, []) == []
    on_path = put(home / "bin" / name)
    own = put(home / "project" / ".polykomos" / "pulumi" / name)
    put(home / "project" / "Pulumi.yaml", "name: x\n")
    assert pulumi_places(home / "project") == [on_path, new, old], "the project does not name its own"
    put(home / "project" / "Pulumi.yaml", "name: x\n" + plugins_section(["polykomos"]))
    assert pulumi_places(home / "project") == [own, on_path, new, old]
    monkeypatch.setenv("PULUMI_HOME", str(home / "elsewhere"))
    assert pulumi_places(home) == [on_path]


def test_where_terraform_finds_its_provider(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mirrored(mirror: str, host: str = "registry.terraform.io", version_: str = "0.1.0") -> Path:
        where = home / mirror / host / "polykomos" / "polykomos" / version_ / platform_target()
        return put(where / f"terraform-provider-polykomos_v{version_}")

    here = home / "module"
    assert terraform_places("terraform", here) == []
    own, users = mirrored("module/terraform.d/plugins"), mirrored(".terraform.d/plugins")
    newer = mirrored(".terraform.d/plugins", version_="0.10.0")
    assert terraform_places("terraform", here) == [own, newer, users]
    assert terraform_places("tofu", here) == []
    tofus = mirrored(".terraform.d/plugins", "registry.opentofu.org")
    assert terraform_places("tofu", here) == [tofus]
    other = mirrored("mirror")
    put(home / ".terraformrc", cli_config(home / "mirror"))
    assert terraform_places("terraform", here) == [other], "what is configured is all that is searched"
    overriding = put(home / "build" / "terraform-provider-polykomos")
    put(home / "rc", f'provider_installation {{ dev_overrides {{ "polykomos/polykomos" = "{home}/build" }} }}\n')
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(home / "rc"))
    assert terraform_places("terraform", here) == terraform_places("tofu", here) == [overriding]


def test_programs_report_their_versions(tmp_path: Path) -> None:
    assert version_of(str(put(tmp_path / "a", "#!/bin/sh\necho\necho 'OpenTofu v1.12.6-dev'\n"))) == (1, 12)
    assert version_of(str(put(tmp_path / "b", "#!/bin/sh\necho none\n"))) is None
    assert version_of(str(tmp_path / "absent")) is None
    assert start_error(put(tmp_path / "c", "#!/bin/sh\necho 1234\nexec sleep 60\n")) == ""
    assert start_error(put(tmp_path / "d", "#!/bin/sh\necho 'no such module' >&2\nexit 1\n")) == "no such module"
    assert start_error(put(tmp_path / "e", "#!/bin/sh\n")) == "it printed nothing"
    assert start_error(tmp_path / "absent") == "No such file or directory"


def test_pulumi_reports_which_plugins_it_finds(tmp_path: Path) -> None:
    def versions_found(answer: str) -> list[str] | None:
        return pulumi_plugins(str(put(tmp_path / "pulumi", f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")))

    listed = [
        {"name": "polykomos", "kind": "resource", "version": "0.1.0"},
        {"name": "polykomos", "kind": "tool", "version": "0.2.0"},
        {"name": "random", "kind": "resource", "version": "4.0.0"},
    ]
    assert versions_found(json.dumps(listed)) == ["0.1.0"]
    assert versions_found("[]") == []
    assert versions_found("no JSON") is versions_found("[1]") is None
    assert pulumi_plugins(str(tmp_path / "absent")) is None


def test_the_account_has_one_home_whatever_home_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    before = user_plugins()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_plugins() == before
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    assert user_plugins() == tmp_path / "plugins"


def test_a_plugin_must_be_there_and_start() -> None:
    assert plugin("pulumi", [], "", "0.1.0").advice == "run `polykomos install pulumi` (or with --project)"
    assert plugin("tofu", [], "", "0.1.0").advice == "run `polykomos install terraform` (or with --project)"
    assert "no such module" in plugin("pulumi", ["/x"], "no such module", "0.1.0").text
    assert plugin("pulumi", ["/x", "/y"], "", "0.1.0").level == OK
