"""When lines of a file were last changed, as git tells. Nothing is told without git, and in a shallow clone."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from stack.lint.places import Place

ANSWER_SECONDS = 30
"""After so long git is given up: it looks through the history of one file."""


def changed_at(folder: Path, place: Place) -> datetime | None:
    """When the newest of these lines was written, by its author's clock; a line that is not committed, now. None where
    git does not tell."""
    if _git(folder, "rev-parse", "--is-shallow-repository") != "false":
        return None
    told = _git(folder, "blame", "--porcelain", "-L", f"{place.first},{place.last}", "--", place.file)
    # The author's time, which a rebase keeps.
    times = [int(seconds) for seconds in re.findall(r"^author-time (\d+)$", told or "", re.MULTILINE)]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        found = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
