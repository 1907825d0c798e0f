"""Looks at items without filling them: a dry run of backfills, or a check of filled values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from backfills.run.survey import Survey
from terminal.reporting import Line, Result


@dataclass(frozen=True)
class SurveysResult(Result):
    """What was found, by table; `check` says that filled values were looked at, and not missing ones."""

    stack: str
    surveys: Mapping[str, Survey]
    check: bool

    def document(self) -> dict[str, Any]:
        return {"stack": self.stack, "tables": {name: _table(survey) for name, survey in self.surveys.items()}}

    def text(self) -> Iterator[Line]:
        for name, survey in self.surveys.items():
            counts = survey.counts
            found = f"{counts.remaining:,} have gone stale" if self.check else f"{counts.remaining:,} would change"
            mended = f", {counts.changed:,} of them mended" if self.check and counts.changed else ""
            yield Text.assemble((name, "bold"), f": {counts.scanned:,} items looked at, {found}{mended}.")
            for example in survey.examples:
                values = (_changed(each, example["was"][each], value) for each, value in example["values"].items())
                yield f"  {example['key']}: {', '.join(values)}"
            yield from (f"  left out: {count:,} × {reason}" for reason, count in counts.violations.items())
            yield from (f"  {spread.index} by {spread}" for spread in survey.spreads)


def _table(survey: Survey) -> dict[str, Any]:
    counts = survey.counts
    return {
        "scanned": counts.scanned,
        "would_change": counts.remaining,
        "changed": counts.changed,
        "skipped": counts.skipped,
        "violating": counts.violating,
        "violations": dict(counts.violations),
        "examples": [{**example, "key": json.loads(example["key"])} for example in survey.examples],
        "spread": {
            spread.index: {"attribute": spread.attribute, "items": spread.items, "top": dict(spread.top)}
            for spread in survey.spreads
        },
    }


def _changed(attribute: str, was: Mapping[str, object] | None, value: str) -> str:
    if was is None:
        return f"{attribute} = {value!r}"
    return f"{attribute} = {next(iter(was.values()))!r}, should be {value!r}"
