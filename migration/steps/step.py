"""What a plan is made of: steps, what waits, and what is left alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from stack.gates.claims import Claim
from stack.world.managed import index_resource


class Action(StrEnum):
    """What a step does."""

    WAIT = "wait"
    BACKUP = "backup"
    ADOPT = "adopt"
    BACKFILL = "backfill"
    BEGIN_WATCH = "begin-watch"
    CREATE_INDEX = "create-index"
    VERIFY_INDEX = "verify-index"
    CREATE_TABLES = "create-tables"
    SETTLE_CAPACITY = "settle-capacity"
    MONITOR = "monitor"
    WATCH = "watch"
    SHADOW_READ = "shadow-read"
    READ_INDEX = "read-index"
    BROWN_OUT = "brown-out"
    REMOVE_INDEX = "remove-index"
    VERIFY = "verify"
    # Of rollbacks alone: no plan has them.
    RELEASE_TABLES = "release-tables"
    REMOVE_TABLES = "remove-tables"
    RESTORE = "restore"
    COMPARE = "compare"


EVIDENCE = {Action.WATCH, Action.SHADOW_READ, Action.READ_INDEX}
"""Steps that only look: done, they may well be needed again, but not in the same run."""
UPS = {Action.ADOPT, Action.CREATE_INDEX, Action.CREATE_TABLES, Action.SETTLE_CAPACITY}
"""Steps that run a `pulumi up`, which declares the monitoring too."""
CHANGING = {Action.ADOPT, Action.BACKFILL, Action.CREATE_INDEX, Action.REMOVE_INDEX}
"""Steps that change what items or indexes a table has: none without a backup."""


@dataclass(frozen=True)
class Step:
    """One step: what it does to which tables (names in the schema), to which index, and why it is needed now."""

    action: Action
    tables: tuple[str, ...] = ()
    index: str | None = None
    why: str = ""

    @property
    def subject(self) -> str:
        """What the step is about, such as `reports/GSI3-StatusIndex`."""
        return index_resource(self.tables[0], self.index) if self.index else ", ".join(self.tables)

    @property
    def name(self) -> str:
        """The same name for the same step in every run."""
        return f"{self.action} {self.subject}".strip()


@dataclass(frozen=True)
class Held:
    """An index that waits, with the conditions that do not hold: a retired one that can not go yet, or a new one that
    (`is_new`) nobody should read from yet."""

    table: str
    index: str
    shut: tuple[Claim, ...]
    is_new: bool = False

    @property
    def subject(self) -> str:
        return index_resource(self.table, self.index)


@dataclass(frozen=True)
class Plan:
    """The steps in order, the removals that wait for their gate, and what is live but left alone."""

    steps: tuple[Step, ...] = ()
    held: tuple[Held, ...] = ()
    left_alone: tuple[str, ...] = ()

    def narrowed(self, table: str | None, index: str | None) -> Plan:
        """Only what concerns one table, or one index of it. Adoption stays whole: Pulumi's state is one."""
        if table is None:
            return self
        whole_stack = {Action.WAIT, Action.BACKUP, Action.ADOPT}

        def concerns(step: Step) -> bool:
            if step.action in whole_stack:
                return True
            if step.action is Action.VERIFY or table not in step.tables:
                return False
            return index is None or step.index in {None, index}

        return replace(
            self,
            steps=tuple(step for step in self.steps if concerns(step)),
            held=tuple(held for held in self.held if held.table == table and index in {None, held.index}),
        )

    def looks_only(self, tables: Collection[str]) -> Plan:
        """Only the looks for late writers at these tables."""
        looks = (step for step in self.steps if step.action is Action.WATCH and step.tables[0] in tables)
        return Plan(tuple(looks))

    def backfills_only(self, table: str | None) -> Plan:
        """Only the backfills, of one table or of all, with the backups that go before them."""
        filled = {step.tables[0] for step in self.steps if step.action is Action.BACKFILL}
        wanted = {name for name in filled if table in {None, name}}

        def concerns(step: Step) -> bool:
            return step.action in {Action.WAIT, Action.BACKUP, Action.BACKFILL} and set(step.tables) <= wanted

        return Plan(tuple(step for step in self.steps if concerns(step)))
