"""What decides what a migration does, as digests that are the same on each machine; and which commit it is."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from schema.errors import Refused
from stack.git import ask

TOOL = Path(__file__).resolve().parents[2]
"""The tool's own folder."""
OTHERS = frozenset({"benchmarks", "docs", "examples", "hosting", "loadtest", "local", "policy", "tests", "tools"})
"""The tool's folders whose code changes nothing that a migration does: tests, and what stands for AWS on this
machine."""
OTHERS_OF_PROJECT = frozenset({"tests"})
"""Those of a project that has a folder of its own: its rules may import any other."""
LOCK = "requirements.lock"
PROJECT_FILE = "Pulumi.yaml"
"""Its settings are those of each stack that sets none, and it says how the program is run."""
ENVIRONMENT = "pyvenv.cfg"
"""Stands in a folder that is a Python environment."""


def code_digest(project: Path) -> str:
    """The digest of the code of the tool and of the project in that folder: each of their Python files, but for those
    of OTHERS and of hidden folders, and their PROJECT_FILE, by its path and its text. Line endings make no difference.
    A file that git does not track counts: it would run, too; and so does one behind a link. Raises Refused for one that
    cannot be read."""
    digest = hashlib.sha256()
    roots = [("tool", TOOL, OTHERS)]
    if project.resolve() != TOOL:
        roots.append(("project", project.resolve(), OTHERS_OF_PROJECT))
    for name, root, others in roots:
        for path in _files(root, others):
            text = _text(root / path)
            digest.update(f"{name}/{path.as_posix()}\0{len(text)}\0".encode() + text)
    return f"sha256:{digest.hexdigest()}"


def lock_digest() -> str:
    """The digest of the file that pins all packages. Raises Refused."""
    return f"sha256:{hashlib.sha256(_text(TOOL / LOCK)).hexdigest()}"


def commit_of(checkout: Path) -> str:
    """The full id of the commit, with `-dirty` where tracked files differ from it; empty: not known."""
    found = ask(checkout, "rev-parse", "HEAD")
    if found is None or not re.fullmatch(r"[0-9a-f]{40}", found.strip()):
        return ""
    changed = ask(checkout, "status", "--porcelain", "--untracked-files=no")
    return found.strip() if changed == "" else f"{found.strip()}-dirty"


def clean_commit(checkout: Path) -> str | None:
    """The full id of the commit; None where tracked files differ from it, a file that would run is not of it, or it is
    not known."""
    commit = commit_of(checkout)
    return commit if re.fullmatch(r"[0-9a-f]{40}", commit) and _is_tracked(checkout) else None


def is_same_code(checkout: Path, commit: str) -> bool:
    """Whether the code of that commit is the code of this checkout. False where git cannot say, and where it does not
    track a file that would run."""
    paths = ["*.py", LOCK, PROJECT_FILE, *(f":(exclude){folder}" for folder in sorted(_others(checkout)))]
    return _is_tracked(checkout) and ask(checkout, "diff", "--quiet", commit, "--", *paths) is not None


def _is_tracked(checkout: Path) -> bool:
    """Whether git knows each file that would run, or what a link of its path leads to."""
    root, tracked = checkout.resolve(), ask(checkout, "ls-files", "-z")
    known = {root / name for name in (tracked or "").split("\0") if name}
    return tracked is not None and all((root / path).resolve() in known for path in _files(root, _others(root)))


def _others(checkout: Path) -> frozenset[str]:
    return OTHERS if checkout.resolve() == TOOL else OTHERS_OF_PROJECT


def _files(root: Path, others: frozenset[str]) -> Iterator[Path]:
    found: list[Path] = []
    for name, folders, files in os.walk(root, followlinks=True):
        folder, real = Path(name).relative_to(root), Path(name).resolve()
        top = not folder.parts
        # Neither what is hidden nor an environment is code of ours.
        folders[:] = [
            each
            for each in folders
            if not each.startswith(".")
            and not (top and each in others)
            and not (root / folder / each / ENVIRONMENT).exists()
            # A link to a folder that it is in.
            and not real.is_relative_to((root / folder / each).resolve())
        ]
        found += [folder / file for file in files if file.endswith(".py") or (top and file == PROJECT_FILE)]
    yield from sorted(found, key=Path.as_posix)


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes().replace(b"\r\n", b"\n")
    except OSError as error:
        raise Refused(
            "The code cannot be read, so nobody can say whether it is what was attested.",
            f"{error}.",
            "Make it readable, then repeat.",
        ) from None
