"""What a lint finds, and what its rules are given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schema.model import Index, RetiredIndex, Schema, Table
from schema.references import IndexRef
from stack.file.config import StackConfig
from stack.file.document import StackFile

_PRODUCTION = re.compile(r"prod(uction)?(?![a-z])")


class Severity(StrEnum):
    """How bad a finding is. An `error` is surely wrong, so that no run begins with it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Found:
    """What a rule says of a `subject`: a table, an index as `table/index`, an access pattern, or a setting. `what` is
    wrong, `why` that matters, and what to do `next`, each one sentence or more.

    It stands where the subject is declared, or where `declared` is, if that is another name of the schema. `setting` is
    the path to a value in the stack file, if it stands there: a setting's name, or a full key such as `aws:token`.
    """

    subject: str
    what: str
    why: str
    next: str
    declared: str | None = None
    setting: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A finding with its place: `file` is relative to the project's folder, lines begin at 1. `accepted` is the reason
    for which the stack accepts it; None where it does not."""

    code: str
    severity: Severity
    title: str
    subject: str
    what: str
    why: str
    next: str
    file: str
    line: int
    accepted: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether no run begins with it."""
        return self.severity is Severity.ERROR and self.accepted is None


@dataclass(frozen=True)
class Earlier:
    """The schema as it was at a `commit`: its tables, and the definition of each index, as text, by its full name."""

    commit: str
    tables: list[str]
    declared: Mapping[str, str]
    retired: Mapping[str, str]


@dataclass(frozen=True)
class Linted:
    """A project's schema with one stack's settings.

    `is_complete` is False where an ESC environment may have settings that are not known here. `others` gives the other
    stacks of the checkout. `changed` says when the code that declares an index was last changed, None where that is
    not known. `earlier` is the schema at another commit, for rules about a change. `found` is what earlier rules found,
    by code and subject.
    """

    schema: Schema
    config: StackConfig
    file: StackFile
    now: datetime
    is_complete: bool = True
    others: Callable[[], Iterable[StackConfig]] = tuple
    changed: Callable[[IndexRef], datetime | None] = lambda ref: None
    earlier: Earlier | None = None
    found: frozenset[tuple[str, str]] = frozenset()

    @property
    def is_on_aws(self) -> bool:
        """Whether the stack is on real AWS: an emulator is named as an endpoint in the stack file."""
        return self.config.endpoint is None

    @property
    def is_production(self) -> bool:
        """Whether the stack's name says that it is one that customers use: `prod`, `prod-eu`, `production`."""
        return _PRODUCTION.match(self.config.name) is not None

    @property
    def indexes(self) -> Iterator[tuple[Table, Index, str]]:
        """Every index that should exist, with its table and its full name."""
        return ((table, index, str(table.ref(index))) for table in self.schema for index in table.indexes)

    @property
    def new_indexes(self) -> Iterator[tuple[Table, Index, str]]:
        """Those of them that the migration creates."""
        return (found for found in self.indexes if not found[1].existing)

    @property
    def retired(self) -> Iterator[tuple[Table, RetiredIndex, IndexRef]]:
        """Every retired index, with its table and its full name."""
        return ((table, old, old.ref(table)) for table in self.schema for old in table.retired)


@dataclass(frozen=True)
class Rule:
    """One rule: its code, the severity of all that it finds, and what it is about in a few words. `only_on_aws` rules
    are not asked of a stack on an emulator."""

    code: str
    severity: Severity
    title: str
    check: Callable[[Linted], Iterable[Found]]
    only_on_aws: bool = False
