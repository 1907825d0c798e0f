"""The whole migration, undisturbed, as the measure for every disturbed one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.checkouts import running
from tests.faults.outcome import Outcome, outcome


@dataclass(frozen=True)
class Undisturbed:
    """What it left behind, and how many seconds each of its steps took, in order."""

    outcome: Outcome
    seconds: dict[str, float]

    @property
    def steps(self) -> list[str]:
        """The names of all steps, in order."""
        return list(self.seconds)

    @property
    def ups(self) -> list[str]:
        """The steps that run a `pulumi up`."""
        kinds = {"adopt", "create-index", "create-tables", "settle-capacity", "remove-index"}
        return [step for step in self.steps if step.partition(" ")[0] in kinds]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    with running(tmp_path_factory.mktemp("undisturbed") / "checkout") as checkout:
        result = checkout.run("migrate", "--json")
        assert result.returncode == 0, result.stderr
        steps = {step["step"]: step["seconds"] for step in json.loads(result.stdout)["steps"]}
        yield Undisturbed(outcome(checkout), steps)
