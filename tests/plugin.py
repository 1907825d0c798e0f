"""The stand-in aws plugin, started once for all engines of this process: each would start one of its own otherwise,
which takes longer than all that it is asked."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from local.aws_plugin.__main__ import PARENT
from local.stack import ANOTHER_PLUGIN

PROJECT = Path(__file__).resolve().parents[1]


def attached() -> dict[str, str]:
    """What tells an engine by its environment to use that plugin. Nothing where another plugin is asked for."""
    if os.environ.get(ANOTHER_PLUGIN):
        return {}
    return {"PULUMI_DEBUG_PROVIDERS": f"aws:{_port()}"}


@cache
def _port() -> int:
    """The port that it serves on; it ends with this process."""
    plugin = subprocess.Popen(
        [sys.executable, "-m", "local.aws_plugin"],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, PARENT: str(os.getpid())},
    )
    atexit.register(plugin.kill)
    assert plugin.stdout is not None
    return int(plugin.stdout.readline())
