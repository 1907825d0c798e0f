"""What a watch for late writers costs, before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from dynamo.units import EVENTUAL_READ_UNIT
from stack.file.settings import LateWriterSettings
from stack.world.live import LiveTable

ON_DEMAND_DOLLARS = 0.125
"""What a million read units cost on demand, in us-east-1 (AWS's price list of November 2024); on a provisioned table
they are paid for already."""


@dataclass(frozen=True)
class Cost:
    """What a watch takes: read units a look, how many looks there are in the window, and dollars for all of them if the
    table is on demand."""

    units: float
    looks: int
    dollars: float

    def __str__(self) -> str:
        each = f"a look takes {self.units:,.0f} read unit{'s' * (self.units != 1)}"
        if self.looks == 1:
            return each
        return f"{each}, {self.looks:,} looks {self.looks * self.units:,.0f} (on demand ${self.dollars:,.2f})"


def cost(live: LiveTable, settings: LateWriterSettings) -> Cost:
    """What watching a table costs by AWS's figure of its size: each look scans it whole, eventually consistent."""
    looks = 1 + int(settings.minutes / settings.every_minutes)
    units = float(max(1, ceil(live.size / EVENTUAL_READ_UNIT)))
    return Cost(units, looks, looks * units * ON_DEMAND_DOLLARS / 1e6)
