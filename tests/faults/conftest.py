"""The whole migration, undisturbed, as the measure for every disturbed one."""

from __future__ import annotations

import json

import pytest

from tests.checkouts import running
from tests.faults.outcome import outcome
from tests.faults.undisturbed import Undisturbed, kept


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """That of the test of the local migration, where this run of the suite has it by now."""
    with kept(tmp_path_factory) as place:
        found = place.get()
        if found is None:
            with running(tmp_path_factory.mktemp("undisturbed") / "checkout") as checkout:
                result = checkout.run("migrate", "--json")
                assert result.returncode == 0, result.stderr
                seconds = {step["step"]: step["seconds"] for step in json.loads(result.stdout)["steps"]}
                found = Undisturbed(outcome(checkout), seconds)
            place.put(found)
        return found
