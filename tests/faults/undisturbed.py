"""A whole migration, undisturbed, as the measure for every disturbed one. It is made once in a run of the suite."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.checkouts import Checkout
from tests.faults.outcome import Outcome, outcome
from tests.once import once


@dataclass(frozen=True)
class Undisturbed:
    """What it left behind, and how many seconds each of its steps took, in order."""

    outcome: Outcome
    seconds: dict[str, float]

    @staticmethod
    def of(checkout: Checkout) -> Undisturbed:
        """What the only run of that checkout's local stack has left. Steps are known to a second."""
        (run,) = json.loads(checkout.run("history", "--json").stdout)["events"]
        steps = json.loads(checkout.run("history", "--run", run["id"], "--json").stdout)["steps"]
        return Undisturbed(outcome(checkout), {step["name"]: _seconds(step) for step in steps})

    @property
    def steps(self) -> list[str]:
        """The names of all steps, in order."""
        return list(self.seconds)

    @property
    def ups(self) -> list[str]:
        """The steps that run a `pulumi up`."""
        kinds = {"adopt", "create-index", "create-tables", "settle-capacity", "remove-index"}
        return [step for step in self.steps if step.partition(" ")[0] in kinds]


def _seconds(step: dict[str, str]) -> float:
    return (datetime.fromisoformat(step["ended"]) - datetime.fromisoformat(step["began"])).total_seconds()


@dataclass
class Kept:
    """Where it is kept for all processes of one run of the suite."""

    _file: Path

    def get(self) -> Undisturbed | None:
        """It, if it was made."""
        if not self._file.exists():
            return None
        found: Undisturbed = pickle.loads(self._file.read_bytes())  # noqa: S301  # our own file of this very run
        return found

    def put(self, made: Undisturbed) -> None:
        """Keeps it."""
        self._file.write_bytes(pickle.dumps(made))


@contextmanager
def kept(factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """The keeping place; other processes wait until the block is left."""
    with once(factory, "undisturbed") as root:
        yield Kept(root / "undisturbed.pickle")
