"""`make chaos`: rounds of support.engine_chaos for each engine, and of support.polnor_chaos; or for those named.

ROUNDS=200 SEED=7 python tests/faults/engines.py pulumi polnor

ROUNDS=50 FIRST=150 goes on with round 150 of an interrupted run of that seed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from support import engine_chaos, polnor_chaos

POLNOR = "polnor"


def main() -> None:
    rounds, seed = int(os.environ.get("ROUNDS", "20")), int(os.environ.get("SEED", time.time()))
    chaos_of = partial(engine_chaos.Chaos, first=int(os.environ.get("FIRST", "0")))
    for name in sys.argv[1:] or (*engine_chaos.ENGINES, POLNOR):
        of_polnor = ((f"polnor on {engine}", polnor_chaos.PolnorChaos, engine) for engine in polnor_chaos.ENGINES)
        for label, kind, engine in of_polnor if name == POLNOR else [(name, chaos_of, name)]:
            began = time.monotonic()
            print(f"{label}: {rounds} rounds, SEED={seed}", flush=True)
            with tempfile.TemporaryDirectory() as directory:
                chaos = kind(engine, Path(directory), seed)
                chaos.run(rounds)
            print(f"{label}: {chaos.met} of {rounds} kills came before the command's end", flush=True)
            print(f"{label}: nothing lost, doubled or left over in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
