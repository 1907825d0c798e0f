"""When requests begin: a Poisson process, as many independent users make one. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator


def poisson(rate: float, seconds: float, chance: random.Random) -> Iterator[float]:
    """The beginnings of requests in seconds from the start, `rate` a second on average, before `seconds` are over.

    None of them depends on an answer: a server that stalls meets the requests of that time all the same, and they are
    measured from these times on. (A client that waits for each answer would leave them out: "coordinated omission".)
    """
    at = chance.expovariate(rate)
    while at < seconds:
        yield at
        at += chance.expovariate(rate)
