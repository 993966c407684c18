"""`make chaos`, second part: rounds of support.step_chaos. ROUNDS=200."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from support.step_chaos import prepared


def main() -> int:
    rounds = int(os.environ.get("ROUNDS", "20"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, prepared(Path(name)) as all_rounds:
        for number in range(rounds):
            all_rounds.run(number)
            print(f"steps: killed, and made all the same ({number + 1}/{rounds})", flush=True)
        all_rounds.check_servers()
    print(f"{rounds} passed, 0 failed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
