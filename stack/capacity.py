"""How much capacity an index gets while it builds."""

from __future__ import annotations

import math

from schema.parts import Throughput
from stack.world.live import LiveTable

BUILDING_WRITE_FACTOR = 1.5
"""Write capacity of an index while it builds, as a multiple of its table's: AWS's advice, for an index that is
throttled throttles the table's own writes."""


def building_throughput(live: LiveTable, steady: Throughput, write_units: int | None = None) -> Throughput:
    """What an index gets while it builds on `live`: so many write units as the stack file says, else its steady
    capacity, or more where the table writes more."""
    table_writes = live.throughput.write if live.throughput else 0
    wanted = write_units or max(steady.write, math.ceil(table_writes * BUILDING_WRITE_FACTOR))
    return Throughput(read=steady.read, write=wanted)
