"""`make chaos`: rounds of support.engine_chaos for each engine, or for those that are named. ROUNDS=200 SEED=7."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from support.engine_chaos import ENGINES, Chaos


def main() -> None:
    rounds, seed = int(os.environ.get("ROUNDS", "20")), int(os.environ.get("SEED", time.time()))
    for engine in sys.argv[1:] or ENGINES:
        began = time.monotonic()
        print(f"{engine}: {rounds} rounds, SEED={seed}", flush=True)
        with tempfile.TemporaryDirectory() as directory:
            chaos = Chaos(engine, Path(directory), seed)
            chaos.run(rounds)
        print(f"{engine}: {chaos.met} of {rounds} kills came before the command's end", flush=True)
        print(f"{engine}: nothing lost, doubled or left over in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
