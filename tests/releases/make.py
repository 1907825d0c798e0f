"""Keeps stacks that a release leaves half migrated, for the releases after it to finish.

    git worktree add /tmp/release TAG && cd /tmp/release
    PYTHONPATH=/tmp/release:CHECKOUT PYTHON CHECKOUT/tests/releases/make.py VERSION

The release's own code runs; this program is the only part of the checkout that does. The release needs the Pulumi
engine on PATH. Each moment gives a file `tests/releases/VERSION/<moment>.json.gz` in the checkout.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from local.emulation import application
from tests.gated_server import Gate, Holding, creation_of_an_index, gated
from tests.limits import EXPECTED
from tests.releases.kept import dump, write
from tests.stacks import PEOPLE, SCHEMA, SmallStack

HERE = Path(__file__).resolve()
MORE = 12
"""Persons besides those of every test, so that a backfill can be killed in its middle."""


def people() -> list[dict[str, Any]]:
    """The items before the migration."""
    more = [
        {"PK": {"S": f"PERSON#{number}"}, "SK": {"S": "PROFILE"}, "full_name": {"S": "Ben"}, "project_id": {"S": "p2"}}
        for number in range(2, 2 + MORE)
    ]
    return [*PEOPLE, *more]


def third_item() -> Holding:
    """The third item that is written to the table."""
    seen = iter(range(1000))
    return lambda operation, body: operation == "UpdateItem" and b"-personnel" in body and next(seen) == 2


MOMENTS: dict[str, Callable[[], Holding] | None] = {
    "waiting for an approval": None,
    "killed in a backfill": third_item,
    "killed in an up": lambda: creation_of_an_index,
}


@contextmanager
def running(stack: SmallStack) -> Iterator[subprocess.Popen[bytes]]:
    """The release migrates the stack, in a process of its own; afterwards nothing of it runs, all at once."""
    command = [sys.executable, str(HERE), "run", str(stack.directory), stack.endpoint, stack.prefix]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        started = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for one in started:
            one.kill()
        process.wait()


def make(version: str, moment: str, gate: Gate, endpoint: str, directory: Path) -> None:
    """Makes one file."""
    stack = SmallStack.make(directory, endpoint, SCHEMA)
    stack.seed({"personnel": people()})
    holding = MOMENTS[moment]
    if holding is None:
        stack.migrate()
    else:
        gate.hold(holding())
        with running(stack):
            assert gate.reached.wait(EXPECTED)
    gate.open()
    command = ["git", "-C", str(Path.cwd()), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    file = HERE.parent / version / f"{moment.replace(' ', '-')}.json.gz"
    write(file, dump(stack, commit))
    print(f"{file.name}: {file.stat().st_size:,} bytes")


def main(*arguments: str) -> None:
    """Makes all of them, or is the release's own run."""
    if arguments[0] == "run":
        directory, endpoint, prefix = arguments[1:]
        SmallStack(Path(directory), endpoint, SCHEMA, prefix).migrate()
        return
    for moment in MOMENTS:
        with gated(application()) as (gate, endpoint), tempfile.TemporaryDirectory() as directory:
            make(arguments[0], moment, gate, endpoint, Path(directory))


if __name__ == "__main__":
    main(*sys.argv[1:])
