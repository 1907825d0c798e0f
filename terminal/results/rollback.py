"""A rollback: what was taken back or restored, and what that leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from migration.rollback.proposal import RolledBack
from migration.rollback.restoring import Restored
from schema.references import IndexRef
from stack.ledger.ledger import Facts
from terminal.reporting import Line, Result, grid

NEXT_TO_A_RESTORED_TABLE = (
    "A table cannot be renamed. Either write its items back to the live one, or point the application at it: "
    "docs/rollback.md says how.",
    "It has no scaling, alarms or readers of a stream; set them up before it is used. Until it is deleted it costs.",
)


@dataclass(frozen=True)
class BrownOutResult(Result):
    """A brown-out that was taken back: the indexes that may be read again."""

    stack: str
    indexes: list[IndexRef]

    def document(self) -> dict[str, Any]:
        return {"stack": self.stack, "indexes": [str(ref) for ref in self.indexes]}

    def text(self) -> Iterator[Line]:
        yield f"Reads of {', '.join(map(str, self.indexes))} are allowed again. It was not removed."
        yield "A run that was at work on it ends, with exit code 3."


@dataclass(frozen=True)
class UndoneResult(Result):
    """A backfill that was taken back."""

    stack: str
    table: str
    done: Facts

    def document(self) -> dict[str, Any]:
        return {"stack": self.stack, "table": self.table, **self.done}

    def text(self) -> Iterator[Line]:
        yield (
            f"Backfill of {self.table} on stack {self.stack}: {self.done['back']:,} changes taken back; "
            f"{self.done['kept']:,} left, because the application has changed or deleted the item since."
        )


@dataclass(frozen=True)
class RolledBackResult(Result):
    """Indexes or tables that were taken back."""

    stack: str
    done: RolledBack

    def document(self) -> dict[str, Any]:
        return {"stack": self.stack, "run": self.done.run, **self.done.facts, "ahead": list(self.done.ahead)}

    def text(self) -> Iterator[Line]:
        yield f"{self.done.did} AWS, Pulumi's state and the plan agree. Run {self.done.run}."
        for table, arn in self.done.facts.get("backups", {}).items():
            yield f"The backup of {table}: {arn}"
        yield f"`migrate` would now do: {', '.join(self.done.ahead) or 'nothing'}."


@dataclass(frozen=True)
class RestoredResult(Result):
    """A table that was restored beside the live one."""

    stack: str
    done: Restored

    def document(self) -> dict[str, Any]:
        done = self.done
        return {
            "stack": self.stack,
            "run": done.run,
            "table": done.table,
            "restored": done.restored,
            "source": done.source,
            "compared": done.found["compared"] and {**done.found["compared"], "examples": done.found["examples"]},
            "definition": done.found["definition"],
            "next": list(NEXT_TO_A_RESTORED_TABLE),
        }

    def text(self) -> Iterator[Line]:
        done, compared = self.done, self.done.found["compared"]
        yield f"Table {done.restored} is restored from {done.source}. Run {done.run}."
        if compared is None:
            yield f"There is no live table {done.table} to compare it with."
        else:
            yield (
                f"Beside the live table, as it is now: {compared['equal']:,} items are equal, "
                f"{compared['different']:,} differ, {compared['only_restored']:,} are only in the restored one, "
                f"{compared['only_live']:,} only in the live one."
            )
            yield from (f"  {name} differs in {items:,}" for name, items in compared["attributes"].items())
            yield from (f"  {kind}: {key}" for kind, keys in done.found["examples"].items() for key in keys)
            if done.found["definition"]:
                rows = ((each["what"], each["live"], each["restored"]) for each in done.found["definition"])
                yield grid(("the definition", "live", "restored"), rows)
        yield from NEXT_TO_A_RESTORED_TABLE
