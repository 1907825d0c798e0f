"""How fast a backfill goes when nobody says: a share of what the table and the indexes that it touches have left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backfills.rates import ON_DEMAND_READS, ON_DEMAND_WRITES, Rates, rates_for
from schema.model import Index
from schema.parts import Attribute, BillingMode, Projection, ProjectionType, Throughput
from stack.file.settings import BackfillSettings
from stack.monitoring.metrics import Metrics
from stack.world.live import LiveIndex, LiveTable

TABLE = LiveTable(name="things", throughput=Throughput(read=100, write=80))
EVERYTHING = Projection()
KEYS_ONLY = Projection(ProjectionType.KEYS_ONLY)


class Consuming(Metrics):
    """Metrics that say what each test wants."""

    def __init__(self, **units: float) -> None:
        super().__init__(None, "things")
        self._units = units

    def consumed(self, kind: str, minutes: int = 5, index: str | None = None) -> float:
        return self._units.get(index or kind, 0.0)


def with_index(write: int, projection: Projection = EVERYTHING, key: str = "other") -> LiveTable:
    index = Index("byOther", Attribute(key), projection=projection, throughput=Throughput(read=5, write=write))
    return replace(TABLE, indexes={"byOther": LiveIndex(index)})


def rates(live: LiveTable, metrics: Metrics | None = None, share: float = 0.5) -> Rates:
    return rates_for(live, ("status",), BackfillSettings(share=share), metrics or Consuming())


def test_half_of_what_the_table_has_left_is_used() -> None:
    assert rates(TABLE, metrics=Consuming(Write=20, Read=40)) == Rates(write=30, read=30)


def test_another_share_is_used_where_the_stack_says_so() -> None:
    assert rates(TABLE, share=0.25) == Rates(write=20, read=25)


def test_the_smallest_index_that_a_write_touches_sets_the_rate() -> None:
    assert rates(with_index(10)).write == 5
    assert rates(with_index(10), metrics=Consuming(byOther=4)).write == 3


@pytest.mark.parametrize(
    ("live", "write"),
    [
        (with_index(10, KEYS_ONLY), 40),
        (with_index(10, KEYS_ONLY, key="status"), 5),
        (with_index(10, Projection(ProjectionType.INCLUDE, ("status",))), 5),
        (with_index(10, Projection(ProjectionType.INCLUDE, ("body",))), 40),
    ],
    ids=["keys only", "its key", "included", "not included"],
)
def test_an_index_that_no_write_touches_does_not_count(live: LiveTable, write: float) -> None:
    assert rates(live).write == write


def test_an_on_demand_table_gets_what_one_partition_takes() -> None:
    live = replace(TABLE, throughput=None, billing_mode=BillingMode.ON_DEMAND)
    assert rates(live) == Rates(write=ON_DEMAND_WRITES, read=ON_DEMAND_READS)


def test_a_maximum_on_demand_bounds_the_rate_as_capacity_does() -> None:
    live = replace(TABLE, throughput=None, billing_mode=BillingMode.ON_DEMAND, most_writes=100)
    assert rates(live, metrics=Consuming(Write=20)).write == 40
    index = LiveIndex(Index("byOther", Attribute("other")), most_writes=30)
    assert rates(replace(live, indexes={"byOther": index})).write == 15
    assert rates(replace(live, most_writes=1_000_000)).write == ON_DEMAND_WRITES
    assert rates(replace(live, most_reads=100)).read == 50
    assert rates(replace(live, most_reads=1_000_000)).read == ON_DEMAND_READS


def test_a_figure_in_the_stack_file_stands_and_a_flag_goes_before_it() -> None:
    settings = BackfillSettings.model_validate({"rate": 7, "readRate": 9})
    assert rates_for(TABLE, ("status",), settings, Consuming()) == Rates(7, 9)
    assert rates_for(TABLE, ("status",), settings, Consuming(), 300) == Rates(300, 9)


def test_a_table_that_is_used_up_still_gets_one_unit_a_second() -> None:
    assert rates(TABLE, metrics=Consuming(Write=200, Read=200)) == Rates(write=1, read=1)
