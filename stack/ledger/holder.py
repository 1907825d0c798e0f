"""The holder of a lease, and its record: PK `CONTROL`, SK `LEASE`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stack.ledger.authors import Author
from stack.processes import Process

_TEXTS = ("token", "revision", "command", "since")
_OF_AUTHOR = ("caller", "actor", "job")


@dataclass(frozen=True)
class Holder:
    """Who holds the stack: a run of `command`, by which `author`, since when (ISO 8601), in which process; its lease of
    so many `seconds` was last `renewed` (seconds since 1970, by AWS's clock); `revision` changes with each renewal."""

    token: str
    revision: str
    command: str
    author: Author
    since: str
    renewed: float
    seconds: int
    process: Process

    def __str__(self) -> str:
        return f"{self.command} by {self.who}, since {self.since}"

    @property
    def who(self) -> str:
        """The user and machine, and in CI the person who started the job."""
        author = self.author
        return f"{author.by} ({author.actor})" if author.actor else author.by

    def record(self) -> dict[str, Any]:
        """The attributes of its record, as DynamoDB takes them."""
        texts = {name: getattr(self, name) for name in _TEXTS} | {"by": self.author.by} | self.author.facts()
        return {
            **{name: {"S": text} for name, text in texts.items()},
            "renewed": {"N": f"{self.renewed:.3f}"},
            "seconds": {"N": str(self.seconds)},
            "machine": {"S": self.process.machine},
            "pid": {"N": str(self.process.pid)},
            "started": {"N": f"{self.process.started:.3f}"},
        }

    @staticmethod
    def of(record: Mapping[str, Any]) -> Holder:
        """The holder that a record names. What other versions note besides is left alone."""
        author = Author(record["by"]["S"], **{name: record[name]["S"] for name in _OF_AUTHOR if name in record})
        return Holder(
            **{name: record[name]["S"] for name in _TEXTS},
            author=author,
            renewed=float(record["renewed"]["N"]),
            seconds=int(record["seconds"]["N"]),
            process=Process(record["machine"]["S"], int(record["pid"]["N"]), float(record["started"]["N"])),
        )
