"""A plain `pulumi preview`: it fails with the command to run where the `up` would be refused, and changes nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from stack.ledger.records import BackfillProof
from tests.previews import preview
from tests.stacks import APPROVED, NEW, OLD, SmallStack


def words(text: str) -> str:
    """The text in one line: the engine wraps and indents it."""
    return " ".join(text.split())


def test_a_live_table_that_the_state_lacks_fails_the_preview_with_the_command_to_run(stack: SmallStack) -> None:
    stack.context().engine.create_stack()
    before = stack.world()
    shown = stack.plain("preview")
    assert shown.returncode != 0
    assert "Table personnel is live and not in Pulumi's state. It has to be adopted, not created." in words(
        shown.stdout
    )
    assert "Run: ./invoke migrate --stack local" in words(shown.stdout)
    assert "Traceback" not in shown.stdout + shown.stderr
    after = stack.world()
    assert (after.live, after.managed, after.proofs) == (before.live, before.managed, before.proofs)


def test_a_migrated_stack_shows_no_change(migrated: SmallStack) -> None:
    shown = migrated.plain("preview", "--expect-no-changes")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_a_clean_clone_of_a_migrated_stack_shows_no_change(migrated: SmallStack, tmp_path: Path) -> None:
    # Only what git tracks: the state is where the stack's backend is, the rest is made anew.
    clone = replace(migrated, directory=tmp_path / "clone", backend=f"file://{migrated.state.parent}")
    shutil.copytree(migrated.directory, clone.directory, ignore=shutil.ignore_patterns(".local", "clone"))
    clone.configure(APPROVED)
    clone.context()
    shown = clone.plain("preview", "--expect-no-changes")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_a_removal_whose_gate_is_shut_fails_the_preview_and_is_shown_by_ours(unapproved: SmallStack) -> None:
    unapproved.configure(APPROVED)
    shown = unapproved.plain("preview")
    assert shown.returncode != 0
    assert f"Index {OLD} must not be removed yet. read metric alive" in words(shown.stdout)
    assert "Run: ./invoke gate --stack local" in words(shown.stdout)
    assert str(OLD) in [change.resource for change in preview(unapproved.context()) if change.operation == "delete"]


def test_an_index_that_must_not_be_created_yet_fails_the_preview_and_is_shown_by_ours(migrated: SmallStack) -> None:
    context = migrated.context()
    migrated.drop_by_hand("personnel", NEW.index)
    context.engine.refresh()
    context.ledger.disprove(BackfillProof, "personnel")
    shown = migrated.plain("preview")
    assert shown.returncode != 0
    assert f"Index {NEW} must not be created yet. The backfill of personnel is not proven" in words(shown.stdout)
    assert [str(NEW)] == [change.resource for change in preview(context) if change.operation == "create"]


def test_a_preview_may_look_while_a_run_is_at_work(migrated: SmallStack) -> None:
    with migrated.context().ledger.lease.held("migrate"):
        assert migrated.plain("preview", "--expect-no-changes").returncode == 0
