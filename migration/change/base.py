"""What git knows of a change: the checkout's commit, and which approvals the base commit did not have. Reads only.

Every call is optional but that of a base that a person names: outside git, and in a clone that lacks the base, the
answer is that it is not known, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.error import YAMLError

from migration.change.document import ApprovalOfIndex, Approvals
from schema.errors import UsageError
from stack.file import strict_yaml
from stack.file.settings import Approval
from stack.git import ask
from stack.ledger.codec import written

BASES = ("origin/main", "main")
"""What a change is compared with where nobody says otherwise: the first of them that there is."""
_ask = partial(ask, seconds=20.0)
"""Git reads its own files; what takes longer hangs."""


def commit_of(checkout: Path) -> tuple[str | None, bool | None]:
    """The commit that is checked out, and whether files that git tracks differ from it; None, None outside git."""
    commit = _ask(checkout, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return None, None
    status = _ask(checkout, "status", "--porcelain", "--untracked-files=no")
    return commit.strip(), None if status is None else bool(status.strip())


def approvals_of(checkout: Path, stack_file: Path, setting: str, base: str | None = None) -> Approvals:
    """The approvals of the stack file that the base commit's file lacks or has otherwise, and those that it had and
    the file lacks. `setting` is their key in the file; `base` is what git takes for a commit. Raises UsageError for a
    base that git does not know."""
    found = _found(checkout, (base,) if base else BASES)
    if found is None:
        if base:
            raise UsageError(
                f"--base {base} is no commit.",
                f"Git does not know it in {checkout}.",
                "Fetch it (a shallow clone lacks it), or name another one.",
            )
        outside = _ask(checkout, "rev-parse", "--git-dir") is None
        return Approvals(why="this is no git checkout" if outside else f"git knows neither {' nor '.join(BASES)}")
    name, commit = found
    # A stack that the base does not have yet had no approvals there.
    text = _ask(checkout, "show", f"{commit}:./{stack_file.name}") or ""
    before, now = _approvals(text, setting), _approvals(stack_file.read_text(encoding="utf-8"), setting)
    return Approvals(
        base=name,
        base_commit=commit,
        added=tuple(one for index, one in sorted(now.items()) if before.get(index) != one),
        withdrawn=tuple(sorted(set(before) - set(now))),
    )


def _found(checkout: Path, names: tuple[str, ...]) -> tuple[str, str] | None:
    for name in names:
        # An option can never be taken for a name here.
        commit = _ask(checkout, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if commit:
            return name, commit.strip()
    return None


def _approvals(text: str, setting: str) -> dict[str, ApprovalOfIndex]:
    """The approvals in the text of a stack file, by index. What is not one, was none."""
    try:
        document = strict_yaml.read(text)
    except YAMLError:
        return {}
    config = document.get("config") if isinstance(document, dict) else None
    found = config.get(setting) if isinstance(config, dict) else None
    made = {str(index): _approval(str(index), value) for index, value in _items(found)}
    return {index: one for index, one in made.items() if one is not None}


def _items(found: object) -> list[tuple[Any, Any]]:
    return list(found.items()) if isinstance(found, Mapping) else []


def _approval(index: str, value: object) -> ApprovalOfIndex | None:
    try:
        approval = Approval.model_validate(value)
    except ValidationError:
        return None
    return ApprovalOfIndex(
        index=index,
        by=approval.by,
        at=written(approval.at),
        application_updated=approval.application_updated,
        tests_passed=approval.tests_passed,
        check_run=approval.check_run,
    )
