"""The policy pack with an environment of its own, in which its library is installed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.limits import HANGS

PROJECT = Path(__file__).resolve().parents[1]
SOURCE = PROJECT / "policy"


def copied(directory: Path) -> Path:
    """A copy of the pack in that folder. Skips where its requirements cannot be installed, but in CI."""
    shutil.copytree(SOURCE, directory, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    (directory / ".venv").symlink_to(_environment())
    return directory


def _environment() -> Path:
    """The environment, made once and kept for as long as its requirements are the same."""
    requirements = SOURCE / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    home = PROJECT / ".venv"
    kept = home / f"policy-{digest}-{sys.version_info.major}.{sys.version_info.minor}"
    with (home / "policy.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            partial = kept.with_suffix(".partial")
            install = [
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "--no-deps",
                "-r",
                str(requirements),
            ]
            try:
                _run([sys.executable, "-m", "venv", "--clear", str(partial)])
                _run([str(partial / "bin" / "python"), "-m", "pip", "install", *install])
            except subprocess.CalledProcessError as failed:
                shutil.rmtree(partial, ignore_errors=True)
                said = str(failed.stderr).strip().splitlines()[-1:] or ["nothing"]
                missing = f"the requirements of the policy pack cannot be installed; pip says: {said[0]}"
                if os.environ.get("CI"):
                    pytest.fail(f"CI has to run this: {missing}")
                pytest.skip(missing)
            partial.rename(kept)
    return kept


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=HANGS, stdin=subprocess.DEVNULL)
