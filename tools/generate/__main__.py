"""Write what is generated from the declarations, or with --check say what is not fresh.

python tools/generate schema|docs|parity [--check]
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path

import commands
import dynamic
import parity
import prerequisites
import reference
import registry
import settings

from polykomos.package import package
from resourcekit.pulumi.schema import package_schema
from resourcekit.terraform.protocol import tfplugin6_pb2 as tf
from resourcekit.terraform.provider_server import ProviderServer

ROOT = Path(__file__).resolve().parents[2]


def schema() -> dict[Path, str]:
    """schema.json, the dynamic provider's classes, and the schema that Terraform's plugin answers with."""
    text = json.dumps(package_schema(package()), indent=2, ensure_ascii=False) + "\n"
    home = ROOT / "provider" / "polykomos_provider"
    return {
        ROOT / "schema.json": text,
        home / "dynamic" / "resources.py": dynamic.module(package()),
        home / "terraform_schema.b64": _terraform_schema(),
    }


def _terraform_schema() -> str:
    answer = ProviderServer(package()).method_table()["GetProviderSchema"](tf.GetProviderSchema.Request(), None)
    return base64.encodebytes(answer.SerializeToString(deterministic=True)).decode()


def docs() -> dict[Path, str]:
    """Return the generated pages.

    They are docs/cli.md, settings.md and prerequisites.md, the table of prerequisites in the README, and a page for
    each resource and function in docs/reference and docs/terraform.
    """
    folders = {"reference": reference.pages, "terraform": registry.pages}
    readme = ROOT / "README.md"
    pages = {
        ROOT / "docs" / "cli.md": commands.page(),
        ROOT / "docs" / "settings.md": settings.page(),
        ROOT / "docs" / "prerequisites.md": prerequisites.page(),
        readme: prerequisites.readme(readme.read_text(encoding="utf-8")),
    }
    return pages | {
        ROOT / "docs" / folder / name: text
        for folder, write in folders.items()
        for name, text in write(package()).items()
    }


def gone() -> list[Path]:
    """Pages of what is declared no longer."""
    written = docs()
    folders = (ROOT / "docs" / folder for folder in ("reference", "terraform"))
    return [page for folder in folders for page in sorted(folder.rglob("*.md")) if page not in written]


KINDS: dict[str, Callable[[], dict[Path, str]]] = {"schema": schema, "docs": docs, "parity": parity.page}


def main() -> int:
    """Return 0 when everything asked for is as the declarations say (after writing it, without --check)."""
    wanted = [word for word in sys.argv[1:] if word in KINDS] or list(KINDS)
    stale = []
    for kind in wanted:
        for path, text in KINDS[kind]().items():
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            if "--check" in sys.argv:
                stale.append(f"{path.relative_to(ROOT)} is not what the declarations say: run `make {kind}`")
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in gone() if "docs" in wanted else ():
        if "--check" in sys.argv:
            stale.append(f"{path.relative_to(ROOT)} is of nothing that is declared: run `make docs`")
        else:
            path.unlink()
    print("\n".join(stale), file=sys.stderr, end="\n" if stale else "")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
