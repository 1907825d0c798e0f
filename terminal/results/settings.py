"""What was set: a stack that was made, an approval in the stack file, or the capacity of an index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stack.file.approving import Approved, approval_record
from stack.file.initialising import Initialised
from terminal.reporting import Line, Result


@dataclass(frozen=True)
class ApprovalResult(Result):
    """An approval that was written into the stack file."""

    stack: str
    approved: Approved

    def document(self) -> dict[str, Any]:
        approved = self.approved
        record = approval_record(approved.approval)
        return {"stack": self.stack, "file": approved.file.name, "index": str(approved.ref), "approval": record}

    def text(self) -> Iterator[Line]:
        approved = self.approved
        record = approval_record(approved.approval)
        yield (
            f"{approved.file.name}: {approved.setting} now lets {approved.ref} go, says {record['by']}, {record['at']}."
        )
        yield "Next: commit the file and open a pull request."
        yield f"  ./invoke preview --stack {self.stack}    shows exactly one deletion, once the index is adopted"
        yield f"  ./invoke migrate --stack {self.stack}    removes the index, once the rest of its gate is open"


@dataclass(frozen=True)
class CapacityResult(Result):
    """An index that gets other write units while it is built."""

    stack: str
    index: str
    before: int
    write: int

    def text(self) -> Iterator[Line]:
        yield f"{self.index} gets {self.write} write units instead of {self.before}, until it has its steady capacity."


@dataclass(frozen=True)
class InitialisedResult(Result):
    """A stack that was set up."""

    stack: str
    done: Initialised

    def document(self) -> dict[str, Any]:
        done = self.done
        return {
            "stack": self.stack,
            "backend": done.backend,
            "made": done.made,
            "file": done.file.name,
            "key": done.key,
        }

    def text(self) -> Iterator[Line]:
        done = self.done
        yield f"Stack {self.stack} {'was made' if done.made else 'is there already'}, in {done.backend}."
        if done.key is None:
            yield f"Nothing is to be committed: {done.file.name} has all that Pulumi needs."
        else:
            yield f"{done.file.name} now holds {done.key}. It is no secret, and everybody needs the same one."
            yield f"Next: commit it.  git add {done.file.name} && git commit -m 'Set up stack {self.stack}'"
        yield f"  ./invoke plan --stack {self.stack}    shows what a migration would do"
