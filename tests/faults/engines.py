"""`make chaos`: rounds of support.engine_chaos for each engine, and of Polnor's; or for those named.

PYTHONPATH=tests ROUNDS=200 SEED=7 python tests/faults/engines.py pulumi polnor

ROUNDS=50 FIRST=150 goes on with round 150 of an interrupted run of that seed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from support.engine_chaos import Chaos, Subject
from support.polnor_chaos import PolnorSubject
from support.polykomos_chaos import PolykomosSubject

POLNOR = "polnor"


def main() -> None:
    rounds, seed = int(os.environ.get("ROUNDS", "20")), int(os.environ.get("SEED", time.time()))
    for name in sys.argv[1:] or (*PolykomosSubject.engines, POLNOR):
        subject: type[Subject] = PolnorSubject if name == POLNOR else PolykomosSubject
        for engine in PolnorSubject.engines if name == POLNOR else (name,):
            label = f"polnor on {engine}" if name == POLNOR else engine
            began = time.monotonic()
            print(f"{label}: {rounds} rounds, SEED={seed}", flush=True)
            with tempfile.TemporaryDirectory() as directory:
                chaos = Chaos(engine, Path(directory), seed, subject, first=int(os.environ.get("FIRST", "0")))
                chaos.run(rounds)
            print(f"{label}: {chaos.met} of {rounds} kills came before the command's end", flush=True)
            print(f"{label}: nothing lost, doubled or left over in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
