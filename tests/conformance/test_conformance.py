"""A plugin does what the real one was recorded to do: plans, inputs, replacements, errors, and AWS at the end.

The stand-in is held to the recording always; with KEYSHIFT_AWS_PLUGIN=<path> (`./invoke conformance --plugin`) that
plugin is, which shows whether the recording is still true.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.lab import Lab
from tests.conformance.record import EXPECTED
from tests.conformance.scenarios import SCENARIOS

RECORDED: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))


def test_every_scenario_is_recorded() -> None:
    assert sorted(RECORDED) == sorted(SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_plugin_does_what_the_real_one_does(name: str, moto_endpoint: str, tmp_path: Path) -> None:
    lab = Lab(os.environ.get("KEYSHIFT_AWS_PLUGIN") or None, moto_endpoint, tmp_path)
    SCENARIOS[name](lab)
    assert lab.recording() == RECORDED[name]["seen"]
