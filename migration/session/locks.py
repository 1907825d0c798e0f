"""Pulumi's locks: whose they are, and whether their owners are dead.

A lock names a host and a process id: that of the CLI, which is a child of the run. Whether a process of another host
has ended cannot be seen from here. So each run notes in the ledger which CLI it starts, under which lease. Once that
lease has run out by AWS's clock, a lock with that host and process id is a dead run's.

    run A on host 1:  note the CLI ── `up` takes Pulumi's lock ── killed (the note, the lock and the lease stay)
    run B on host 2:  ... lease over: taken ── marks A's notes as over ── `up`: locked ── cancels the lock, goes on

Record: PK `ENGINE`, SK `<host>#<process id>`: an EngineNote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from migration.session.cli import CliProcess
from schema.errors import ToolError
from stack.ledger.codec import KEY, Record, attributes, decoded, now
from stack.ledger.holder import Holder
from stack.ledger.ledger import Facts, Ledger
from stack.processes import Process, end, host, is_gone, orphans

PARTITION = "ENGINE"
_OWNER = re.compile(r"created by \S+@(\S+) \(pid (\d+)\) at (\S+)")
"""How Pulumi names the owner of a lock in a backend of one's own, be it a folder or a bucket."""
_ROUNDING = timedelta(seconds=2)
"""Both times are whole seconds of one machine's clock."""
_LOCKED_WITHIN = timedelta(minutes=1)
"""The CLI takes its lock before it does anything else, a second or so after it was started."""


@dataclass(frozen=True, kw_only=True)
class EngineNote(Record):
    """A run with this `lease` has `started` the Pulumi CLI with that process id on that host, which may hold Pulumi's
    lock; `machine` is one boot and one container of it, as in the lease. `over` is when a later run found that the
    lease had run out, and took it, or when the run itself saw that its CLI had been killed. Removed when the CLI ends
    by itself, and when its lock is cancelled."""

    host: str = field(metadata=KEY)
    pid: int = field(metadata=KEY)
    machine: str
    lease: str
    started: datetime
    over: datetime | None = None


@dataclass(frozen=True)
class Owner:
    """The owner of a lock: a CLI with this process id on that host, and when it took the lock."""

    host: str
    pid: int
    at: datetime

    @property
    def key(self) -> str:
        """The sort key of its note."""
        return f"{self.host}#{self.pid}"


def owners_in(message: str) -> list[Owner]:
    """The owners that Pulumi names when it finds locks."""
    return [Owner(host, int(pid), datetime.fromisoformat(at)) for host, pid, at in _OWNER.findall(message)]


class Locks:
    """What the ledger knows of the CLIs that take Pulumi's lock on this stack."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @contextmanager
    def noted(self, cli: CliProcess) -> Iterator[None]:
        """Notes that this CLI of ours may hold the lock while the block runs. One that ends by itself gives its lock
        back. One that is killed does not: its note stays, and says that it is over, for the run may be finished on
        another host. Raises LeaseLost."""
        lease = self._ledger.lease.token
        if not lease:
            yield
            return
        note = EngineNote(host=host(), pid=cli.pid, machine=Process.current().machine, lease=lease, started=now())
        self._ledger.put(PARTITION, _key(note), attributes(note))
        try:
            yield
        finally:
            # What ended the block matters more; and a note without a lock does no harm.
            with suppress(ToolError, ClientError, BotoCoreError):
                self._ended(cli, note)

    def _ended(self, cli: CliProcess, note: EngineNote) -> None:
        if cli.returncode is None:
            return
        if cli.returncode >= 0:
            self._ledger.remove(PARTITION, _key(note))
            return
        # Its plugins may go on. Nobody may take the lock before they have ended.
        end(orphans())
        self._ledger.put(PARTITION, _key(note), attributes(replace(note, over=now())))

    def are_over(self, dead: Holder) -> None:
        """Marks what that holder has noted: its lease has run out, and is ours now. Raises LeaseLost."""
        for item in list(self._ledger.records(PARTITION)):
            note = _note(item)
            if note.lease == dead.token and note.over is None:
                self._ledger.put(PARTITION, _key(note), attributes(replace(note, over=now())))

    def is_dead(self, owner: Owner) -> bool:
        """Whether the owner of a lock has surely ended, or belongs to a run whose lease has run out."""
        item = self._ledger.get(PARTITION, owner.key)
        note = _note(item) if item is not None else None
        # Process ids are used again. A lock of another time is another CLI's.
        if note is not None and not -_ROUNDING <= owner.at - note.started <= _LOCKED_WITHIN:
            note = None
        # Two containers may have the name of one host, and do not see each other's processes.
        visible = owner.host == host() and (note is None or note.machine == Process.current().machine)
        if visible and is_gone(owner.pid, before=owner.at.timestamp()):
            return True
        return note is not None and note.over is not None

    def forget(self, owner: Owner) -> None:
        """The lock of that owner is cancelled. Raises LeaseLost."""
        self._ledger.remove(PARTITION, owner.key)


def _key(note: EngineNote) -> str:
    return f"{note.host}#{note.pid}"


def _note(item: Facts) -> EngineNote:
    name, _, pid = str(item["SK"]).rpartition("#")
    return decoded(EngineNote, item, host=name, pid=int(pid))
