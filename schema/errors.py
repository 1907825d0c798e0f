"""The errors that a user can meet. Each says what happened, why, and what to run next, and carries its exit code."""

from __future__ import annotations


class ToolError(Exception):
    """Something a user can act on. `what` happened, `why`, and the command or edit to do `next`."""

    exit_code = 1

    def __init__(self, what: str, why: str = "", next: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next = next

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.next) if line)


class UsageError(ToolError):
    """A wrong flag, stack file, schema or environment. Nothing was changed."""

    exit_code = 2


class Waiting(ToolError):
    """Nothing is wrong, but the run waits: for a person, because a gate is shut or it is paused; or for AWS."""

    exit_code = 3


class StillBuilding(Waiting):
    """AWS goes on with what a run has begun; a later run goes on from there."""


class OutOfTime(Waiting):
    """The time that was given to a run is over: what was done is recorded."""


class Refused(ToolError):
    """Going on could lose something, or somebody else is at it. Nothing was changed."""

    exit_code = 4


class LeaseLost(Refused):
    """This run no longer holds the stack: it stops before its next write."""


class VerificationFailed(ToolError):
    """AWS does not show what it should after a change."""

    exit_code = 5


class EngineLost(ToolError):
    """The connection to the Pulumi engine broke: what it did until then is not known."""


class Interrupted(ToolError):
    """Somebody stopped the run (Ctrl-C): what was done is recorded."""

    exit_code = 130
