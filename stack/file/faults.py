"""What is wrong with a stack's configuration, as one clear error."""

from __future__ import annotations

from pathlib import Path

from schema.errors import UsageError
from stack.file.names import guess


def unknown_key(path: Path, what: str, word: str, known: list[str]) -> UsageError:
    """A key or name that is not known, with a guess at what `word` was meant to be."""
    meant = guess(word, known) or f"Known are: {', '.join(sorted(known))}."
    return UsageError(f"{path.name}: unknown {what}.", "It would otherwise be ignored in silence.", meant)


def fault(path: Path, what: str, why: str, then: str = "") -> UsageError:
    """Any other fault of the file."""
    return UsageError(
        f"{path.name}: {what}.", why[:1].upper() + why[1:] + ".", then or f"Edit {path.name} and run again."
    )
