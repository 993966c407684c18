"""The container image: its files are linted, pinned and true to `polykomos dev`. `make image` runs the steps."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from polykomos_provider.commands.dev import dev

ROOT = Path(__file__).resolve().parents[3]
IMAGE = ROOT / "tools" / "image"
sys.path.append(str(IMAGE))

import dockerfile  # noqa: E402
import dry_run  # noqa: E402

STAGES = dockerfile.read(IMAGE / "Dockerfile")
FINAL = STAGES[-1]


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, IMAGE / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_stage_starts_from_one_dated_release() -> None:
    assert len({stage.base for stage in STAGES}) == 1
    assert re.fullmatch(r"debian:\w+-\d{8}-slim", FINAL.base)


def test_packages_are_those_of_the_other_lock_files() -> None:
    image, dev_pins = pins("image.txt"), pins("dev.txt")
    assert image
    assert image.items() <= dev_pins.items()
    assert all("--require-hashes" in each.text for each in STAGES[0].instructions if "-r requirements" in each.text)


def test_what_is_copied_is_there_and_sent_to_the_build() -> None:
    copied = [each.options() for each in STAGES[0].instructions if each.name == "COPY"]
    sources = [source for options, words in copied if "from" not in options for source in words[:-1]]
    assert "provider" in sources
    for source in sources:
        assert (ROOT / source).exists()
        assert dry_run.is_sent(source)
    assert not dry_run.is_sent(".git")
    assert not dry_run.is_sent("tests")


def test_the_image_runs_as_an_ordinary_user_with_a_health_check() -> None:
    user, entrypoint, check = FINAL.last("USER"), FINAL.last("ENTRYPOINT"), FINAL.last("HEALTHCHECK")
    assert user
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user.text)
    assert entrypoint
    assert entrypoint.words()[-2:] == ["polykomos", "dev"]
    assert check
    assert "/healthz" in json.loads(check.text.partition("CMD ")[2])[-1]


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml"])
def test_the_images_variables_are_options_of_the_command(name: str) -> None:
    options = {f"POLYKOMOS_DEV_{str(each.name).upper()}" for each in dev.params}
    used = set(re.findall(r"POLYKOMOS_DEV_\w+", (IMAGE / name).read_text()))
    assert used
    assert used <= options


def test_compose_builds_this_image_and_asks_for_a_key() -> None:
    service = yaml.safe_load((IMAGE / "compose.yaml").read_text())["services"]["polykomos"]
    assert (IMAGE / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == IMAGE / "Dockerfile"
    assert service["environment"]["POLYKOMOS_DEV_API_KEY"].startswith("${POLYKOMOS_API_KEY:?")
    (volume,) = service["volumes"]
    last = FINAL.last("VOLUME")
    assert last
    assert volume.partition(":")[2] == last.text
