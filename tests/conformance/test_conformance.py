"""A plugin does what the real one was recorded to do: plans, inputs, replacements, errors, and AWS at the end.

The stand-in is held to the recording always; with KEYSHIFT_AWS_PLUGIN=<path> (`./invoke conformance --plugin`) that
plugin is, which shows whether the recording is still true. `./invoke test` compares every third scenario, `./invoke
conformance` and `./invoke test --long` all of them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.lab import Lab
from tests.conformance.record import EXPECTED, versions
from tests.conformance.scenarios import SCENARIOS

RECORDED: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))
IN_SAMPLE = 3
"""Of so many scenarios, one is in the sample."""
EACH = [
    pytest.param(name, marks=[pytest.mark.long] if number % IN_SAMPLE else []) for number, name in enumerate(SCENARIOS)
]


def test_every_scenario_is_recorded() -> None:
    assert sorted(RECORDED) == sorted(SCENARIOS)


def test_each_recording_says_with_what_it_was_made() -> None:
    """docs/pulumi.md tells it: what only the stand-in was seen to do is no evidence about the real plugin."""
    made = [recording["recorded_with"] for recording in RECORDED.values()]
    assert {frozenset(versions) for versions in made} == {
        frozenset({"engine", "bridge", "upstream", "pulumi_aws", "moto"})
    }


def test_the_bridge_is_read_from_the_program_and_the_upstream_provider_is_told(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_bytes(b"\x00dep\tgithub.com/pulumi/pulumi-terraform-bridge/v3\tv3.128.0\th1:x\n\x00")
    made = versions(str(plugin), "v6")
    assert (made["bridge"], made["upstream"]) == ("v3.128.0", "v6")


@pytest.mark.parametrize("name", EACH)
def test_the_plugin_does_what_the_real_one_does(name: str, moto_endpoint: str, tmp_path: Path) -> None:
    lab = Lab(os.environ.get("KEYSHIFT_AWS_PLUGIN") or None, moto_endpoint, tmp_path)
    SCENARIOS[name](lab)
    assert lab.recording() == RECORDED[name]["seen"]
