"""Every kind of step, on the real engine: killed before, inside and after, done, taken back, and done once more.

A new kind of step is found here by itself: it has to be met on the way of a migration and its rollbacks. In CI each
kind is killed at one moment, in turn; `./invoke test --faults` kills each at all three.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from migration.rollback.restoring import restoration
from migration.run.prediction import facts_of
from migration.run.runner import plan_of
from migration.session.context import Context
from migration.session.exclusive import exclusive
from migration.steps.indexes.brown_out import BrownOut
from migration.steps.indexes.remove_index import RemoveIndex
from migration.steps.indexes.verify_index import VerifyIndex
from migration.steps.stack.verify import VerifyRollback
from migration.steps.stack.wait import Wait, WaitDeletable
from migration.steps.step import Step, Up
from migration.steps.tables.compare import Compare
from migration.steps.tables.restore import Restore, Source
from schema.model import Schema
from sitelogix.tables import PERSONNEL, WORK_LOGS
from stack.ledger.records import BackupProof
from tests.stacks import PEOPLE, SmallStack

SCHEMA = Schema((PERSONNEL, WORK_LOGS))
WINDOW = "{minutes: 0.001, everyMinutes: 5, leastWrites: 0}"
"""So short that each scan may be the last, and not zero: then no scan would begin before the index."""
MOMENTS = ("before", "inside", "after")


class Killed(BaseException):
    """What a killed process does next: nothing."""


def kinds(base: type[Step] = Step) -> set[type[Step]]:
    """Every kind of step that can be made, but for those that other tests define."""
    below = [kind for kind in base.__subclasses__() if kind.__module__.startswith("migration.")]
    found = {kind for kind in below if not getattr(kind, "__abstractmethods__", None)}
    return found.union(*map(kinds, below))


class Lifecycle:
    """A stack that is taken through its migration; each kind of step that it meets is put to the test once."""

    def __init__(self, stack: SmallStack, *, every_moment: bool) -> None:
        self.stack = stack
        self.every_moment = every_moment
        self.met: set[type[Step]] = set()
        self.looked: set[str] = set()

    @contextmanager
    def run(self) -> Iterator[Context]:
        """One process: it holds the lease, and knows only what AWS, Pulumi's state and the ledger say."""
        context = self.stack.context()
        with exclusive(context, "lifecycle", told=False):
            yield context

    def planned(self) -> list[Step]:
        context = self.stack.context()
        return list(plan_of(context, context.read_world(), self.looked).steps)

    def names(self) -> list[str]:
        return [step.name for step in self.planned()]

    def apply(self, step: Step) -> None:
        """Does it, and holds its prediction against the world."""
        with self.run() as context:
            before = context.read_world()
            step.apply(context, before)
            assert facts_of(context.read_world()) == facts_of(step.predicted(before)), step.name
        self.met.add(type(step))

    def kill(self, step: Step, moment: str) -> None:
        """Does it in a process that is killed at that moment."""
        with pytest.raises(Killed):
            self._killed(step, moment)

    def _killed(self, step: Step, moment: str) -> None:
        with self.run() as context:
            world = context.read_world()
            if moment == "inside":
                kill_inside(context)
            if moment != "before":
                step.apply(context, world)
            raise Killed

    def moments(self) -> tuple[str, ...]:
        """When the next kind of step is killed."""
        return MOMENTS if self.every_moment else (MOMENTS[len(self.met) % len(MOMENTS)],)

    def step(self, step: Step) -> None:
        """One planned step: killed at each moment, then done; it is planned until it is done, and no longer."""
        if type(step) not in self.met:
            for moment in self.moments():
                self.kill(step, moment)
                if step.name not in self.names() and not step.ONLY_LOOKS:
                    break
        if step.ONLY_LOOKS:
            self.looked.add(step.name)
        left = {each.name: each for each in self.planned()}
        if step.ONLY_LOOKS or step.name in left:
            self.apply(left.get(step.name, step))
        self.met.add(type(step))
        assert step.name not in self.names(), "done, it is not planned again"

    def take_back(self, step: Step) -> None:
        """The undoing of a step: killed inside, then done; the step is planned again, and done once more."""
        for undoing in step.undo():
            self.kill(undoing, "inside")
            self.apply(undoing)


def kill_inside(context: Context) -> None:
    """Ends the process at its first change: right after an `up`, or right before what it would prove."""
    up, prove = context.engine.up, context.ledger.prove

    def killed_up(*arguments: Any, **named: Any) -> Any:
        up(*arguments, **named)
        raise Killed

    def killed_prove(*arguments: Any) -> None:
        if context.engine.ups:
            prove(*arguments)
        raise Killed

    context.engine.up = killed_up  # type: ignore[method-assign]
    context.ledger.prove = killed_prove  # type: ignore[method-assign, assignment]


def approval(at: datetime) -> str:
    return (
        "  sitelogix:brownOutMinutes: 0.02\n"
        # Killed before it is noted, a read of our own counts as another reader's for so long.
        "  sitelogix:quietMinutes: 0\n"
        "  sitelogix:approvals:\n"
        "    personnel/GSI2-ProjectIndex: {applicationUpdated: true, testsPassed: true, by: a test, "
        f'at: "{at:%Y-%m-%dT%H:%M:%SZ}"}}\n'
    )


@pytest.fixture(scope="module", params=["sample", pytest.param("all", marks=pytest.mark.faults)])
def lifecycle(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str
) -> Lifecycle:
    directory: Path = tmp_path_factory.mktemp("lifecycle")
    stack = SmallStack.make(directory, moto_endpoint, SCHEMA)
    stack.watch = WINDOW
    stack.configure(approval(datetime(2025, 11, 4, tzinfo=UTC)))
    stack.seed({"personnel": PEOPLE})
    stack.context().ledger.create()
    return Lifecycle(stack, every_moment=request.param == "all")


def test_every_planned_step_can_be_killed_anywhere_and_is_then_done_as_predicted(lifecycle: Lifecycle) -> None:
    taken_back: set[type[Step]] = set()
    while steps := lifecycle.planned():
        step = steps[0]
        lifecycle.step(step)
        if step.undo() and type(step) not in taken_back and not isinstance(step, RemoveIndex):
            taken_back.add(type(step))
            lifecycle.take_back(step)
            assert step.name in lifecycle.names(), "taken back, it is planned again"
    assert sorted(kind.__name__ for kind in taken_back) == ["BackfillTable", "CreateIndex", "CreateTables"]
    assert lifecycle.stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]


def test_a_removal_is_taken_back_and_needs_a_newer_approval(lifecycle: Lifecycle) -> None:
    retired = PERSONNEL.retired[0]
    remove = RemoveIndex(schema=SCHEMA, table=PERSONNEL, index=retired.index, retired=retired)
    lifecycle.take_back(remove)
    lifecycle.apply(VerifyIndex(table=PERSONNEL, index=retired.index))
    claims: Any = lambda context, world: ()  # noqa: E731
    lifecycle.apply(VerifyRollback(names=("personnel",), index=remove.ref, claims=claims))
    lifecycle.looked.clear()
    assert remove.name not in lifecycle.names()
    lifecycle.stack.configure(approval(datetime.now(UTC)))
    assert {BrownOut, RemoveIndex} <= {type(step) for step in lifecycle.planned()}


def test_monitoring_that_is_missing_is_declared_by_a_step_of_its_own(lifecycle: Lifecycle) -> None:
    lifecycle.stack.configure("  sitelogix:subscriptions: [{protocol: email, endpoint: team@example.com}]\n")
    (monitor, _) = lifecycle.planned()
    lifecycle.step(monitor)


@pytest.mark.parametrize("kind", [Wait, WaitDeletable])
def test_what_aws_is_still_doing_is_waited_for(lifecycle: Lifecycle, kind: type[Step]) -> None:
    index = PERSONNEL.index("GSI1-NameIndex")
    table = dynamodb_backends["123456789012"]["us-east-1"].tables[lifecycle.stack.physical("personnel")]
    live = next(each for each in table.global_indexes if each.name == index.name)
    live.status = "UPDATING"
    step: Step = Wait(names=("personnel",)) if kind is Wait else WaitDeletable(table=PERSONNEL, index=index)
    with lifecycle.run() as context:
        before = context.read_world()

        class Done(type(context.reporter)):  # type: ignore[misc]
            """AWS is done once the run has told that it waits."""

            def progress(self, done: int, total: int, text: str, facts: Any = None) -> None:
                told.append(text)
                live.status = "ACTIVE"

        told: list[str] = []
        context.reporter = Done()
        step.apply(context, before)
        assert told[0] == "GSI1-NameIndex UPDATING"
        assert facts_of(context.read_world()) == facts_of(step.predicted(before))
    lifecycle.met.add(kind)


def test_a_restoration_goes_on_where_it_was_killed(lifecycle: Lifecycle) -> None:
    backup = lifecycle.stack.context().ledger.proof(BackupProof, "personnel")
    assert backup is not None
    source = Source(backup=backup.arn)
    for step in (Restore(table="personnel", source=source), Compare(table="personnel", source=source)):
        for moment in lifecycle.moments():
            if moment == "after":
                continue
            lifecycle.kill(step, moment)
            if isinstance(step, Restore):
                assert restoration(lifecycle.stack.context(), "personnel", source).says
        lifecycle.apply(step)


def test_no_kind_of_step_was_left_out(lifecycle: Lifecycle) -> None:
    assert kinds() - lifecycle.met == {Up} & kinds()
