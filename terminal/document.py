"""Results as one JSON document for a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backfills.run.survey import Survey
    from migration.run.runner import Summary
    from migration.steps.step import Plan
    from schema.model import Schema


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    json.dump(document, sys.stdout, indent=2, default=_jsonable, ensure_ascii=False)
    sys.stdout.write("\n")


def plan_document(stack: str, plan: Plan) -> dict[str, Any]:
    """The plan for `--json`."""
    return {
        "stack": stack,
        "steps": [
            {"action": step.action, "tables": list(step.tables), "index": step.index, "why": step.why}
            for step in plan.steps
        ],
        "held": _held_document(plan),
        "left_alone": list(plan.left_alone),
    }


def summary_document(stack: str, schema: Schema, summary: Summary) -> dict[str, Any]:
    """The run for `--json`."""
    return {
        "stack": stack,
        "schema": schema.digest,
        "run": summary.run,
        "steps": [
            {"step": done.step.name, "seconds": round(done.seconds, 3), "facts": dict(done.facts)}
            for done in summary.done
        ],
        "ups": summary.ups,
        "seconds": round(summary.seconds, 3),
        "held": _held_document(summary),
        "left_alone": list(summary.left_alone),
    }


def surveys_document(stack: str, surveys: Mapping[str, Survey]) -> dict[str, Any]:
    """Dry runs or checks for `--json`, by table."""
    return {
        "stack": stack,
        "tables": {
            name: {
                "scanned": survey.counts.scanned,
                "would_change": survey.counts.remaining,
                "changed": survey.counts.changed,
                "skipped": survey.counts.skipped,
                "violating": survey.counts.violating,
                "violations": dict(survey.counts.violations),
                "examples": [{**example, "key": json.loads(example["key"])} for example in survey.examples],
                "spread": {
                    spread.index: {"attribute": spread.attribute, "items": spread.items, "top": dict(spread.top)}
                    for spread in survey.spreads
                },
            }
            for name, survey in surveys.items()
        },
    }


def _held_document(source: Plan | Summary) -> list[dict[str, Any]]:
    return [
        {
            "table": held.table,
            "index": held.index,
            "is_new": held.is_new,
            "shut": [{"condition": condition.name, "evidence": condition.evidence} for condition in held.shut],
        }
        for held in source.held
    ]


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
