"""The Pulumi engine of one stack: what its state holds, what an `up` would change, and the `up` itself.

Besides cli.py the only importer of `pulumi.automation`. The program runs inside this process, so an `up` costs no
second Python. What a killed run leaves, a lock and running programs, is cleared away here, once its owner is surely
gone.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict, TypeVar

from pulumi import automation
from pulumi.automation import events
from pulumi.automation.errors import CommandError, ConcurrentUpdateError, StackNotFoundError

from migration.engine.asides import hear, in_program
from migration.engine.differences import differences
from migration.engine.failures import failure, last_words
from migration.engine.log import EngineLog, secrets_of
from migration.engine.versions import TOOL, Versions
from migration.session.cli import Cli
from migration.session.locks import Locks, owners_in
from schema.errors import EngineLost, Refused, ToolError, UsageError
from stack.allowed_changes import ResourceChange, is_structure, refuse_unlisted
from stack.declaration import Declaration
from stack.file.cli import find_cli
from stack.file.config import StackConfig
from stack.processes import Process, end, orphans
from stack.world.live import Live
from stack.world.managed import SUBSCRIPTION_TYPE, Managed, resource_name

T = TypeVar("T")

Judge = Callable[[list[ResourceChange]], None]
"""Is shown what is planned, and raises Refused where that may not be."""
OnRefusal = Callable[[ToolError], None]
Program = Callable[[Live, Declaration, OnRefusal], None]
"""The Pulumi program, told what is live and which resources to declare."""


class _Kept(TypedDict):
    message: str | None
    on_output: Callable[[str], object]
    on_error: Callable[[str], object]


class _Stack(automation.Stack):
    """A stack without the CLI calls that we have no use for: each costs a third of a second or more."""

    def __init__(self, name: str, workspace: automation.Workspace) -> None:
        # Not the base class's: it would run `stack select`, and every call of ours names the stack anyway.
        self.name = name
        self.workspace = workspace

    def export_stack(self) -> automation.Deployment:
        """The state, its secrets as they are stored. Nobody here needs them, and to get at them the CLI would derive a
        key from the passphrase: half of the time that this takes."""
        exported = json.loads(self._run_pulumi_cmd_sync(["stack", "export"]).stdout)
        return automation.Deployment(version=exported.get("version"), deployment=exported.get("deployment"))

    def outputs(self) -> automation.OutputMap:
        """Nothing: the caller reads AWS."""
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:
        """A placeholder: the events have said what happened."""
        return automation.UpdateSummary(
            kind="update", start_time=datetime.now(UTC), message="", environment={}, config={}, result="succeeded"
        )


class Engine:
    """Runs Pulumi for one stack. `environment` is added to the process's own; `safe_point` is asked before each change,
    and what it raises prevents that. `locks` knows whose Pulumi's locks are.

    `ups` counts the `up`s that were run; `revision` changes with everything that can change the state; `warning` says
    what to know of the CLI's version.
    """

    def __init__(
        self,
        config: StackConfig,
        program: Program,
        environment: Mapping[str, str],
        safe_point: Callable[[], None] = lambda: None,
        *,
        locks: Locks,
    ) -> None:
        self.locks = locks
        self._cli, self.warning = _command()
        self._config = config
        self._program = program
        self._safe_point = safe_point
        self._environment = environment
        self._log = EngineLog(config.checkout, secrets_of(config, environment))
        self._message: str | None = None
        self._is_let_go = False
        self._workspace = automation.LocalWorkspace(
            work_dir=str(config.checkout),
            env_vars={**environment, **Process.current().mark()},
            secrets_provider=config.secrets_provider,
            pulumi_command=self._cli,
        )
        self._stack = _Stack(config.stack, self._workspace)
        self.ups = 0
        self.revision = 0

    def elsewhere(self, checkout: Path, backend: str, environment: Mapping[str, str]) -> Engine:
        """An engine for the same program, with another checkout and another backend (a URL): what it writes, it writes
        there."""
        config = replace(self._config, checkout=checkout, stack=self._config.name)
        told = {**self._environment, **environment, "PULUMI_BACKEND_URL": backend}
        return Engine(config, self._program, told, self._safe_point, locks=self.locks)

    @contextmanager
    def in_run(self, command: str, run: str) -> Iterator[None]:
        """While the block runs, all that is done is that run's: Pulumi's own history names it, and what Pulumi says is
        kept in the run's log."""
        self._message = f"keyshift {command}, run {run}"
        self._log.begin(run)
        try:
            yield
        finally:
            self._log.end()
            self._message = None

    def hear_asides(self) -> None:
        """From now on what the SDK prints of its own accord is kept in the log, until the process ends."""
        hear(self._log.note)

    def let_go(self) -> None:
        """Ends the `up` that is going on, from another thread, in order and without waiting for AWS: what AWS has begun
        it goes on with. The `up` then raises EngineLost, if nothing else: the CLI would call it a success."""
        self._is_let_go = True
        self._cli.end_at_once()

    def managed(self) -> Managed:
        """What the state holds; nothing for a stack that was never created. Raises ToolError."""
        try:
            deployment = self._stack.export_stack().deployment
        except StackNotFoundError:
            return Managed()
        except CommandError as error:
            raise self._failure("Pulumi cannot read the stack's state.", error, []) from error
        return Managed.of(deployment or {})

    def interrupt(self) -> None:
        """Asks an `up` that runs to end in order. Harmless when none does. May be called by a signal handler."""
        self._cli.interrupt()

    def end_orphans(self) -> None:
        """Ends what a killed run left running: an orphaned plugin would go on changing tables. What was read of the
        state until then may be wrong by now."""
        end(orphans())
        self.revision += 1

    def create_stack(self) -> None:
        """Makes the stack in the backend. Harmless when it is there."""
        self._safe_point()
        self.revision += 1
        try:
            self._workspace.create_stack(self._config.stack)
        except automation.StackAlreadyExistsError:
            return
        except CommandError as error:
            raise self._failure("Pulumi cannot create the stack.", error, []) from error

    def refresh(self) -> None:
        """Brings the state up to AWS: what is gone there is forgotten, and so is what a killed `up` was creating (if
        AWS made it after all, it is live and gets imported). Changes nothing in AWS. Raises ToolError."""
        self._safe_point()
        self.revision += 1
        self._workspace.program = None
        try:
            kept = self._kept("pulumi refresh")
            self._unlocked(lambda: self._stack.refresh(clear_pending_creates=True, color="never", **kept))
        except CommandError as error:
            raise self._failure("`pulumi refresh` failed.", error, []) from error

    def preview(self, live: Live, declaration: Declaration, judge: Judge = lambda _: None) -> list[ResourceChange]:
        """What an `up` would change, allowed yet or not. Changes nothing. `judge` is shown it, also where Pulumi
        refuses its own plan, as for a protected table. Raises ToolError."""
        return self._run(live, replace(declaration, only_shown=True), dry=True, judge=judge)

    def up(self, live: Live, declaration: Declaration, deletions: frozenset[str] = frozenset()) -> list[ResourceChange]:
        """Previews, refuses what is not on the list of allowed changes, then makes the changes and returns them.

        Of deletions only those of `deletions` (resource names) may be planned. Raises Refused before anything was
        changed, ToolError when the `up` fails.
        """
        with tempfile.TemporaryDirectory(prefix="keyshift-") as directory:
            plan = str(Path(directory, "plan.json"))

            def judge(changes: list[ResourceChange]) -> None:
                refuse_unlisted(changes, declaration, deletions)

            self._run(live, declaration, dry=True, plan=plan, judge=judge)
            self._safe_point()
            self.ups += 1
            self.revision += 1
            self._is_let_go = False
            changes = self._run(live, declaration, dry=False, plan=plan)
            if self._is_let_go:
                again = f"./invoke migrate --stack {self._config.stack}"
                raise EngineLost("The `pulumi up` was ended.", "AWS goes on with what it has begun.", f"Run: {again}")
            return changes

    def _run(
        self,
        live: Live,
        declaration: Declaration,
        *,
        dry: bool,
        plan: str | None = None,
        judge: Judge = lambda changes: None,
    ) -> list[ResourceChange]:
        changes: list[ResourceChange] = []
        messages: list[str] = []
        refusals: list[ToolError] = []

        def on_event(event: events.EngineEvent) -> None:
            if event.resource_pre_event is not None:
                change = change_of(event.resource_pre_event.metadata, self._log.masked)
                if change is not None:
                    changes.append(change)
            if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
                messages.append(self._log.masked(" ".join(event.diagnostic_event.message.split())))

        def program() -> None:
            in_program()
            self._program(live, declaration, refusals.append)

        self._workspace.program = program
        what = "pulumi preview" if dry else "pulumi up"
        kept = self._kept(what)
        try:
            if dry:
                self._stack.preview(on_event=on_event, plan=plan, color="never", **kept)
            else:
                self._unlocked(lambda: self._stack.up(on_event=on_event, plan=plan, color="never", **kept))
        except CommandError as error:
            # What was planned until then may say more than Pulumi, and than a guard, which knows of one resource.
            judge(changes)
            if refusals:
                raise refusals[0] from error
            raise self._failure(f"`{what}` failed.", error, messages) from error
        judge(changes)
        return changes

    def _kept(self, command: str) -> _Kept:
        """What is kept of a command: its message in Pulumi's own history, and its lines in the run's log."""
        self._log.note(f"{command}: {self._message or 'no run'}")
        return {"message": self._message, "on_output": self._log.note, "on_error": self._log.note}

    def _unlocked(self, operation: Callable[[], T]) -> T:
        """Does it; where the lock of a process that is gone stands in the way, without that lock."""
        try:
            with self._cli.changing(self.locks.noted):
                return operation()
        except ConcurrentUpdateError as error:
            owners = owners_in(str(error))
            if not owners or not all(self.locks.is_dead(owner) for owner in owners):
                raise
            self.end_orphans()
            self._safe_point()
            self._stack.cancel()
            for owner in owners:
                self.locks.forget(owner)
            with self._cli.changing(self.locks.noted):
                return operation()

    def _failure(self, what: str, error: CommandError, messages: list[str]) -> ToolError:
        again = f"./invoke migrate --stack {self._config.stack}"
        said = self._log.masked(str(error))
        if isinstance(error, ConcurrentUpdateError):
            return Refused(
                "Another Pulumi process holds this stack's state.",
                last_words(said).partition("error: ")[2] or "A `pulumi up` is running, or left its lock behind.",
                f"Wait for it, or if it is dead run `pulumi cancel` (./invoke env), then: {again}",
            )
        found = failure(what, said, messages, again)
        if self._log.path is not None:
            found.why = f"{found.why} All that Pulumi said is in {self._log.path}."
        return found


def change_of(metadata: events.StepEventMetadata, masked: Callable[[str], str]) -> ResourceChange | None:
    """What a step changes; None where nothing that a person has to know of. A state of an older version names a
    subscription after its address, which may be a secret by now, and is `masked`."""
    if metadata.op in {events.OpType.SAME, events.OpType.REFRESH}:
        return None
    name = resource_name(metadata.urn)
    if metadata.type == SUBSCRIPTION_TYPE:
        name = masked(name)
    properties = tuple(metadata.keys or ()) or tuple(metadata.diffs or ())
    change = ResourceChange(str(metadata.op.value), name, metadata.type, properties)
    return None if is_structure(change) else replace(change, values=differences(change.operation, metadata, masked))


def check_engine() -> None:
    """Raises UsageError where the CLI on PATH cannot be used."""
    _command()


def _command() -> tuple[Cli, str]:
    """The CLI on PATH, of a version that is taken, and what to know of that version. Raises UsageError."""
    versions = Versions.of()
    find_cli()
    noted = TOOL / ".venv" / f"engine-{versions.tested}"  # where ./invoke noted that it found the engine
    try:
        command = Cli()
        warning = versions.warning(command.version)
    except UsageError:
        noted.unlink(missing_ok=True)
        raise
    except Exception as error:
        noted.unlink(missing_ok=True)
        said = " ".join(str(error).split())
        raise UsageError(
            "The Pulumi engine cannot be run.", f"`pulumi version` failed: {said}", "Run ./invoke again: it gets one."
        ) from error
    return command, warning
