"""What git says of a change: its commit, and the approvals that the base commit did not have."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from migration.change.base import approvals_of, commit_of
from migration.change.document import ApprovalOfIndex, Approvals
from schema.errors import UsageError

SETTING = "things:approvals"
BEFORE = """\
config:
  things:approvals:
    orders/GSI1-Old: {applicationUpdated: true, testsPassed: true, by: Ana, at: "2025-11-04"}
    orders/GSI2-Old: {applicationUpdated: true, testsPassed: true, by: Ana, at: "2025-11-04"}
"""
NOW = """\
config:
  things:approvals:
    orders/GSI1-Old: {applicationUpdated: true, testsPassed: true, by: Ana, at: "2025-11-04"}
    orders/GSI3-Old: {applicationUpdated: true, testsPassed: true, by: Bo, at: "2025-12-04T09:30:00Z"}
"""
ADDED = ApprovalOfIndex(
    index="orders/GSI3-Old", by="Bo", at="2025-12-04T09:30:00Z", application_updated=True, tests_passed=True
)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a test", "-c", "user.email=test@example.com"]
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A stack file that was changed since the main branch's commit, in a folder below the top of the checkout."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "below").mkdir()
    made = tmp_path / "below" / "Pulumi.staging.yaml"
    made.write_text(BEFORE, encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "before")
    made.write_text(NOW, encoding="utf-8")
    return made


def test_an_approval_that_the_base_lacks_is_added(file: Path) -> None:
    commit = git(file.parent, "rev-parse", "HEAD")
    assert commit_of(file.parent) == (commit, True)
    expected = Approvals(base="main", base_commit=commit, added=(ADDED,), withdrawn=("orders/GSI2-Old",))
    assert approvals_of(file.parent, file, SETTING) == expected
    assert approvals_of(file.parent, file, SETTING, "HEAD").base == "HEAD"


def test_an_approval_that_is_written_anew_counts_as_added(file: Path) -> None:
    file.write_text(BEFORE.replace("by: Ana", "by: Bo", 1), encoding="utf-8")
    assert [(one.index, one.by) for one in approvals_of(file.parent, file, SETTING).added] == [
        ("orders/GSI1-Old", "Bo")
    ]


@pytest.mark.parametrize("base", ["nowhere", "--help", "main:below", ""])
def test_a_base_that_is_no_commit_is_refused(file: Path, base: str) -> None:
    if not base:
        assert approvals_of(file.parent, file, SETTING, base).base == "main"
        return
    with pytest.raises(UsageError) as refused:
        approvals_of(file.parent, file, SETTING, base)
    assert refused.value.what == f"--base {base} is no commit."


def test_a_clone_without_a_main_branch_does_not_know(file: Path) -> None:
    git(file.parent, "branch", "-m", "another")
    assert approvals_of(file.parent, file, SETTING) == Approvals(why="git knows neither origin/main nor main")


def test_outside_git_nothing_is_known(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.staging.yaml"
    file.write_text(NOW, encoding="utf-8")
    assert approvals_of(tmp_path, file, SETTING) == Approvals(why="this is no git checkout")
    assert commit_of(tmp_path) == (None, None)
