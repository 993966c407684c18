"""Write schema.json from the declarations, or with --check say whether the one in the repository is fresh."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from polykomos.package import package
from resourcekit.pulumi.schema import write_schema

TARGET = Path(__file__).resolve().parents[1] / "schema.json"


def main() -> int:
    """Return 0 when schema.json is as the declarations say (after writing it, without --check)."""
    text = json.dumps(write_schema(package()), indent=2, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print("schema.json is not what the declarations say: run `make schema`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
