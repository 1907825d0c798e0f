"""How a Pulumi CLI that runs an `up` is ended in order."""

from __future__ import annotations

import signal

import psutil

BETWEEN_SIGNALS_SECONDS = 0.5
END_SECONDS = 20.0
"""How long the CLI may take to write the state and to give back its lock, once it was told to end at once."""


def end_running() -> None:
    """Ends the CLI that this process has started, without waiting for what AWS is doing.

    The first signal has it begin nothing more; the second has it write its state, with what it had begun as pending,
    and give back its lock. One that does neither in time is killed, and its lock is left to the next run.
    """
    running = [child for child in psutil.Process().children() if _name(child) == "pulumi"]
    for _ in range(2):
        for process in running:
            if process.is_running():
                process.send_signal(signal.SIGTERM)
        _, running = psutil.wait_procs(running, timeout=BETWEEN_SIGNALS_SECONDS)
    _, running = psutil.wait_procs(running, timeout=END_SECONDS)
    for process in running:
        process.kill()


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""
