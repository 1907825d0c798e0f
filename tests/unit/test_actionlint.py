"""actionlint finds nothing in the workflows. It is a Go module, pinned with its hashes in tools/actionlint."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.limits import HANGS
from tests.workflows import CHECKOUT, FOLDER

MODULE = CHECKOUT / "tools" / "actionlint"


@pytest.fixture(scope="module")
def actionlint() -> str:
    """The program. Go builds it once and keeps it. Skips where Go or the module cannot be had, but in CI."""
    go = shutil.which("go")
    missing = "there is no go" if go is None else ""
    if go is not None:
        found = subprocess.run(
            [go, "tool", "-n", "actionlint"], cwd=MODULE, capture_output=True, text=True, timeout=HANGS, check=False
        )
        if found.returncode == 0:
            return found.stdout.strip()
        missing = found.stderr.strip()
    if os.environ.get("CI"):
        pytest.fail(f"CI has to run actionlint: {missing}")
    pytest.skip(f"needs actionlint: {missing}")


def linted(program: str, checkout: Path) -> tuple[int, str]:
    """The exit code of actionlint, and what it found, in the workflows of a checkout."""
    config = checkout / ".github" / "actionlint.yaml"
    files = sorted((checkout / ".github" / "workflows").glob("*.yml"))
    command = [program, "-no-color", "-oneline", "-config-file", str(config), *map(str, files)]
    found = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=HANGS, check=False)
    return found.returncode, found.stdout + found.stderr


def test_actionlint_finds_nothing(actionlint: str) -> None:
    assert linted(actionlint, CHECKOUT) == (0, "")


def test_actionlint_finds_an_unknown_key_an_unknown_output_and_an_event_s_text_in_a_script(
    actionlint: str, tmp_path: Path
) -> None:
    shutil.copytree(CHECKOUT / ".github", tmp_path / ".github")
    (tmp_path / ".git").mkdir()
    text = (FOLDER / "pull-request.yml").read_text(encoding="utf-8")
    text = text.replace("queue: max", "queue: max\n      quee: max").replace("steps.preview.outputs", "steps.p.outputs")
    text = text.replace("exec .ci/run", "exec .ci/run ${{ github.event.pull_request.title }}")
    (tmp_path / ".github" / "workflows" / "pull-request.yml").write_text(text, encoding="utf-8")
    code, found = linted(actionlint, tmp_path)
    assert code == 1
    assert 'unexpected key "quee"' in found
    assert 'property "p" is not defined' in found
    assert "is potentially untrusted" in found
