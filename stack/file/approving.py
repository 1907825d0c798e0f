"""Approving the removal of an index: the stack file gets the line that is then reviewed, in one piece, and nothing else
of it changes. Asks no AWS."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC
from itertools import takewhile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from schema.clock import at_present
from schema.errors import UsageError
from schema.model import Schema
from schema.project import Project
from schema.references import IndexRef
from stack.file.config import reference_of
from stack.file.document import StackFile, parsed, read_stack_file, replace_text
from stack.file.names import guess
from stack.file.settings import CHECK_RUN, COMMIT, Approval

# Spaces of a map, and of a list's entries and its dashes: ours first, then what Pulumi and other editors write.
_LAYOUTS = ((2, 4, 2), (2, 2, 0), (4, 6, 4), (4, 4, 2), (4, 4, 0))


@dataclass(frozen=True)
class Approved:
    """An approval that was written: in which file, under which setting, and for which index."""

    file: Path
    setting: str
    ref: IndexRef
    approval: Approval


def approve(
    project: Project,
    checkout: Path,
    stack: str,
    table: str | None,
    index: str | None,
    by: str | None,
    *,
    application_updated: bool,
    tests_passed: bool,
    commit: str | None = None,
    check_run: str | None = None,
) -> Approved:
    """Writes the approval to remove a retired index into the stack file. A `check_run` of a `commit` shows that the
    tests passed, where nobody says so. Raises UsageError; nothing is changed then."""
    if table is None or index is None:
        raise UsageError("No index is named.", "An approval is for one retired index.", "Add --table and --index.")
    ref = _retired(project.schema, IndexRef(table, index))
    if by is None or not by.strip() or not by.isprintable():
        raise UsageError(
            "--by names nobody.", "A person answers for the removal of an index.", 'Add --by "Jane Doe", on one line.'
        )
    shown = _evidence(commit, check_run, tests_passed=tests_passed)
    stated = {"--application-updated": application_updated, "--tests-passed": tests_passed or bool(shown)}
    missing = [flag for flag, given in stated.items() if not given]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not stated.",
            f"Who approves says that the application no longer reads {index}, and that its tests passed without it.",
            f"Make sure of it, then add {' '.join(missing)}.",
        )
    file = read_stack_file(stack, checkout, project)
    reference_of(stack, file)
    path, setting = file.path.resolve(), f"{project.name}:approvals"
    at = at_present().replace(microsecond=0)
    approval = Approval.model_validate(
        {"applicationUpdated": True, **(shown or {"testsPassed": True}), "by": by, "at": at}
    )
    text = with_approval(file.text, setting, str(ref), approval)
    _read_back(file, text, setting, ref, approval)
    replace_text(path, text)
    return Approved(path, setting, ref, approval)


def _evidence(commit: str | None, check_run: str | None, *, tests_passed: bool) -> dict[str, str]:
    """What stands in the approval in the place of a typed yes; nothing where no run is named. Raises UsageError."""
    if commit is None and check_run is None:
        return {}
    prints = "./invoke check prints both."
    if commit is None or check_run is None:
        raise UsageError("--commit and --check-run go together.", f"They say what was checked. {prints}", "Add both.")
    if tests_passed:
        raise UsageError("--tests-passed and --check-run exclude each other.", "The run shows it.", "Drop one.")
    for flag, value, form in (("--commit", commit, COMMIT), ("--check-run", check_run, CHECK_RUN)):
        if not form.fullmatch(value):
            raise UsageError(f"{flag} {value!r} is none.", prints, "Correct the flag.")
    return {"commit": commit, "checkRun": check_run}


def _retired(schema: Schema, ref: IndexRef) -> IndexRef:
    """The name of a retired index. Raises UsageError for any other."""
    retired = [str(old.ref(table)) for table in schema for old in table.retired]
    if str(ref) not in retired:
        raise UsageError(
            f"{ref} is no retired index.",
            f"Only a retired index is ever removed; there are: {', '.join(retired) or 'none'}.",
            guess(str(ref), retired) or "Name one of them with --table and --index.",
        )
    return ref


def _read_back(file: StackFile, text: str, setting: str, ref: IndexRef, approval: Approval) -> None:
    """Makes sure that the text says what is meant, and nothing else anew."""
    document = parsed(file.path, text)
    approvals = document["config"].pop(setting)
    before = parsed(file.path, file.text)
    others = before["config"].pop(setting, None) or {}
    found = Approval.model_validate(approvals.pop(str(ref)))
    others.pop(str(ref), None)
    if (found, document, approvals) != (approval, before, others):
        raise UsageError(
            "The approval cannot be written into the stack file.",
            "It would not be read back as it was given.",
            "Write it by hand: README.md shows its form.",
        )


def with_approval(text: str, key: str, resource: str, approval: Approval) -> str:
    """The stack file's text with the approval to remove the index `resource` (`<table>/<index>`) under the `key` of
    approvals; an older one of the same index is replaced. Every other line stays as it is, to the byte.

    Raises UsageError for a text in which that cannot be done.
    """
    yaml, document = _read(text, key)
    config = document["config"]
    approvals = config.get(key)
    may_change: range = range(0)
    if not approvals:
        if key in config:
            may_change = _lines(config, key)
        approvals = config[key] = CommentedMap()
    elif resource in approvals:
        may_change = _lines(approvals, resource)
    record = approvals.get(resource)
    if not isinstance(record, CommentedMap):
        record = approvals[resource] = CommentedMap()
    wanted = approval_record(approval)
    for name in set(record) - set(wanted):
        del record[name]
    # Always in quotes: a name such as `on` or `12` would be read as something else.
    record.update(
        {name: DoubleQuotedScalarString(value) if isinstance(value, str) else value for name, value in wanted.items()}
    )
    written = _written(yaml, document, text)
    if not _only_changed(text, written, may_change):
        raise _refused("other lines of the file would change with it")
    return written


def approval_record(approval: Approval) -> dict[str, Any]:
    """The approval as it stands in a stack file."""
    shown = {"commit": approval.commit, "checkRun": approval.check_run}
    return {
        "applicationUpdated": approval.application_updated,
        **(shown if approval.check_run is not None else {"testsPassed": approval.tests_passed}),
        "by": approval.by,
        "at": approval.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _read(text: str, key: str) -> tuple[YAML, CommentedMap]:
    """The document, and a writer that gives the very text for it."""
    for mapping, sequence, offset in _LAYOUTS:
        yaml = YAML(typ="rt")
        yaml.preserve_quotes = True
        yaml.width = 1_000_000
        yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
        try:
            document = yaml.load(text)
        except YAMLError as error:
            raise _refused("the file is not YAML: " + " ".join(str(error).split())) from None
        if not isinstance(document, CommentedMap) or not isinstance(document.get("config"), CommentedMap):
            raise _refused("the file has no `config:` section")
        if not isinstance(document["config"].get(key) or CommentedMap(), CommentedMap):
            raise _refused(f"its {key} is no map")
        if _written(yaml, document, text) == text:
            return yaml, document
    raise _refused("the file has spaces, quotes or line ends that would change with it")


def _written(yaml: YAML, document: CommentedMap, text: str) -> str:
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue() if text.endswith("\n") else out.getvalue().removesuffix("\n")


def _lines(owner: CommentedMap, key: str) -> range:
    """The lines of a key and its value, from 0."""
    first = owner.lc.key(key)[0]
    value = owner[key]
    last = max((value.lc.value(name)[0] for name in value), default=first) if isinstance(value, CommentedMap) else first
    return range(first, last + 1)


def _only_changed(before: str, after: str, may_change: range) -> bool:
    """Whether the lines of `before` are all in `after`, in one piece before and one after what is new, but for those
    that may change."""
    old, new = before.split("\n"), after.split("\n")
    above = _alike(old, new)
    below = _alike(old[above:][::-1], new[above:][::-1])
    return set(range(above, len(old) - below)) <= set(may_change)


def _alike(one: list[str], other: list[str]) -> int:
    """How many lines are the same from the beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _refused(why: str) -> UsageError:
    return UsageError(
        "The approval cannot be written into the stack file.",
        why[:1].upper() + why[1:] + ".",
        "Write it by hand: README.md shows its form.",
    )
