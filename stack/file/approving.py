"""Writing an approval into the text of a stack file, so that nothing else of it changes."""

from __future__ import annotations

import io
from datetime import UTC
from itertools import takewhile
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from schema.errors import UsageError
from stack.file.settings import Approval

# Spaces of a map, and of a list's entries and its dashes: ours first, then what Pulumi and other editors write.
_LAYOUTS = ((2, 4, 2), (2, 2, 0), (4, 6, 4), (4, 4, 2), (4, 4, 0))


def with_approval(text: str, key: str, resource: str, approval: Approval) -> str:
    """The stack file's text with leave to remove the index `resource` (`<table>/<index>`) under the `key` of approvals;
    an older one of the same index is replaced. Every other line stays as it is, to the byte.

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
    record.update(approval_record(approval))
    # Always in quotes: a name such as `on` or `12` would be read as something else.
    record["by"], record["at"] = (DoubleQuotedScalarString(record[name]) for name in ("by", "at"))
    written = _written(yaml, document, text)
    if not _only_changed(text, written, may_change):
        raise _refused("other lines of the file would change with it")
    return written


def approval_record(approval: Approval) -> dict[str, Any]:
    """The approval as it stands in a stack file."""
    return {
        "applicationUpdated": approval.application_updated,
        "testsPassed": approval.tests_passed,
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
