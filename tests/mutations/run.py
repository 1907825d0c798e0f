"""Plants each mutation in a copy of the checkout, and says whether its tests see it.

    python -m tests.mutations.run [--only ID ...] [--area AREA] [--json]

The copy holds what git tracks, as it is in the work tree. Exit code 0: every mutation was killed. 1: one was not.
2: one cannot be applied, or its tests fail without it, or the arguments name nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutations.mutation import CHECKOUT, CannotApply, Mutation, all_mutations

HANG_SECONDS = 600.0
"""How long the tests of one mutation may take. What hangs is not killed: nobody would see which rule is broken."""


class Outcome(StrEnum):
    """What became of one mutation."""

    KILLED = "killed"
    SURVIVED = "survived"
    BROKEN = "broken"
    HUNG = "hung"
    CANNOT_APPLY = "cannot apply"
    TESTS_FAIL = "tests fail without it"


ERRORS = {Outcome.CANNOT_APPLY, Outcome.TESTS_FAIL}
"""Outcomes that say nothing about the tests: the list itself is wrong."""


@dataclass(frozen=True)
class Verdict:
    """One mutation with its outcome; `why` is empty where the outcome says it all."""

    mutation: Mutation
    outcome: Outcome
    seconds: float = 0.0
    why: str = ""

    def text(self) -> str:
        """One line for a person."""
        line = f"{self.outcome:<12}  {self.seconds:5.1f} s  {self.mutation.area}  {self.mutation.id}"
        return f"{line}: {self.why}" if self.why else line


@dataclass(frozen=True)
class PytestRun:
    """How a pytest ended: its exit code (None: it was stopped after HANG_SECONDS), what it said, how long it took."""

    exit_code: int | None
    output: str
    seconds: float

    @property
    def outcome(self) -> Outcome:
        """What that says of a mutation. Only a test that ran and failed has seen it."""
        if self.exit_code is None:
            return Outcome.HUNG
        if self.exit_code == 0:
            return Outcome.SURVIVED
        # With `-x` pytest gives the exit code of a failed test to a file that cannot be imported, too.
        return Outcome.KILLED if self.exit_code == 1 and "ERROR collecting" not in self.output else Outcome.BROKEN

    @property
    def last_line(self) -> str:
        """The last line of its output: pytest's summary, or the error that ended it."""
        return next((line for line in reversed(self.output.splitlines()) if line.strip()), "")


Test = Callable[[tuple[str, ...]], PytestRun]
"""Runs pytest with these arguments in the copy."""


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """What the run ends with."""
    if any(verdict.outcome in ERRORS for verdict in verdicts):
        return 2
    return int(any(verdict.outcome is not Outcome.KILLED for verdict in verdicts))


def judged(mutations: Iterable[Mutation], copy: Path, test: Test) -> Iterator[Verdict]:
    """Each mutation's verdict. Those with the same tests follow each other, so that their tests run once without a
    mutation: where they fail then, a failure with one says nothing."""
    groups: dict[tuple[str, ...], list[tuple[Mutation, str]]] = {}
    for mutation in mutations:
        try:
            groups.setdefault(mutation.tests, []).append((mutation, mutation.planted_in(copy)))
        except CannotApply as error:
            yield Verdict(mutation, Outcome.CANNOT_APPLY, why=str(error))
    for tests, group in groups.items():
        plain = test(tests)
        for mutation, planted in group:
            if plain.exit_code != 0:
                yield Verdict(mutation, Outcome.TESTS_FAIL, plain.seconds, plain.last_line)
            else:
                yield _judged(mutation, copy / mutation.file, planted, test)


def _judged(mutation: Mutation, file: Path, planted: str, test: Test) -> Verdict:
    before = file.read_bytes()
    file.write_text(planted, encoding="utf-8")
    try:
        found = test(mutation.tests)
    finally:
        file.write_bytes(before)
    why = found.last_line if found.outcome in {Outcome.BROKEN, Outcome.HUNG} else ""
    return Verdict(mutation, found.outcome, found.seconds, why)


@contextmanager
def copied(checkout: Path) -> Iterator[Path]:
    """A copy of the files that git tracks, with the checkout's own `.venv`."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=checkout, capture_output=True, check=True, text=True)
    with tempfile.TemporaryDirectory(prefix="mutations-") as directory:
        copy = Path(directory)
        for name in filter(None, listed.stdout.split("\0")):
            if (checkout / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(checkout / name, copy / name)
        if (checkout / ".venv").exists():
            (copy / ".venv").symlink_to((checkout / ".venv").resolve())
        yield copy


def tester(copy: Path) -> Test:
    """Runs pytest in the copy, and ends it with all that it has started when it hangs."""
    # Without compiled files: one of a mutation could stand for its file once that is put back.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}

    def test(tests: tuple[str, ...]) -> PytestRun:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        began = time.monotonic()
        with subprocess.Popen(
            command,
            cwd=copy,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=HANG_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return PytestRun(None, f"stopped after {HANG_SECONDS:.0f} s", time.monotonic() - began)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return PytestRun(process.returncode, output, time.monotonic() - began)

    return test


def chosen(mutations: list[Mutation], only: Sequence[str] | None, area: str | None) -> list[Mutation]:
    """The mutations that were asked for. Raises ValueError for an id or an area that there is not."""
    unknown = sorted(set(only or ()) - {mutation.id for mutation in mutations})
    if unknown:
        raise ValueError(f"there is no mutation {', '.join(unknown)}")
    areas = sorted({mutation.area for mutation in mutations})
    if area is not None and area not in areas:
        raise ValueError(f"there is no area {area}; there are: {', '.join(areas)}")
    return [one for one in mutations if (not only or one.id in only) and area in {None, one.area}]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what the arguments ask for, prints it, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations.run")
    parser.add_argument("--only", nargs="+", metavar="ID", help="only these mutations")
    parser.add_argument("--area", help="only the mutations of one list")
    parser.add_argument("--json", action="store_true", help="print one JSON document in the end")
    asked = parser.parse_args(arguments)
    try:
        mutations = chosen(all_mutations(), asked.only, asked.area)
    except ValueError as error:
        parser.error(str(error))
    began = time.monotonic()
    verdicts: list[Verdict] = []
    with copied(CHECKOUT) as copy:
        for verdict in judged(mutations, copy, tester(copy)):
            verdicts.append(verdict)
            print(verdict.text(), file=sys.stderr if asked.json else sys.stdout, flush=True)
    seconds = time.monotonic() - began
    killed = sum(verdict.outcome is Outcome.KILLED for verdict in verdicts)
    if asked.json:
        print(json.dumps(_document(verdicts, killed, seconds), indent=2))
    else:
        print(f"{killed} of {len(verdicts)} mutations were killed, in {seconds:.0f} s.")
    return exit_code(verdicts)


def _document(verdicts: Sequence[Verdict], killed: int, seconds: float) -> dict[str, object]:
    return {
        "mutations": [
            {
                "id": verdict.mutation.id,
                "area": verdict.mutation.area,
                "outcome": verdict.outcome.value,
                "seconds": round(verdict.seconds, 1),
                "why": verdict.why,
            }
            for verdict in verdicts
        ],
        "killed": killed,
        "of": len(verdicts),
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
