"""Live tables that keyshift does not touch at all, for what DescribeTable says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schema.errors import Refused
from stack.world.live import Live, LiveTable

LEAVE_OUT = "Leave the table out of the schema, or wait for a version of keyshift that migrates global tables."


def refuse_unsupported(live: Live) -> None:
    """Raises Refused, with everything that is found, where one of the tables is not to be touched."""
    refuse_all(found for table in live.values() for found in unsupported(table))


def unsupported(live: LiveTable) -> Iterator[Refused]:
    """What keeps keyshift from this table, whatever the schema says of it."""
    if live.replicas:
        yield global_table(live.name, live.replicas)
    if live.refusals:
        yield Refused(
            f"Table {live.name} has what keyshift does not handle: {', '.join(one.path for one in live.refusals)}.",
            " ".join(f"{one.path}: {one.why}." for one in live.refusals),
            "Leave the table out of the schema, or use a version of keyshift that knows it "
            "(stack/world/inventory.py has the lists).",
        )


def global_table(name: str, regions: Iterable[str]) -> Refused:
    """The refusal of a global table with replicas in these regions."""
    return Refused(
        f"Table {name} is a global table, with replicas in {', '.join(regions)}.",
        "keyshift does not migrate one yet. It would have to respect that a conditional write is judged in one region "
        "only, and that between regions the last writer of an item wins. Readers and alarms exist in each region.",
        LEAVE_OUT,
    )


def refuse_all(refusals: Iterable[Refused]) -> None:
    """Raises Refused with every one of them: one that is mended only to meet the next costs a person a run each."""
    found = list(refusals)
    if len(found) > 1:
        raise Refused(
            f"{len(found)} conflicts: " + " ".join(conflict.what for conflict in found),
            " ".join(dict.fromkeys(conflict.why for conflict in found)),
            " ".join(dict.fromkeys(conflict.next for conflict in found)),
        )
    if found:
        raise found[0]
