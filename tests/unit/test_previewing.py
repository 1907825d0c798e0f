"""What `preview` keeps where something goes wrong before the document can be made."""

from __future__ import annotations

import json
from pathlib import Path

from migration.change.document import Change
from schema.errors import UsageError
from terminal.tasks.previewing import keep_refusal, masked

WRONG = UsageError("The schema is wrong: x.", "SchemaError in tables.py, line 3.", "Correct tables.py and run again.")


def test_a_fault_in_the_schema_gives_a_document_too(tmp_path: Path) -> None:
    out = tmp_path / "change"
    keep_refusal(["invoke", "preview", "--stack=staging", "--out", str(out)], tmp_path, WRONG)
    change = Change.model_validate_json((out / "change.json").read_text(encoding="utf-8"))
    assert (change.stack, change.verdict) == ("staging", "refused")
    assert change.error is not None
    assert (change.error.what, change.error.code) == (WRONG.what, 2)
    assert "**The schema is wrong: x.**" in (out / "change.md").read_text(encoding="utf-8")


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    keep_refusal(["invoke", "preview"], tmp_path, WRONG)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_masked_wherever_it_stands() -> None:
    change = Change(stack="s", at="hush", notes=("a hush b",), left_alone=("hush",))
    hidden = masked(change, lambda text: text.replace("hush", "[secret]"))
    assert "hush" not in json.dumps(hidden.document())
    assert hidden.notes == ("a [secret] b",)
