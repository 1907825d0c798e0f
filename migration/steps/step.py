"""A step: one small change of a stack, or one look at it, that is a no-op when it is already true.

Every kind of step is one class, with the same verbs. Its file also holds the steps that take it back.

    apply    does it, on the real stack, and returns what is noted of it
    effect   predicts the world after it, from the world before: plans are made of predictions
    told     the result in a few words, for a person
    undo     the steps that take it back; none where nothing is changed, or where nothing can be taken back
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar

from migration.session.context import Context
from schema.model import Index, Schema, Table
from schema.references import IndexRef
from stack.ledger.ledger import Facts
from stack.ledger.records import STACK, VerifiedProof
from stack.world.world import MISSING, OK, World, live_refs


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """One step. `why` says why it is needed now.

    `ONLY_LOOKS` marks steps that change no table: once done they may be needed again, but not in the same run.
    `NEEDS_BACKUP` marks steps that change which items or indexes a table has. `NOT_RECORDED` are facts that are told
    and not kept in the history, because they may be personal.
    """

    ACTION: ClassVar[str]
    ONLY_LOOKS: ClassVar[bool] = False
    NEEDS_BACKUP: ClassVar[bool] = False
    NOT_RECORDED: ClassVar[frozenset[str]] = frozenset()

    why: str = ""

    @property
    @abstractmethod
    def tables(self) -> tuple[str, ...]:
        """The tables that it is about, by their names in the schema; none: the whole stack."""

    @property
    def ref(self) -> IndexRef | None:
        """The index that it is about, if it is about one."""
        return None

    @abstractmethod
    def apply(self, context: Context, world: World) -> Facts:
        """Does it; `world` was just read. Returns what is noted of it. Raises ToolError."""

    @abstractmethod
    def effect(self, world: World) -> World:
        """The world after it, as far as plans and gates look at it."""

    def told(self, facts: Facts) -> str:
        """What it did, by what was noted of it; empty where there is nothing to say."""
        return ""

    def undo(self) -> tuple[Step, ...]:
        """The steps of a rollback of it, in their order."""
        return ()

    @property
    def subject(self) -> str:
        """What it is about, such as `reports/GSI3-StatusIndex`."""
        return str(self.ref) if self.ref else ", ".join(self.tables)

    @property
    def name(self) -> str:
        """The same name for the same step in every run."""
        return f"{self.ACTION} {self.subject}".strip()

    def predicted(self, world: World) -> World:
        """The effect; whatever was verified before is no longer, once something changes."""
        after = self.effect(world)
        return after if self.ONLY_LOOKS else after.without_proofs(STACK, VerifiedProof)


@dataclass(frozen=True, kw_only=True)
class OfTables(Step):
    """A step about the tables of these `names` (in the schema)."""

    names: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return self.names


@dataclass(frozen=True, kw_only=True)
class OfTable(Step):
    """A step about one `table`."""

    table: Table = field(repr=False)

    @property
    def tables(self) -> tuple[str, ...]:
        return (self.table.name,)


@dataclass(frozen=True, kw_only=True)
class OfIndex(OfTable):
    """A step about one `index` of one `table`."""

    index: Index

    @property
    def ref(self) -> IndexRef:
        return self.table.ref(self.index)


@dataclass(frozen=True, kw_only=True)
class Up(Step):
    """A step that runs a `pulumi up` of all that `schema` has in AWS."""

    schema: Schema = field(repr=False)

    def managed(self, world: World) -> World:
        """The world once Pulumi's state holds what AWS has, and everything is monitored."""
        readings = world.readings
        quiet = tuple(replace(alarm, state=OK) if alarm.state == MISSING else alarm for alarm in readings.alarms)
        return replace(self.refreshed(world), unmonitored=frozenset(), readings=replace(readings, alarms=quiet))

    def refreshed(self, world: World) -> World:
        """The world once Pulumi's state holds what AWS has, without an `up`: what is monitored stays as it is."""
        tables = frozenset(table.name for table in self.schema if table.name in world.live)
        indexes = live_refs(world.live, self.schema.every_ref)
        return replace(world, managed=replace(world.managed, created=True, tables=tables, indexes=indexes, pending=0))
