"""When lines of a file were last changed, as git tells. Nothing is told without git, and in a shallow clone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from stack.git import ask
from stack.lint.places import Place


def changed_at(folder: Path, place: Place) -> datetime | None:
    """When the newest of these lines was written, by its author's clock; a line that is not committed, now. None where
    git does not tell."""
    if (ask(folder, "rev-parse", "--is-shallow-repository") or "").strip() != "false":
        return None
    told = ask(folder, "blame", "--porcelain", "-L", f"{place.first},{place.last}", "--", place.file)
    # The author's time, which a rebase keeps.
    times = [int(seconds) for seconds in re.findall(r"^author-time (\d+)$", told or "", re.MULTILINE)]
    return datetime.fromtimestamp(max(times), UTC) if times else None
