"""The paths at which each engine finds this provider's program, in the engine's order."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from polykomos_provider.install.addresses import ADDRESSES
from polykomos_provider.install.pulumi_path import shadowing_plugin
from polykomos_provider.install.pulumi_plugins import (
    PROGRAM,
    PROJECT_PLUGIN,
    project_file,
    project_plugins,
    user_plugins,
)
from polykomos_provider.install.terraform_mirror import PROJECT_MIRROR, USER_MIRROR, platform_target

_TERRAFORM = "terraform-provider-polykomos"
_HOSTS = dict(zip(("terraform", "tofu"), ADDRESSES, strict=True))
_PATHS = re.compile(r'^\s*path\s*=\s*"([^"]+)"', re.MULTILINE)
_OVERRIDES = re.compile(r'^[^#\n]*"(?:[^"\n]*/)?polykomos/polykomos"\s*=\s*"([^"]+)"', re.MULTILINE)
_CONFIGURATIONS = {"terraform": (".terraformrc",), "tofu": (".tofurc", ".terraformrc")}


def pulumi_places(here: Path, listed: Collection[str] | None = None) -> list[Path]:
    """Return Pulumi's paths: the project's own plugin, PATH, and the user's plugins, newest first.

    `listed` are the versions that Pulumi itself finds among the user's plugins, if they are known.
    """
    found = []
    program = project_file(here)
    if program is not None and "polykomos" in project_plugins(program.read_text(encoding="utf-8", errors="replace")):
        found.append(here / PROJECT_PLUGIN / PROGRAM)
    on_path = shadowing_plugin(os.environ)
    found += [on_path] if on_path else []
    versions: Iterable[Path] = user_plugins().glob(f"resource-polykomos-v*/{PROGRAM}")
    if listed is not None:
        versions = (path for path in versions if path.parent.name.rpartition("-v")[2] in listed)
    return [*found, *sorted(versions, key=lambda path: _numbers(path.parent.name), reverse=True)]


def terraform_places(engine: str, here: Path) -> list[Path]:
    """Return the paths of development overrides, then those in the mirrors that `init` searches, newest first."""
    configuration = _configuration(engine, os.environ)
    overrides = [Path(directory) / _TERRAFORM for directory in _OVERRIDES.findall(configuration)]
    return [*(path for path in overrides if path.is_file()), *_mirrored(engine, _mirrors(configuration, here))]


def _mirrors(configuration: str, here: Path) -> list[Path]:
    """Return the mirrors in the engine's configuration; if it does not set the installation, the default ones."""
    if "provider_installation" in configuration:
        return [Path(path) for path in _PATHS.findall(configuration)]
    return [here / PROJECT_MIRROR, Path.home() / USER_MIRROR]


def _mirrored(engine: str, mirrors: list[Path]) -> Iterator[Path]:
    for mirror in mirrors:
        versions = (mirror / _HOSTS[engine]).glob(f"*/{platform_target()}/{_TERRAFORM}*")
        yield from sorted(versions, key=lambda path: _numbers(path.parts[-3]), reverse=True)


def _configuration(engine: str, environment: Mapping[str, str]) -> str:
    """Return the text of the engine's own configuration file; empty if there is none."""
    path = environment.get("TOFU_CLI_CONFIG_FILE" if engine == "tofu" else "") or environment.get("TF_CLI_CONFIG_FILE")
    paths = [Path(path)] if path else [Path.home() / name for name in _CONFIGURATIONS[engine]]
    return next((path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()), "")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))
