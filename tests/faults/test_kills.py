"""The migration is killed, with signal 9, and run again: it ends where an undisturbed one ends, item by item.

`./invoke test --faults` runs all rounds; `./invoke test` only the sample.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkouts import running
from tests.faults.connection import severable
from tests.faults.killing import Killed, Moment, Point, Victim, migrate
from tests.faults.outcome import outcome
from tests.faults.undisturbed import Undisturbed

SEED = 20251104
RANDOM_KILLS = 20
LIFETIMES = {Victim.CLI: 1.0, Victim.PLUGIN: 0.6}
"""Seconds from the start of an `up`'s CLI, and of its plugin, to their end, about: on a quiet machine."""

Points = Callable[[Undisturbed], list[Point]]


def task_before_each_step(undisturbed: Undisturbed) -> list[Point]:
    return [Point(Victim.TASK, Moment.BEFORE, step) for step in undisturbed.steps]


def task_in_the_middle_of_each_step(undisturbed: Undisturbed) -> list[Point]:
    return [Point(Victim.TASK, Moment.DURING, step, seconds * 0.6) for step, seconds in undisturbed.seconds.items()]


def task_after_each_step(undisturbed: Undisturbed) -> list[Point]:
    return [Point(Victim.TASK, Moment.AFTER, step) for step in undisturbed.steps]


def cli_in_each_up(undisturbed: Undisturbed) -> list[Point]:
    return _in_each_up(undisturbed, Victim.CLI)


def plugin_in_each_up(undisturbed: Undisturbed) -> list[Point]:
    return _in_each_up(undisturbed, Victim.PLUGIN)


def _in_each_up(undisturbed: Undisturbed, victim: Victim) -> list[Point]:
    """Earlier in one, later in another."""
    ups = undisturbed.ups
    longest = LIFETIMES[victim]
    return [Point(victim, Moment.DURING, step, longest * number / len(ups)) for number, step in enumerate(ups)]


def connection_in_each_step(undisturbed: Undisturbed) -> list[Point]:
    return [
        Point(Victim.CONNECTION, Moment.DURING, step, seconds * 0.4) for step, seconds in undisturbed.seconds.items()
    ]


def anything_at_any_time(undisturbed: Undisturbed) -> list[Point]:
    chosen = random.Random(SEED)
    points: list[Point] = []
    for step in chosen.choices(undisturbed.steps, k=RANDOM_KILLS):
        victim = chosen.choice(list(Victim) if step in undisturbed.ups else [Victim.TASK, Victim.CONNECTION])
        longest = LIFETIMES.get(victim, undisturbed.seconds[step])
        points.append(Point(victim, Moment.DURING, step, chosen.uniform(0, longest)))
    return points


def a_sample(undisturbed: Undisturbed) -> list[Point]:
    def step(kind: str) -> str:
        return next(step for step in undisturbed.steps if step.startswith(kind))

    return [
        Point(Victim.TASK, Moment.DURING, step("backup")),
        Point(Victim.CLI, Moment.DURING, step("adopt"), 0.6),
        Point(Victim.TASK, Moment.DURING, step("backfill"), 3.0),
        Point(Victim.PLUGIN, Moment.DURING, step("create-index"), 0.2),
        Point(Victim.TASK, Moment.AFTER, step("create-index")),
        Point(Victim.TASK, Moment.DURING, step("create-tables"), 1.8),
        Point(Victim.CONNECTION, Moment.DURING, step("backfill constraints"), 1.0),
        Point(Victim.CLI, Moment.DURING, step("settle-capacity"), 0.3),
        Point(Victim.TASK, Moment.DURING, step("remove-index"), 1.5),
        Point(Victim.TASK, Moment.BEFORE, step("verify")),
    ]


def killed_at(points: list[Point], directory: Path, undisturbed: Undisturbed) -> Killed:
    """Migrates a stack of its own, killed at those points, and compares what it ends with."""
    with running(directory / "checkout") as checkout, severable(checkout) as connection:
        killed = migrate(checkout, points, connection)
        reached = outcome(checkout)
        for part, expected in undisturbed.outcome.items():
            assert reached[part] == expected, f"{part} after {[str(point) for point in killed.hit]}"
        # What is done is done: nothing is left for one more run.
        again = checkout.run("migrate")
        assert (again.returncode, again.stdout.partition(":")[0]) == (0, "Nothing to do")
        checkout.run("local.down")
        assert checkout.processes() == []
    return killed


def test_a_migration_that_is_killed_here_and_there_ends_as_an_undisturbed_one(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    killed = killed_at(a_sample(undisturbed), tmp_path, undisturbed)
    assert len(killed.hit) >= 8


@pytest.mark.faults
@pytest.mark.parametrize(
    ("points", "at_least"),
    [
        (task_before_each_step, 34),
        (task_in_the_middle_of_each_step, 28),
        (task_after_each_step, 33),
        (cli_in_each_up, 7),
        (plugin_in_each_up, 7),
        (connection_in_each_step, 26),
        (anything_at_any_time, 12),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_a_migration_that_is_killed_again_and_again_ends_as_an_undisturbed_one(
    tmp_path: Path, undisturbed: Undisturbed, points: Points, at_least: int
) -> None:
    killed = killed_at(points(undisturbed), tmp_path, undisturbed)
    print(f"\n{len(killed.hit)} killed, {len(killed.missed)} missed, {len(killed.codes)} runs: {killed.codes}")
    assert len(killed.hit) >= at_least
