"""What git knows of a checkout. Only asked: it takes no lock, and so writes nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ANSWER_SECONDS = 30.0
"""Git answers in a fraction of a second, and looks through the history of a file in a few; more is a hang."""


def ask(checkout: Path, *arguments: str, seconds: float = ANSWER_SECONDS) -> str | None:
    """What git says there; None where it fails, is not there, or has not answered after so many seconds."""
    try:
        found = subprocess.run(
            ["git", "-C", str(checkout), *arguments],  # noqa: S607
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout if found.returncode == 0 else None
