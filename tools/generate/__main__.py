"""Write what is generated from the declarations, or with --check say what is not fresh.

python tools/generate schema|docs|parity [--check]
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commands
import dynamic
import engine_calls
import mocks
import packages
import parity
import prerequisites
import settings

from polykomos_provider.doctor.versions import FLOORS, dotted
from resourcekit.package import Package
from resourcekit.pulumi.schema import package_schema
from resourcekit.reference_pages import pulumi as pulumi_pages
from resourcekit.reference_pages import terraform as terraform_pages
from resourcekit.terraform.protocol import tfplugin6_pb2 as tf
from resourcekit.terraform.provider_server import ProviderServer

ROOT = packages.ROOT


def schema() -> dict[Path, str]:
    """Each package's schema and the schema that its Terraform plugin answers with; the dynamic provider's classes."""
    found = {}
    for each in packages.generated():
        found[each.schema] = json.dumps(package_schema(each.package), indent=2, ensure_ascii=False) + "\n"
        found[each.terraform_schema] = _terraform_schema(each.package)
        if each.is_first:
            found[ROOT / "provider" / "polykomos_provider" / "dynamic" / "resources.py"] = dynamic.module(each.package)
    return found


def _terraform_schema(package: Package[Any]) -> str:
    answer = ProviderServer(package).method_table()["GetProviderSchema"](tf.GetProviderSchema.Request(), None)
    return base64.encodebytes(answer.SerializeToString(deterministic=True)).decode()


def docs() -> dict[Path, str]:
    """Return the generated pages.

    They are docs/cli.md, engine-calls.md, settings.md and prerequisites.md, the table of prerequisites in the README,
    the mocks of examples/, and a page for each resource and function in docs/reference and docs/terraform, or those
    folders of docs/NAME for another vendor.
    """
    readme = ROOT / "README.md"
    pages = {
        **mocks.files(ROOT / "examples"),
        ROOT / "docs" / "cli.md": commands.page(),
        ROOT / "docs" / "engine-calls.md": engine_calls.page(),
        ROOT / "docs" / "settings.md": settings.page(),
        ROOT / "docs" / "prerequisites.md": prerequisites.page(),
        readme: prerequisites.readme(readme.read_text(encoding="utf-8")),
    }
    return pages | {
        each.pages(kind) / name: text
        for each in packages.generated()
        for kind, write in _PAGES.items()
        for name, text in write(each.package).items()
    }


def gone() -> list[Path]:
    """Pages of what is declared no longer."""
    written = docs()
    folders = (each.pages(kind) for each in packages.generated() for kind in _PAGES)
    return [page for folder in folders for page in sorted(folder.rglob("*.md")) if page not in written]


def _terraform_pages(package: Package[Any]) -> dict[str, str]:
    return terraform_pages.pages(
        package, required_version=dotted(FLOORS["terraform"]), engines=prerequisites.engine_features()
    )


_PAGES: dict[str, Callable[[Package[Any]], dict[str, str]]] = {
    "reference": pulumi_pages.pages,
    "terraform": _terraform_pages,
}
KINDS: dict[str, Callable[[], dict[Path, str]]] = {"schema": schema, "docs": docs, "parity": parity.page}


def main() -> int:
    """Return 0 when every requested kind of file is as the declarations say (after writing it, without --check)."""
    requested = [word for word in sys.argv[1:] if word in KINDS] or list(KINDS)
    stale = []
    for kind in requested:
        for path, text in KINDS[kind]().items():
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            if "--check" in sys.argv:
                stale.append(f"{path.relative_to(ROOT)} is not what the declarations say: run `make {kind}`")
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in gone() if "docs" in requested else ():
        if "--check" in sys.argv:
            stale.append(f"{path.relative_to(ROOT)} is of nothing that is declared: run `make docs`")
        else:
            path.unlink()
    print("\n".join(stale), file=sys.stderr, end="\n" if stale else "")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
