"""What a failure of the Pulumi CLI means, by its own words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schema.errors import EngineLost, Refused, ToolError
from stack.aws import credentials_ended, says_that_credentials_ended

_LOST = re.compile(
    r"Resource monitor has terminated"
    r"|Exception calling application: <_InactiveRpcError.* StatusCode\.UNAVAILABLE"
)
"""What Pulumi's SDK says when a call from the program to the engine finds nobody there: of a resource, or of anything
else, such as a line for the log."""
_KILLED = re.compile(r"code: -(\d+)")
"""How the Automation API tells that a signal has ended the CLI."""
_NOT_REACHED = "expected resource operations"
"""What the engine says of all that was previewed and not done: also of what an `up` did not come to, because it failed
before."""
_OUTSIDE_THE_PLAN = re.compile(rf"violates plan|is not allowed by the plan|{_NOT_REACHED}")
"""How the engine says that an `up` would do what its preview did not show (Pulumi 3.259, pkg/resource/deploy)."""


def failure(what: str, error: str, messages: Sequence[str], again: str) -> ToolError:
    """The failure of a command, from what it wrote and from the errors that the engine reported while it ran; `again`
    is the command that goes on."""
    reasons = [message for message in messages if message] or [last_words(error)]
    killed = _KILLED.search(error)
    if killed:
        return EngineLost(what, f"The Pulumi engine was ended by signal {killed[1]}.", f"Run: {again}")
    if any(_LOST.search(reason) for reason in reasons):
        return EngineLost(what, "The connection to the Pulumi engine broke.", f"Run: {again}")
    if any(says_that_credentials_ended(reason) for reason in reasons):
        return credentials_ended(f"{what} {'; '.join(dict.fromkeys(reasons))}.")
    reasons = [reason for reason in reasons if _NOT_REACHED not in reason] or reasons
    outside = [reason for reason in reasons if _OUTSIDE_THE_PLAN.search(reason)]
    if outside:
        return Refused(
            "The `pulumi up` was stopped: it would do what its preview did not show.",
            "; ".join(dict.fromkeys(outside)),
            f"Look at what changed meanwhile, then run: {again}",
        )
    return ToolError(what, "; ".join(dict.fromkeys(reasons)), f"Mend that, then run: {again}")


def last_words(error: str) -> str:
    """What the CLI wrote to standard error, in one line: the end of it, where the reason stands."""
    return " ".join(error.rpartition("stderr:")[2].split())[-600:]
