"""The application's own checks: commands of the stack file, whose end is kept in the ledger and whose output in a file.

A command is a list of words, and is started as it is: no shell reads it. It gets what `./invoke env` prints, and
KEYSHIFT_STACK.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from migration.engine.log import SHORTEST_SECRET, EngineLog, secrets_of
from migration.session.context import Context
from schema.errors import UsageError
from stack.file.names import guess
from stack.ledger.codec import now
from stack.ledger.history import new_id
from stack.ledger.records import CheckProof
from stack.promotion.code import commit_of

FOLDER = Path(".local", "checks")
"""In the project's folder."""
MOST_LOGS = 50
"""Of one checkout; the oldest go first."""
MOST_RUNS = 20
"""Runs that passed and are kept of each check, for approvals that name one."""
SECRET_NAME = re.compile(r"(?:TOKEN|SECRET|PASSWORD|PASSPHRASE|API_?KEY|ACCESS_KEY|PRIVATE_KEY)$", re.IGNORECASE)
"""Names of variables whose values are masked in what a check prints, besides those that are known to be secret."""
NOT_STARTED = 127
"""The exit code of a command that there is not, as a shell has it."""


@dataclass(frozen=True)
class CheckResult:
    """One check that was run: its `exit_code`, the `file` that holds its output, masked, and the digest of that
    (`log`)."""

    name: str
    exit_code: int
    began: datetime
    ended: datetime
    file: str
    log: str


@dataclass(frozen=True)
class ChecksRun:
    """The checks that were run together: the `run`'s id, the `commit` (full id, with `-dirty` where files differ from
    it; empty: unknown), and how each ended."""

    run: str
    commit: str
    checks: list[CheckResult]


def run_checks(context: Context, only: str | None, environment: Mapping[str, str]) -> ChecksRun:
    """Runs the stack's checks, or one of them, one after the other, and keeps in the ledger how each has ended.
    `environment` is what the commands get besides this process's own. Raises UsageError, ToolError."""
    chosen = _chosen(context, only)
    proofs = context.ledger.proofs()
    context.refuse_others_tables(proofs)
    context.ledger.refuse_older_code(proofs)
    run, commit = new_id(), commit_of(context.config.checkout)
    given = {**os.environ, **environment, "KEYSHIFT_STACK": context.config.name}
    secrets = {*secrets_of(context.config, environment), *_secrets_by_name(given)}
    masked = EngineLog(context.config.checkout, secrets).masked
    done = []
    for name, command in chosen.items():
        context.reporter.noted(f"Check {name}: {command}")
        file = _file(context, f"{context.config.name}-{run}-{name}.log")
        result = _run(name, command, context.config.checkout, given, file, masked)
        _keep(context, result, run, commit)
        done.append(result)
    facts = {"check_run": run, "commit": commit, "exit_codes": {result.name: result.exit_code for result in done}}
    context.history.note("check", facts)
    return ChecksRun(run, commit, done)


def _secrets_by_name(environment: Mapping[str, str]) -> Iterator[str]:
    """Values of variables that by their names are secrets, such as what a CI host gives its jobs: a check may print
    all that it was given."""
    for name, value in environment.items():
        if SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET:
            yield value


def _chosen(context: Context, only: str | None) -> dict[str, str]:
    checks, setting = context.config.settings.checks, context.config.setting("checks")
    if not checks:
        raise UsageError(
            f"Stack {context.config.stack} has no checks.",
            f"They are commands by name, in {setting} of {context.config.stack_file.name}.",
            "Write one there, such as: smoke: pytest tests/smoke",
        )
    if only is not None and only not in checks:
        raise UsageError(
            f"Stack {context.config.stack} has no check {only!r}.",
            f"There are: {', '.join(checks)}.",
            guess(only, list(checks)) or f"Name one of them, or add it to {setting}.",
        )
    return {name: command for name, command in checks.items() if only in {None, name}}


def _keep(context: Context, result: CheckResult, run: str, commit: str) -> None:
    context.ledger.create()
    context.ledger.note_version()
    before = context.ledger.proof(CheckProof, result.name)
    passed = dict(before.passed) if before is not None else {}
    if result.exit_code == 0:
        passed[run] = commit
    context.ledger.prove(
        CheckProof(
            subject=result.name,
            check_run=run,
            began=result.began,
            ended=result.ended,
            exit_code=result.exit_code,
            log=result.log,
            commit=commit,
            by=context.ledger.author.by,
            # Ids sort by time.
            passed=dict(sorted(passed.items())[-MOST_RUNS:]),
        )
    )


def _run(
    name: str, command: str, folder: Path, environment: Mapping[str, str], file: Path, masked: Callable[[str], str]
) -> CheckResult:
    """Runs the command there; what it prints goes into the file, masked, a line at a time."""
    began, digest = now(), hashlib.sha256()
    with file.open("wb") as log:

        def write(line: str) -> None:
            text = masked(line).encode()
            digest.update(text)
            log.write(text)

        try:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            )
        except (OSError, ValueError) as error:
            write(f"It cannot be started: {error}.\n")
            code = NOT_STARTED
        else:
            code = _ended(process, write)
    shown = file.relative_to(folder).as_posix()
    return CheckResult(name, code, began, now(), shown, f"sha256:{digest.hexdigest()}")


def _ended(process: subprocess.Popen[str], write: Callable[[str], None]) -> int:
    """The exit code, once it has ended. It ends with this process."""
    with process:
        try:
            for line in process.stdout or ():
                write(line)
            return process.wait()
        finally:
            if process.poll() is None:
                process.kill()


def _file(context: Context, name: str) -> Path:
    """An empty file that only its owner reads. The oldest ones are removed."""
    folder = context.config.checkout / FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
        for old in known[: max(0, len(known) - MOST_LOGS + 1)]:
            old.unlink(missing_ok=True)
        path = folder / name
        path.touch(mode=0o600)
    except OSError as error:
        raise UsageError(
            "The log of a check cannot be written.", f"{error}.", f"Make {FOLDER} a folder that you may write to."
        ) from None
    return path
