"""The parts of a change's comment below its answers: what is lost, approvals, gates, steps, Pulumi's changes, findings,
the way back, and costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from migration.change.document import Change, Condition, IndexGate, PlannedChange, PlannedStep
from migration.steps.indexes.remove_index import RemoveIndex
from stack.world.managed import INDEX_TYPE, MONITOR_TYPES, TABLE_TYPE
from terminal.markdown.escaping import NOTHING, code, console, details, prose, table
from terminal.markdown.words import counted, expected_text, figure, span, value_text

_KINDS = {TABLE_TYPE: "table", INDEX_TYPE: "index"}
_NEEDED = {"time": "takes time", "person": "a person", "run": "`migrate` does it", "nothing known": "look at it"}
"""Who or what brings about a condition."""
_SAID_BY_THE_NAME = frozenset({"indexName", "name", "tableName", "timeouts"})
"""Properties of what is created or deleted that its own name tells, or that change nothing in AWS."""
SHOWN_VALUE = 200
"""Characters of a property's value."""
MOST_COMMANDS = 20


@dataclass(frozen=True)
class Section:
    """A table of the comment under its title; `summary` is the title of a part that is folded. `notes` stand below."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    folded: bool = True
    notes: tuple[str, ...] = ()

    def text(self, most: int) -> str:
        """It with at most so many rows."""
        left = len(self.rows) - most
        more = [f"{counted(left, 'row')} more in `change.json`."] if left > 0 else []
        rows = [table(*_told(self.headings, self.rows[:most]))] if self.rows[:most] else []
        body = "\n\n".join([*rows, *more, *self.notes[: most + 1]])
        return details(self.title, body) if self.folded else f"**{self.title}**\n\n{body}"


def _told(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Without the columns that tell nothing."""
    kept = [number for number in range(len(headings)) if any(row[number] != NOTHING for row in rows)]
    return tuple(headings[number] for number in kept), [tuple(row[number] for number in kept) for row in rows]


def sections(change: Change) -> Iterator[Section]:
    """Those that the change has something for."""
    made = [
        _lost(change),
        _approvals(change),
        _gates(change),
        _conditions(change),
        _attestation(change),
        _new_indexes(change),
        _steps(change),
        _changes(change),
        _lint(change),
        _findings(change),
        _back(change),
    ]
    yield from (section for section in made if section.rows or section.notes)


def _lost(change: Change) -> Section:
    rows = [
        (each.operation, _KINDS.get(each.type, "other"), code(each.resource), "; ".join(_keys(each)) or NOTHING)
        for each in change.changes
        if each.loses and each.type not in MONITOR_TYPES
    ]
    title = "Would be deleted or replaced" if change.verdict == "refused" else "Is deleted or replaced"
    return Section(f"⚠️ {title}", ("change", "kind", "what", "keys"), rows, folded=False)


def _keys(change: PlannedChange) -> Iterator[str]:
    for one in change.properties:
        if one.name in {"keySchemas", "hashKey", "rangeKey"} and one.old is not None:
            yield code(value_text(one.old), SHOWN_VALUE)


def _approvals(change: Change) -> Section:
    found = change.approvals
    rows = [
        (
            code(one.index),
            prose(one.by),
            code(one.at),
            _yes(one.application_updated),
            f"run {code(one.check_run)}" if one.check_run else _yes(one.tests_passed),
        )
        for one in found.added
    ]
    notes = [f"Withdrawn: {code(index)}." for index in found.withdrawn]
    if found.base is None and found.why and rows:
        notes.append(f"What this change adds is not known: {prose(found.why)}.")
    title = f"Approvals that this change adds, compared with {code(found.base or '')}"
    headings = ("removal of", "by", "at", "application updated", "tests passed")
    return Section(title, headings, rows, folded=False, notes=tuple(notes))


def _yes(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _gates(change: Change) -> Section:
    going = {f"{step.tables[0]}/{step.index}" for step in change.steps if step.action == RemoveIndex.ACTION}
    rows = [
        (
            code(gate.index),
            _gate_state(gate, opening=gate.index in going),
            code(gate.earliest_at) if gate.earliest_at else NOTHING,
            _missing(gate),
        )
        for gate in change.gates
    ]
    return Section("Retired indexes", ("index", "gate", "not before", "missing"), rows, folded=False)


def _gate_state(gate: IndexGate, *, opening: bool) -> str:
    if gate.open:
        return "open"
    return "opens in this run" if opening else "**shut**"


def _missing(gate: IndexGate) -> str:
    shut = [each for each in gate.conditions if not each.holds]
    return ", ".join(f"{prose(each.name)} ({_NEEDED[each.needs or 'nothing known']})" for each in shut) or NOTHING


def _conditions(change: Change) -> Section:
    """The evidence of every gate, those conditions first that do not hold."""
    rows = [
        (NOTHING if len(change.gates) == 1 else code(gate.index), *_condition(condition))
        for gate in change.gates
        for condition in sorted(gate.conditions, key=lambda one: one.holds)
    ]
    met = sum(condition.holds for gate in change.gates for condition in gate.conditions)
    title = f"Evidence of {'the gate' if len(change.gates) == 1 else 'the gates'}: {met} of {len(rows)} conditions hold"
    return Section(title, ("index", "", "condition", "evidence", "not before"), rows)


def _condition(condition: Condition) -> tuple[str, ...]:
    evidence = prose(condition.evidence)
    if condition.needs is not None:
        evidence += f" ({_NEEDED[condition.needs]})"
    at = code(condition.earliest_at) if condition.earliest_at else NOTHING
    return "✓" if condition.holds else "✗", prose(condition.name), evidence, at


def _attestation(change: Change) -> Section:
    """What the stack that this one promotes from has attested, what does not hold first."""
    found = change.attestation
    if found is None:
        return Section("", (), [])
    rows = [_condition(condition) for condition in sorted(found.conditions, key=lambda one: one.holds)]
    said = {None: "not known", True: "this change is attested", False: "not yet"}[found.allows]
    notes = (f"It could not be read: {prose(found.why)}",) if found.allows is None else ()
    title = f"Attestation of stack {code(found.stack)}: {said}"
    return Section(title, ("", "condition", "evidence", "not before"), rows, folded=False, notes=notes)


def _new_indexes(change: Change) -> Section:
    """Those that readers may not use yet."""
    rows = []
    for one in change.new_indexes:
        _, _, evidence, at = _condition(one.read_ready)
        if not one.read_ready.holds:
            rows.append((code(one.index), evidence, at))
    return Section(f"New indexes that nobody may read yet: {len(rows)}", ("index", "why", "not before"), rows)


def _steps(change: Change) -> Section:
    rows = [_step(number, step) for number, step in enumerate(change.steps, 1)]
    headings = ("", "step", "on and why", "time>", "items>", "write units>")
    return Section(f"Steps that <code>migrate</code> would run: {len(rows)}", headings, rows, notes=_cost(change))


def _step(number: int, step: PlannedStep) -> tuple[str, ...]:
    on = code(f"{step.tables[0]}/{step.index}") if step.index else ", ".join(map(code, step.tables)) or "the stack"
    expected = step.expected
    basis = f"<br><sub>{prose(expected.basis)}</sub>" if expected_text(expected) else ""
    return (
        str(number),
        step.action,
        f"{on}<br>{prose(step.why)}{basis}",
        NOTHING if expected.seconds is None else span(expected.seconds),
        figure(expected.items),
        figure(expected.write_units),
    )


def _cost(change: Change) -> tuple[str, ...]:
    cost = change.cost
    if cost.monthly_before is None or cost.monthly_after is None:
        return (f"Cost a month, before and after: not known; {prose(cost.note)}.",) if change.steps else ()
    return (f"Cost a month: {cost.monthly_before:,.2f} → {cost.monthly_after:,.2f} dollars.",)


def _changes(change: Change) -> Section:
    data = [each for each in change.changes if each.type not in MONITOR_TYPES]
    rows = [(each.operation, code(each.resource), "<br>".join(_properties(each)) or NOTHING) for each in data]
    watching = Counter(each.operation for each in change.changes if each.type in MONITOR_TYPES)
    parts = [f"{operation} {counted(number, 'monitor')}" for operation, number in sorted(watching.items())]
    notes = (f"And {', '.join(parts)}: alarms and their like, which hold no data.",) if parts else ()
    title = f"What Pulumi would change: {counted(len(data), 'resource')} with data, {sum(watching.values())} without"
    return Section(title, ("change", "resource", "old → new"), rows, notes=notes)


def _properties(change: PlannedChange) -> Iterable[str]:
    whole = change.operation in {"create", "delete"}
    for one in change.properties:
        if whole and one.name in _SAID_BY_THE_NAME:
            continue
        old, new = (code(value_text(value), SHOWN_VALUE) for value in (one.old, one.new))
        if change.operation == "create":
            yield f"{prose(one.name)}: {new}"
        elif change.operation == "delete":
            yield f"{prose(one.name)}: {old}"
        else:
            yield f"{prose(one.name)}: {old} → {new}"


def _lint(change: Change) -> Section:
    rows = [
        (
            f"{code(one.code)} {one.severity}",
            code(f"{one.file}:{one.line}"),
            prose(one.what),
            prose(one.next) if one.accepted is None else f"accepted: {prose(one.accepted)}",
        )
        for one in change.lint
    ]
    accepted = sum(one.accepted is not None for one in change.lint)
    title = f"Lint: {counted(len(rows) - accepted, 'finding')}, {accepted} more accepted"
    return Section(title, ("finding", "line", "what", "to do"), rows)


def _findings(change: Change) -> Section:
    rows = [
        (
            ", ".join(map(code, one.tables)) or "the stack",
            prose(one.text) if one.known else f"not known: {prose(one.text)}",
        )
        for one in change.findings
    ]
    rows += [("left alone", prose(line)) for line in change.left_alone]
    rows += [("now", prose(line)) for line in change.notes]
    return Section(f"To know: {len(rows)}", ("", ""), rows)


def _back(change: Change) -> Section:
    lines = change.commands.back
    notes = ("Each asks first.", console(lines[:MOST_COMMANDS])) if lines else ()
    return Section("The way back", (), [], notes=notes)
