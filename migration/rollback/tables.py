"""Taking the new tables back: they are removed, with a backup of each that holds data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from dynamo.expressions import Expressions
from dynamo.reader import Reader
from migration.rollback.indexes import RolledBack
from migration.rollback.stages import Proposal, Stage, agreed, ahead, forget, planned, through, verifying
from migration.session.context import Context
from migration.session.reading import reader_of
from migration.session.waiting import settled, wait_for
from migration.steps.backups import backed_up
from migration.steps.step import Action, Step
from schema.errors import Refused, UsageError
from schema.model import Table
from stack.declaration import present
from stack.ledger.intents import KIND, Intent, intending
from stack.ledger.ledger import Facts
from stack.world.managed import index_resource
from stack.world.world import World


def holds_data(reader: Reader) -> bool:
    """Whether the table has an item now: read consistently, for AWS's own count is hours old."""
    return any(page.items for page in reader.scan(Expressions(), most_a_page=1, consistent=True))


def tables_rollback(context: Context, holding_data: Iterable[str]) -> Proposal[RolledBack]:
    """The rollback of all new tables; of those that hold data only if `holding_data` (names in the schema) names them.
    Raises UsageError for a name that is no new table's, Refused when nothing may be done."""
    new = [table for table in context.schema if not table.existing]
    confirmed = frozenset(holding_data)
    unknown = sorted(confirmed - {table.name for table in new})
    if unknown:
        raise UsageError(
            f"{unknown[0]!r} is no new table.",
            f"The schema's new tables: {', '.join(table.name for table in new) or 'none'}.",
            "Correct --holding-data: names with commas between them.",
        )
    world = context.read_world()
    context.refuse_others_tables(world.proofs)
    tables = [table for table in new if _is_known(world, table)]
    if not tables:
        raise Refused(
            f"Stack {context.config.stack} has no new table.",
            "So there is nothing to roll back.",
            f"Run: ./invoke plan --stack {context.config.stack}",
        )
    removal = _Removing(context, tables, confirmed)
    holding = removal.holding(world)
    removal.refuse_unconfirmed(world, holding)
    says = [_said(table, world, holding) for table in tables]
    says += [
        f"What reads them fails from then on: {pattern.name}."
        for pattern in context.schema.access_patterns
        if pattern.table in {table.name for table in tables}
    ]

    def do() -> RolledBack:
        run = through(context, "the new tables", removal.stages)
        names = [table.name for table in tables]
        facts = {"removed": names, "backups": removal.backups}
        return RolledBack(run, f"Removed: {', '.join(names)}.", facts, ahead(context))

    return Proposal(tuple(says), do)


class _Removing:
    """`backups` are the ARNs of those that were made, by table."""

    def __init__(self, context: Context, tables: list[Table], confirmed: frozenset[str]) -> None:
        self._context = context
        self._tables = tables
        self._confirmed = confirmed
        self._names = tuple(table.name for table in tables)
        self.backups: dict[str, str] = {}

    def holding(self, world: World) -> frozenset[str]:
        """The tables that hold data, or may have: one that somebody else has deleted can not be asked."""

        def may_hold(name: str) -> bool:
            if name in world.live:
                return holds_data(reader_of(self._context, world.live[name]))
            return world.proofs.of(KIND, name) is None

        return frozenset(filter(may_hold, self._names))

    def refuse_unconfirmed(self, world: World, holding: frozenset[str]) -> None:
        """Raises Refused unless all of these were confirmed by name."""
        unconfirmed = [name for name in self._names if name in holding - self._confirmed]
        if not unconfirmed:
            return
        flag = f"If that is right, add: --holding-data {','.join(sorted(self._confirmed | set(unconfirmed)))}"
        gone = [name for name in unconfirmed if name not in world.live]
        if gone:
            raise Refused(
                f"New tables are gone, and may have held data: {', '.join(gone)}.",
                "No rollback has removed them. Named, they are forgotten, and `migrate` makes them again, empty.",
                flag,
            )
        raise Refused(
            f"New tables hold data: {', '.join(unconfirmed)}.",
            "They are removed only if they are named, and backed up before.",
            flag,
        )

    def stages(self, world: World) -> Iterable[Stage]:
        live = [name for name in self._names if name in world.live]
        if not all(world.live[name].is_settled for name in live):
            yield Step(Action.WAIT, tuple(live)), partial(self._wait, live)
        for name in sorted(self.holding(world) & set(live)):
            yield Step(Action.BACKUP, (name,)), partial(self._back_up, name)
        if live:
            yield Step(Action.RELEASE_TABLES, tuple(live)), self._release
        yield Step(Action.REMOVE_TABLES, self._names), self._remove
        yield verifying(self._context, Step(Action.VERIFY, self._names), self._holds)

    def _wait(self, names: Iterable[str]) -> Facts:
        for name in names:
            wait_for(self._context, name, settled(self._context))
        return {}

    def _back_up(self, name: str) -> Facts:
        context = self._context
        day = f"{datetime.fromisoformat(context.clock()):%Y%m%d}"
        facts = backed_up(context, name, f"{context.config.physical_name(name)}-pre-rollback-{day}")
        context.ledger.prove("backup", name, {**facts, "schema": context.schema.digest})
        self.backups[name] = str(facts["arn"])
        return facts

    def _release(self) -> Facts:
        world = agreed(self._context)
        there = present(self._context.schema, world)
        self._context.engine.up(world.live, there.releasing(self._there(world)))
        return {}

    def _remove(self) -> Facts:
        context, world = self._context, agreed(self._context)
        # Somebody may have written meanwhile.
        holding = self.holding(world)
        self.refuse_unconfirmed(world, holding)
        for name in sorted(holding & set(world.live) - set(self.backups)):
            self._back_up(name)
        forget(context, lambda subject: subject.partition("/")[0] in self._names)
        # Also those that are gone: what a killed rollback has left behind for them is taken back as well.
        indexes = {index_resource(table.name, index.name) for table in self._tables for index in table.indexes}
        resources = frozenset(indexes | set(self._names))
        tables = self._there(world)
        with intending(context.ledger, Intent.DELETE, resources):
            if tables:
                there = present(context.schema, world).releasing(tables).without_tables(tables)
                context.engine.up(world.live, there, deletions=resources)
        return {"backups": self.backups}

    def _there(self, world: World) -> list[Table]:
        return [table for table in self._tables if table.name in world.live]

    def _holds(self, world: World) -> Iterable[tuple[str, bool]]:
        managed = world.managed.tables | {resource.partition("/")[0] for resource in world.managed.indexes}
        steps = planned(self._context, world)
        created = {name for step in steps or () if step.action is Action.CREATE_TABLES for name in step.tables}
        for name in self._names:
            yield f"AWS lacks {name}", name not in world.live
            yield f"Pulumi's state lacks {name}", name not in managed
            if steps is not None:
                yield f"the plan creates {name} again", name in created


def _is_known(world: World, table: Table) -> bool:
    name = table.name
    return name in world.live or name in world.managed.tables or world.proofs.of("table", name) is not None


def _said(table: Table, world: World, holding: frozenset[str]) -> str:
    name, indexes = table.name, f"{len(table.indexes)} indexes"
    if name not in world.live:
        return f"Forgets table {name}, which is gone. `migrate` creates it again, empty."
    if name in holding:
        return f"Removes table {name}, which holds data, and its {indexes}, once a backup of it is AVAILABLE."
    return f"Removes table {name}, which is empty, and its {indexes}."
