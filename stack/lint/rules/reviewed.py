"""Rules about what people have reviewed in a stack file: approvals, and what they accepted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from schema.parts import BillingMode
from schema.references import IndexRef
from stack.ledger.codec import written
from stack.lint.finding import Found, Linted

AHEAD = timedelta(days=1)
"""How far ahead an approval may be dated: a date without a time is read as UTC, and somewhere it is tomorrow."""
OF_A_CHANGE = {"L006", "L021"}
"""Codes that nothing is found of without another commit to compare with."""
_AGAIN = "Look at what changed, then approve again: ./invoke approve"


def older_than_code(linted: Linted) -> Iterator[Found]:
    """The code that declares a retired index was changed after its removal was approved."""
    for _, old, ref in linted.retired:
        approval = linted.config.settings.approvals.get(ref)
        times = [linted.changed(each) for each in (ref, IndexRef(ref.table, old.replaced_by))]
        changed = max((time for time in times if time is not None), default=None)
        if approval is not None and changed is not None and approval.at < changed:
            yield Found(
                str(ref),
                f"The approval for {ref} is of {written(approval.at)}, and the code that declares it or its "
                f"replacement was changed at {written(changed)}.",
                "Who approved it did not see this code.",
                f"{_AGAIN} --table {ref.table} --index {ref.index}",
                setting=("approvals", str(ref)),
            )


def dated_ahead(linted: Linted) -> Iterator[Found]:
    """An approval is of a time to come."""
    for ref, approval in linted.config.settings.approvals.items():
        if approval.at > linted.now + AHEAD:
            yield Found(
                str(ref),
                f"The approval for {ref} is of {written(approval.at)}, which is to come.",
                "An approval ends when its index is built again after it. One that is dated ahead would not.",
                f"{_AGAIN} --table {ref.table} --index {ref.index}",
                setting=("approvals", str(ref)),
            )


def without_effect(linted: Linted) -> Iterator[Found]:
    """A setting names a table or index for which it does nothing."""
    for setting, name, why in (*_useless_of_tables(linted), *_useless_of_indexes(linted)):
        what = f"{setting} names {name}, where it does nothing."
        yield Found(f"{setting} {name}", what, why, "Take it out.", setting=(setting, name))


def _useless_of_tables(linted: Linted) -> Iterator[tuple[str, str, str]]:
    settings, schema = linted.config.settings, linted.schema
    for name in settings.accepted_violations:
        if not schema.table(name).backfilled:
            yield "acceptedViolations", name, "The table has no backfill, so nothing is left out of an index by it."
    for setting, names in (("replaceStreams", settings.replace_streams), ("keepStream", settings.keep_stream)):
        for name in names:
            if not schema.table(name).existing:
                yield setting, name, "The migration creates the table, with the right stream."


def _useless_of_indexes(linted: Linted) -> Iterator[tuple[str, str, str]]:
    settings, schema = linted.config.settings, linted.schema
    for ref in settings.accepted_hot_keys:
        if schema.index(ref).existing:
            yield "acceptedHotKeys", str(ref), "The keys of an index that was live before are not measured."
    for ref in settings.building_write_units:
        if schema.index(ref).existing:
            yield "buildingWriteUnits", str(ref), "The index was live before, so it is not built."
        elif schema.table(ref.table).billing_mode is BillingMode.ON_DEMAND:
            yield "buildingWriteUnits", str(ref), "The table is on demand, so its indexes have no capacity."


def accepted_in_vain(linted: Linted) -> Iterator[Found]:
    """A stack accepts a finding that there is not. It is the last rule: it goes by what the others found."""
    for code, subjects in linted.config.settings.accepted_findings.items():
        if code in OF_A_CHANGE and linted.earlier is None:
            continue
        for subject in subjects:
            if (code, subject) not in linted.found:
                yield Found(
                    f"{code} {subject}",
                    f"acceptedFindings accepts {code} for {subject}, and there is no such finding.",
                    "It may be mistyped. If it was mended, the next one like it would be accepted without a look.",
                    "Take it out, or correct the code or the name.",
                    setting=("acceptedFindings", code, subject),
                )
