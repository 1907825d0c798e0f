"""What a plan is made of: steps, what waits for conditions, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from migration.plan.findings import Finding
from migration.steps.indexes.settle_capacity import SettleCapacity
from migration.steps.items.backfill import BackfillTable
from migration.steps.items.late_writers import LateWriters
from migration.steps.stack.verify import Verify
from migration.steps.stack.wait import Wait
from migration.steps.step import Step
from migration.steps.tables.adopt import Adopt
from migration.steps.tables.backup import Backup
from schema.references import IndexRef
from stack.gates.claims import Claim


@dataclass(frozen=True)
class Blocked:
    """An index that waits, with the claims that do not hold: a retired one that cannot go yet, or a new one (`is_new`)
    that nobody should read from yet."""

    ref: IndexRef
    shut: tuple[Claim, ...]
    is_new: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps in order, the indexes that wait for conditions, what is live but left alone, and what else a person
    should know of the tables."""

    steps: tuple[Step, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    left_alone: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def narrowed(self, table: str | None, index: str | None) -> Plan:
        """Only what concerns one table, or one index of it. Adoption stays whole: Pulumi's state is one."""
        if table is None:
            return self

        def concerns(step: Step) -> bool:
            if isinstance(step, Wait | Backup | Adopt):
                return True
            if isinstance(step, Verify) or table not in step.tables:
                return False
            if isinstance(step, SettleCapacity):
                # An index that this run does not build would still have to be settled after the step.
                return any(ref.table == table and index in {None, ref.index} for ref, _ in step.steady)
            return index is None or step.ref is None or step.ref.index == index

        return replace(
            self._only(concerns),
            blocked=tuple(one for one in self.blocked if one.ref.table == table and index in {None, one.ref.index}),
            findings=tuple(one for one in self.findings if not one.tables or table in one.tables),
        )

    def late_writers_only(self, tables: Collection[str]) -> Plan:
        """Only the scans for late writers of these tables."""
        found = self._only(lambda step: isinstance(step, LateWriters) and step.ONLY_LOOKS and step.table.name in tables)
        return Plan(found.steps)

    def backfills_only(self, table: str | None) -> Plan:
        """Only the backfills, of one table or of all, with the backups that go before them."""
        filled = {step.table.name for step in self.steps if isinstance(step, BackfillTable)}
        wanted = {name for name in filled if table in {None, name}}
        found = self._only(lambda step: isinstance(step, Wait | Backup | BackfillTable) and set(step.tables) <= wanted)
        return Plan(found.steps)

    def _only(self, concerns: Callable[[Step], bool]) -> Plan:
        return replace(self, steps=tuple(step for step in self.steps if concerns(step)))
