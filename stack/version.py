"""Which version of this code is at work: what the history notes with each run."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

_NOT_CODE = {".git", ".local", ".venv", "tests"}


def code_version(checkout: Path) -> str:
    """The commit, with `-dirty` where files differ from it; without git a digest of the code."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return _digest(checkout)
    return found.stdout.strip() if found.returncode == 0 else _digest(checkout)


def _digest(checkout: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(checkout.rglob("*.py")):
        if not _NOT_CODE & set(path.relative_to(checkout).parts):
            digest.update(path.read_bytes())
    return f"sha256:{digest.hexdigest()[:12]}"
