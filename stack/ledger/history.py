"""What was done to a stack: every run with its steps and its code, and what people asked for. Only ever added to.

Records:
    PK `HISTORY`    SK `<run>#1-began`, `<run>#2-ended`     a run: who, what, with which code and schema, how it ended
    PK `HISTORY`    SK `<id>#0-<what>`                      a pause, a resumption, a broken lease
    PK `RUN#<run>`  SK `<number>#1-began#<step>`, `<number>#2-ended#<step>`   a step: start, end, result, counts
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from schema.clock import at_present
from schema.errors import LeaseLost, ToolError
from stack.git import ask
from stack.ledger.codec import now
from stack.ledger.holder import Holder
from stack.ledger.ledger import Facts, Ledger

PARTITION = "HISTORY"
BEGAN, ENDED = "1-began", "2-ended"
DONE, WAITING, ROLLED_BACK = "done", "waiting", "rolled back"
UNKNOWN = "no end was recorded"
_NOT_CODE = {".git", ".local", ".venv", "tests"}


@dataclass
class Event:
    """A run, or something that somebody asked for (`pause`, `resume`, `unlock`). `result` is how a run ended: `done`,
    `waiting`, `rolled back`, what failed, or UNKNOWN of one that was killed or is still at work."""

    id: str
    what: str
    by: str
    at: str
    ended: str | None = None
    result: str = ""
    facts: Facts = field(default_factory=dict)


@dataclass
class Recorded:
    """One step of a run; `ended` is None while it is not done, or was killed in it."""

    number: int
    name: str
    began: str
    ended: str | None = None
    result: str = UNKNOWN
    facts: Facts = field(default_factory=dict)


class History:
    """Adds to the history of one stack, on behalf of a schema (its digest), and reads it. `code` tells the version of
    the code; only what is added asks for it."""

    def __init__(self, ledger: Ledger, code: Callable[[], str], schema: str) -> None:
        self._ledger = ledger
        self._code = code
        self._schema = schema

    @contextmanager
    def recording(self, command: str, taken_over: Holder | None = None) -> Iterator[Run]:
        """Records a run around the block, with how it ended: as the run's `result` says, or what was raised. One that
        lost its lease records nothing more. `taken_over` is the dead holder whose place it took."""
        run = Run(self._ledger, new_id())
        author = self._ledger.author
        facts: dict[str, Any] = {"code": self._code(), "schema": self._schema, **author.facts()}
        if taken_over is not None:
            facts["taken_over"] = str(taken_over)
        began = {"what": command, "by": author.by, "at": now(), "facts": facts}
        self._ledger.append(PARTITION, f"{run.id}#{BEGAN}", began)
        self._ledger.run = run.id
        try:
            yield run
        except LeaseLost:
            raise
        except BaseException as error:
            self._end(run, described(error))
            raise
        else:
            self._end(run, run.result)
        finally:
            self._ledger.run = None

    def note(self, what: str, facts: Facts | None = None) -> None:
        """Records something that somebody asked for."""
        author = self._ledger.author
        noted = {"code": self._code(), **author.facts(), **(facts or {})}
        record = {"what": what, "by": author.by, "at": now(), "facts": noted}
        self._ledger.append(PARTITION, f"{new_id()}#0-{what}", record)

    def newest(self, limit: int) -> list[Event]:
        """The newest runs and requests, newest first."""
        return list(islice(self.events(), limit))

    def steps(self, run: str) -> list[Recorded]:
        """The steps of one run, in order."""
        steps: dict[str, Recorded] = {}
        for record in self._ledger.records(f"RUN#{run}"):
            number, kind, name = str(record["SK"]).split("#", 2)
            if kind == BEGAN:
                steps[number] = Recorded(int(number), name, str(record["at"]))
            elif number in steps:
                step = steps[number]
                step.ended, step.result, step.facts = str(record["at"]), str(record["result"]), record["facts"]
        return list(steps.values())

    def events(self) -> Iterator[Event]:
        """All runs and requests, newest first: read as they are needed, a page of at most a megabyte at a time."""
        ended: Facts | None = None
        for record in self._ledger.records(PARTITION, newest_first=True):
            id, _, kind = str(record["SK"]).partition("#")
            if kind == ENDED:
                ended = record
                continue
            event = Event(id, str(record["what"]), str(record["by"]), str(record["at"]), facts=record["facts"])
            if kind == BEGAN:
                event.ended = str(ended["at"]) if ended else None
                event.result = str(ended["result"]) if ended else UNKNOWN
                ended = None
            yield event

    def _end(self, run: Run, result: str) -> None:
        self._ledger.append(PARTITION, f"{run.id}#{ENDED}", {"at": now(), "result": result})


class Run:
    """One run that is being recorded. `result` is how it will have ended; `why` it waits, and what to run
    `next`, are for those who are told."""

    def __init__(self, ledger: Ledger, id: str) -> None:
        self.id = id
        self.result = DONE
        self.why = ""
        self.next = ""
        self._ledger = ledger
        self._steps = 0

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Records a step around the block, with what it puts into the facts."""
        facts: dict[str, Any] = {}
        self._steps += 1
        number = self._steps
        self._append(number, BEGAN, name, {})
        try:
            yield facts
        except LeaseLost:
            raise
        except BaseException as error:
            self._append(number, ENDED, name, {"result": described(error), "facts": facts})
            raise
        self._append(number, ENDED, name, {"result": "done", "facts": facts})

    def _append(self, number: int, kind: str, name: str, facts: Facts) -> None:
        self._ledger.append(f"RUN#{self.id}", f"{number:03}#{kind}#{name}", {"at": now(), **facts})


def described(error: BaseException) -> str:
    """What ended a run, in a few words: no more than a person may read."""
    return error.what if isinstance(error, ToolError) else type(error).__name__


def new_id() -> str:
    """An id of a run; ids sort by time."""
    at = at_present()
    return f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}-{secrets.token_hex(2)}"


def code_version(checkout: Path) -> str:
    """The commit, with `-dirty` where files differ from it; without git a digest of the code."""
    found = ask(checkout, "describe", "--always", "--dirty", "--abbrev=12", seconds=10)
    return found.strip() if found is not None else _digest(checkout)


def _digest(checkout: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(checkout.rglob("*.py")):
        if not _NOT_CODE & set(path.relative_to(checkout).parts):
            digest.update(path.read_bytes())
    return f"sha256:{digest.hexdigest()[:12]}"
