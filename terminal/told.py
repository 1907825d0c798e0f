"""What each step did, in a few words; everything recorded is in `--json` and in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from migration.steps.step import Action, Step
from stack.ledger.ledger import Facts


def result_text(step: Step, facts: Facts) -> str:
    """The words for one finished step; empty where there is nothing to say."""
    text = _TEXTS.get(step.action)
    return text(facts) if text else ""


def _backfill(facts: Facts) -> str:
    text = f"{facts['changed']:,} of {facts['scanned']:,} items changed in {facts['passes']} passes"
    reported = ", ".join(f"{count} × {reason}" for reason, count in facts["violations"].items())
    return f"{text}; left out: {reported}" if reported else text


def _watch(facts: Facts) -> str:
    text = f"{facts['scanned']:,} items looked at, {facts['late']:,} of late writers"
    if facts["stale"]:
        text += f", {facts['stale']:,} values no longer what their sources give"
    ready = f"read-ready: {', '.join(facts['read_ready'])}" if facts["read_ready"] else facts["unready"]
    return f"{text}; {ready}" if ready else text


def _read_index(facts: Facts) -> str:
    return f"{facts['units']} read units, {'seen' if facts['seen'] else 'not seen'} in CloudWatch"


def _settled(facts: Facts) -> str:
    return ", ".join(f"{resource} {capacity}" for resource, capacity in facts["capacity"].items())


_TEXTS: Mapping[Action, Callable[[Facts], str]] = {
    Action.BACKUP: lambda facts: f"{facts['name']}, {facts['bytes']:,} bytes",
    Action.BACKFILL: _backfill,
    Action.BEGIN_WATCH: _watch,
    Action.VERIFY_INDEX: lambda facts: str(facts.get("queried", "")),
    Action.SETTLE_CAPACITY: _settled,
    Action.MONITOR: lambda facts: f"{facts['monitors']} declared",
    Action.WATCH: _watch,
    Action.SHADOW_READ: lambda facts: str(facts["summary"]),
    Action.READ_INDEX: _read_index,
    Action.BROWN_OUT: lambda facts: f"reads were refused from {facts['from']} to {facts['to']}, and no alarm fired",
    Action.VERIFY: lambda facts: f"{facts['checks']} checks hold",
}
