"""What an exit code of a task means to GitHub: the conclusion of a check run, and a few words."""

from __future__ import annotations

from dataclasses import dataclass

from schema.errors import (
    CredentialsEnded,
    Interrupted,
    Refused,
    ToolError,
    UsageError,
    VerificationFailed,
    Waiting,
)


@dataclass(frozen=True)
class Ending:
    """How a task ended: its exit `code` (None if it told none), the `conclusion` of its check run in GitHub's words,
    and a few `words` for a person."""

    code: int | None
    conclusion: str
    words: str

    @property
    def exit_code(self) -> int:
        """What the job ends with: 0 unless somebody has to act now. A wait is no failure, though not yet a success."""
        return 0 if self.conclusion in {"success", "neutral"} else self.code or ToolError.exit_code

    def __str__(self) -> str:
        return f"{self.words} (exit code {self.code})" if self.code is not None else self.words


_KNOWN = {
    0: ("success", "Done, or nothing to do"),
    UsageError.exit_code: ("failure", "Wrong usage or configuration"),
    Waiting.exit_code: ("neutral", "Waiting"),
    Refused.exit_code: ("failure", "Refused"),
    VerificationFailed.exit_code: ("failure", "A verification failed"),
    CredentialsEnded.exit_code: ("failure", "The credentials have expired"),
    Interrupted.exit_code: ("cancelled", "Stopped"),
}


def ending(text: str) -> Ending:
    """The ending that `--code` names; nothing stands for a task that was killed before it could tell. Raises
    UsageError for what is no exit code."""
    if not text:
        return Ending(None, "failure", "Ended without an exit code: killed, or never begun")
    if not text.isascii() or not text.isdecimal() or int(text) > 255:
        raise UsageError(f"--code {text} is no exit code.", "It is a number from 0 to 255.", "Correct the flag.")
    code = int(text)
    return Ending(code, *_KNOWN.get(code, ("failure", "Something unexpected")))
