"""Eight changes on real stacks, and their documents as files: `tests/golden/change/`. To write them anew:

KEYSHIFT_WRITE_GOLDEN=1 .venv/bin/python -m pytest tests/e2e/test_change_documents.py
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from migration.change.document import Change
from migration.change.making import change_of
from schema.model import Index, Schema
from schema.parts import Attribute
from sitelogix.tables import AI_ANALYSIS_CACHE, PERSONNEL, STEADY, WORK_LOGS
from terminal.markdown.change import comment
from tests.stacks import APPROVED, SCHEMA, SmallStack

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "change"
PROJECTS = Index("GSI3-TeamIndex", Attribute("team_id"), Attribute("full_name"), throughput=STEADY)
NEW_INDEX = Schema((replace(PERSONNEL, indexes=(*PERSONNEL.indexes, PROJECTS)), WORK_LOGS))
NEW_TABLE = Schema((PERSONNEL, WORK_LOGS, AI_ANALYSIS_CACHE))
OTHER_KEYS = replace(PERSONNEL.index("GSI2-StatusIndex"), sort_key=Attribute("full_name"))
RENAMED_KEY = Schema((replace(PERSONNEL, indexes=(PERSONNEL.indexes[0], OTHER_KEYS)), WORK_LOGS))
REMOVED_TABLE = Schema((PERSONNEL,))
TIME, COMMIT, LIVE = (
    "2026-01-02T03:04:05Z",
    "0123456789abcdef0123456789abcdef01234567",
    f"sha256:{'0123456789abcdef' * 4}",
)


def committed(stack: SmallStack) -> None:
    """Makes the stack's folder a git checkout whose main branch has its files as they are."""
    who = ["-c", "user.name=a test", "-c", "user.email=test@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "Pulumi.yaml", "Pulumi.local.yaml"]):
        subprocess.run(["git", *command], cwd=stack.directory, check=True)  # noqa: S607
    subprocess.run(["git", *who, "commit", "-q", "-m", "before"], cwd=stack.directory, check=True)  # noqa: S607


def normal(change: Change, stack: SmallStack) -> Change:
    """The change without what is another one in each run: names, times, commits and digests of what is live."""
    text = json.dumps(change.document()).replace(stack.prefix, "test-")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", TIME, text)
    text = re.sub(r"sha256:[0-9a-f]{64}", LIVE, text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a-uuid", text)
    return Change.model_validate_json(re.sub(r"\b[0-9a-f]{40}\b", COMMIT, text))


def document(stack: SmallStack, schema: Schema = SCHEMA) -> Change:
    return normal(change_of(stack.context(schema)), stack)


def compare(name: str, change: Change) -> None:
    """Compares the document with the golden files of that name."""
    made = {
        f"{name}.json": json.dumps(change.document(), indent=2, ensure_ascii=False) + "\n",
        f"{name}.md": comment(change),
    }
    for file, text in made.items():
        if os.environ.get("KEYSHIFT_WRITE_GOLDEN"):
            (GOLDEN / file).write_text(text, encoding="utf-8")
        assert text == (GOLDEN / file).read_text(encoding="utf-8")


def lost(change: Change) -> list[tuple[str, str]]:
    return [(one.operation, one.resource) for one in change.changes if one.loses and "dynamodb" in one.type]


@pytest.fixture(scope="module", autouse=True)
def _folder() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)


def test_a_new_index(migrated: SmallStack) -> None:
    committed(migrated)
    change = document(migrated, NEW_INDEX)
    assert (change.verdict, lost(change)) == ("safe", [])
    assert [step.action for step in change.steps] == [
        "backup",
        "create-index",
        "verify-index",
        "settle-capacity",
        "shadow-read",
        "verify",
    ]
    compare("new-index", change)


def test_a_new_index_of_a_stack_that_promotes_from_another_waits_for_its_attestation(migrated: SmallStack) -> None:
    text = (migrated.directory / "Pulumi.local.yaml").read_text(encoding="utf-8")
    staging = text.replace(f"tablePrefix: {migrated.prefix}", f"tablePrefix: {migrated.prefix}staging-")
    (migrated.directory / "Pulumi.staging.yaml").write_text(staging, encoding="utf-8")
    migrated.configure(f"{APPROVED}  sitelogix:promotesFrom: {{stack: staging}}\n")
    committed(migrated)
    change = document(migrated, NEW_INDEX)
    assert (change.verdict, change.error, lost(change)) == ("waiting", None, [])
    assert change.reasons == ("Stack staging has not attested this yet. Missing: attested.",)
    assert change.commands.on == ("./invoke attest --stack staging", "./invoke migrate --stack local")
    compare("unattested", change)
    # Where nothing is left to change, nobody has to attest anything.
    as_declared = document(migrated)
    assert as_declared.attestation is not None
    assert (as_declared.verdict, as_declared.attestation.allows) == ("safe", False)


def test_a_new_table(migrated: SmallStack) -> None:
    committed(migrated)
    change = document(migrated, NEW_TABLE)
    assert (change.verdict, lost(change)) == ("safe", [])
    assert change.commands.back == ("./invoke rollback --new-tables --stack local",)
    compare("new-table", change)


def test_an_approval_shows_exactly_one_deletion(unapproved: SmallStack) -> None:
    committed(unapproved)
    waiting = document(unapproved)
    assert (waiting.verdict, lost(waiting), waiting.steps) == ("waiting", [], ())
    compare("waiting", waiting)
    unapproved.configure(APPROVED)
    change = document(unapproved)
    assert lost(change) == [("delete", "personnel/GSI2-ProjectIndex")]
    assert [(one.index, one.by) for one in change.approvals.added] == [("personnel/GSI2-ProjectIndex", "a test")]
    compare("approval", change)


def test_a_renamed_key_is_refused(migrated: SmallStack) -> None:
    committed(migrated)
    change = document(migrated, RENAMED_KEY)
    assert (change.verdict, change.steps, change.changes) == ("refused", (), ())
    assert change.error is not None
    assert (change.error.what, change.error.code) == (
        "Index personnel/GSI2-StatusIndex is live with another definition.",
        4,
    )
    compare("renamed-key", change)


def test_a_removed_table_is_refused(migrated: SmallStack) -> None:
    committed(migrated)
    change = document(migrated, REMOVED_TABLE)
    assert (change.verdict, change.steps) == ("refused", ())
    assert change.error is not None
    assert (change.error.what, change.error.code) == ("Pulumi would delete work-logs.", 4)
    assert lost(change)[0] == ("delete", "work-logs")
    compare("removed-table", change)


def test_nothing_to_do(migrated: SmallStack) -> None:
    committed(migrated)
    change = document(migrated)
    assert (change.verdict, change.changes, change.steps) == ("safe", (), ())
    compare("nothing", change)
