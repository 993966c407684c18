"""How long a fuzz test runs, and random cases that can be repeated.

Every case has a seed of its own. A failing test prints it; POLYKOMOS_FUZZ_SEED=<seed> runs that case alone.
POLYKOMOS_FUZZ_SECONDS sets how long each fuzz test runs, 20 seconds by default.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

SECONDS = float(os.environ.get("POLYKOMOS_FUZZ_SECONDS", "20"))
_SEED = os.environ.get("POLYKOMOS_FUZZ_SEED")


def cases(seconds: float = SECONDS) -> Iterator[tuple[int, random.Random]]:
    """Yield seeds and generators made of them until the time is over; at least one. Print how many they were."""
    if _SEED is not None:
        yield int(_SEED), random.Random(int(_SEED))
        return
    seeds = random.SystemRandom()
    until, count = time.monotonic() + seconds, 0
    while count == 0 or time.monotonic() < until:
        seed = seeds.randrange(2**48)
        yield seed, random.Random(seed)
        count += 1
    print(f"{count} cases in {seconds:.0f} s")
