"""constraints: every item gets its project and report date from where the old code kept them. Nothing is guessed."""

from schema.backfill import Backfill, Given, Item, NoValue, text

_PROJECT = "PROJECT#"


def _project_id(item: Item, given: Given) -> str:
    named = text(item, "projectId")
    if named is not None:
        return named
    partition_key = text(item, "PK") or ""
    if not partition_key.startswith(_PROJECT) or partition_key == _PROJECT:
        raise NoValue("no projectId, and PK is not PROJECT#<id>")
    return partition_key.removeprefix(_PROJECT)


def _report_date(item: Item, given: Given) -> str:
    date = text(item, "reportDate")
    if date is None:
        raise NoValue("no reportDate")
    return date


CONSTRAINTS = Backfill(
    table="constraints",
    rules={"project_id": _project_id, "report_date": _report_date},
    reads=("projectId", "reportDate"),
)
