"""What a library prints in a program's thread, and what Python ignores, is noted and not shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.limits import HANGS

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = """
import gc, sys, threading, traceback

from migration.engine.asides import hear, in_program

hear(lambda line: print(line))


def program():
    in_program()
    try:
        raise ValueError("of the program")
    except ValueError:
        traceback.print_exc()


class Endless:
    def __await__(self):
        yield


async def dropped_by_its_loop():
    try:
        await Endless()
    finally:
        raise RuntimeError("no running event loop")


for target in (program, lambda: print("of another thread", file=sys.stderr)):
    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
coroutine = dropped_by_its_loop()
coroutine.send(None)
del coroutine
gc.collect()
print("of the main thread", file=sys.stderr)
"""


def test_tracebacks_of_a_program_s_thread_and_of_a_dropped_coroutine_are_noted_and_not_shown() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=HANGS
    )
    assert done.stderr.splitlines() == ["of another thread", "of the main thread"]
    noted = done.stdout.splitlines()
    assert [line for line in noted if "Error: " in line] == [
        "ValueError: of the program",
        "RuntimeError: no running event loop",
    ]
    assert any(line.startswith("Exception ignored in <coroutine object dropped_by_its_loop") for line in noted)
