"""The Pulumi engine of one stack: what its state holds, what an `up` would change, and the `up` itself.

The only importer of `pulumi.automation`. The program runs inside this process, so an `up` costs no second Python.
What a killed run leaves, a lock and running programs, is cleared away here, once its owner is surely gone.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pulumi import automation
from pulumi.automation import events
from pulumi.automation.errors import CommandError, ConcurrentUpdateError, StackNotFoundError

from schema.errors import EngineLost, Refused, ToolError, UsageError
from stack.declaration import Declaration
from stack.file.config import StackConfig
from stack.processes import Process, end, host, is_gone, orphans
from stack.world.live import Live
from stack.world.managed import INDEX_TYPE, MONITOR_TYPES, TABLE_TYPE, Managed, resource_name

T = TypeVar("T")

VERSION_FILE = ".pulumi.version"
"""In the tool's own folder: the one version of the Pulumi CLI that it is tested with."""
TOOL = Path(__file__).resolve().parents[2]

OnRefusal = Callable[[ToolError], None]
Program = Callable[[Live, Declaration, OnRefusal], None]
"""The Pulumi program, told what is live and which resources to declare."""

_REPLACING = {
    events.OpType.REPLACE,
    events.OpType.CREATE_REPLACEMENT,
    events.OpType.DELETE_REPLACED,
    events.OpType.IMPORT_REPLACEMENT,
    events.OpType.READ_REPLACEMENT,
}


@dataclass(frozen=True)
class ResourceChange:
    """One change of a table, an index or a monitor: Pulumi's operation (such as `create`), the resource's name, and the
    properties that differ."""

    operation: str
    resource: str
    type: str
    properties: tuple[str, ...] = ()


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
    and what it raises prevents that.

    `ups` counts the `up`s that were run; `revision` changes with everything that can change the state.
    """

    def __init__(
        self,
        config: StackConfig,
        program: Program,
        environment: Mapping[str, str],
        safe_point: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._program = program
        self._safe_point = safe_point
        self._environment = environment
        self._workspace = automation.LocalWorkspace(
            work_dir=str(config.checkout),
            env_vars={**environment, **Process.current().mark()},
            secrets_provider=config.secrets_provider,
            pulumi_command=_command(),
        )
        self._stack = _Stack(config.stack, self._workspace)
        self.ups = 0
        self.revision = 0

    def elsewhere(self, checkout: Path, backend: str, environment: Mapping[str, str]) -> Engine:
        """An engine for the same program, with another checkout and another backend (a URL): what it writes, it writes
        there."""
        config = replace(self._config, checkout=checkout, stack=self._config.name)
        told = {**self._environment, **environment, "PULUMI_BACKEND_URL": backend}
        return Engine(config, self._program, told, self._safe_point)

    def managed(self) -> Managed:
        """What the state holds; nothing for a stack that was never created. Raises ToolError."""
        try:
            deployment = self._stack.export_stack().deployment
        except StackNotFoundError:
            return Managed()
        except CommandError as error:
            raise self._failure("Pulumi cannot read the stack's state.", error, []) from error
        return Managed.of(deployment or {})

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
            self._unlocked(lambda: self._stack.refresh(clear_pending_creates=True, color="never"))
        except CommandError as error:
            raise self._failure("`pulumi refresh` failed.", error, []) from error

    def preview(self, live: Live, declaration: Declaration) -> list[ResourceChange]:
        """What an `up` would change. Changes nothing. Raises ToolError."""
        return self._run(live, declaration, dry=True)

    def up(self, live: Live, declaration: Declaration, deletions: frozenset[str] = frozenset()) -> list[ResourceChange]:
        """Previews, refuses what could lose something, then makes the changes and returns them.

        Of deletions only those of `deletions` (resource names) may be planned. Raises Refused before anything was
        changed, ToolError when the `up` fails.
        """
        refuse_losses(self.preview(live, declaration), deletions)
        self._safe_point()
        self.ups += 1
        self.revision += 1
        return self._run(live, declaration, dry=False)

    def _run(self, live: Live, declaration: Declaration, *, dry: bool) -> list[ResourceChange]:
        changes: list[ResourceChange] = []
        messages: list[str] = []
        refusals: list[ToolError] = []

        def on_event(event: events.EngineEvent) -> None:
            if event.resource_pre_event is not None:
                change = _change(event.resource_pre_event.metadata)
                if change is not None:
                    changes.append(change)
            if event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
                messages.append(" ".join(event.diagnostic_event.message.split()))

        self._workspace.program = lambda: self._program(live, declaration, refusals.append)
        try:
            if dry:
                self._stack.preview(on_event=on_event, color="never")
            else:
                self._unlocked(lambda: self._stack.up(on_event=on_event, color="never"))
        except CommandError as error:
            if refusals:
                raise refusals[0] from error
            what = "`pulumi preview` failed." if dry else "`pulumi up` failed."
            raise self._failure(what, error, messages) from error
        return changes

    def _unlocked(self, operation: Callable[[], T]) -> T:
        """Does it; where the lock of a process that is gone stands in the way, without that lock."""
        try:
            return operation()
        except ConcurrentUpdateError as error:
            owners = _LOCK_OWNER.findall(str(error))
            if not owners or not all(_is_dead(*owner) for owner in owners):
                raise
            self.end_orphans()
            self._safe_point()
            self._stack.cancel()
            return operation()

    def _failure(self, what: str, error: CommandError, messages: list[str]) -> ToolError:
        again = f"./invoke migrate --stack {self._config.stack}"
        if isinstance(error, ConcurrentUpdateError):
            return Refused(
                "Another Pulumi process holds this stack's state.",
                _last_words(error).partition("error: ")[2] or "A `pulumi up` is running, or left its lock behind.",
                f"Wait for it, or if it is dead run `pulumi cancel` (./invoke env), then: {again}",
            )
        reasons = [self._config.masked(said) for said in messages if said] or [self._config.masked(_last_words(error))]
        killed = _KILLED.search(str(error))
        if killed:
            return EngineLost(what, f"The Pulumi engine was ended by signal {killed[1]}.", f"Run: {again}")
        if any(LOST in reason for reason in reasons):
            return EngineLost(what, "The connection to the Pulumi engine broke.", f"Run: {again}")
        return ToolError(what, "; ".join(dict.fromkeys(reasons)), f"Mend that, then run: {again}")


_KILLED = re.compile(r"code: -(\d+)")
"""How the Automation API tells that a signal has ended the CLI."""
_LOCK_OWNER = re.compile(r"created by \S+@(\S+) \(pid (\d+)\) at (\S+)")
"""How Pulumi names the owner of a lock in a backend of one's own, be it a folder or a bucket."""


def _is_dead(machine: str, pid: str, locked: str) -> bool:
    """Whether the owner of a lock has surely ended. Another machine's cannot be seen from here."""
    return machine == host() and is_gone(int(pid), before=datetime.fromisoformat(locked).timestamp())


LOST = "Resource monitor has terminated"
"""What Pulumi's SDK says when a call from the program to the engine finds nobody there."""


def refuse_losses(changes: Iterable[ResourceChange], deletions: frozenset[str] = frozenset()) -> None:
    """Refuses planned changes that could lose something: any replacement, and any deletion but of `deletions`.
    Monitors hold nothing that could be lost."""
    for change in changes:
        if change.type in MONITOR_TYPES:
            continue
        if change.operation in _REPLACING:
            raise Refused(
                f"Pulumi would replace {change.resource}.",
                f"A replacement deletes the live one. What differs: {', '.join(change.properties) or 'unknown'}.",
                "Give a changed index a new name in the schema; never change a table's keys.",
            )
        if change.operation == events.OpType.DELETE and change.resource not in deletions:
            raise Refused(
                f"Pulumi would delete {change.resource}.",
                "Only a retired index whose gate is open may go.",
                "Declare it in the schema again, or retire and approve it there and in the stack file.",
            )


def _last_words(error: CommandError) -> str:
    """What the CLI wrote to standard error, in one line: the end of it, where the reason stands."""
    return " ".join(str(error).rpartition("stderr:")[2].split())[-600:]


def _change(metadata: events.StepEventMetadata) -> ResourceChange | None:
    ours = {TABLE_TYPE, INDEX_TYPE, *MONITOR_TYPES}
    if metadata.type not in ours or metadata.op in {events.OpType.SAME, events.OpType.REFRESH}:
        return None
    properties = tuple(metadata.keys or ()) or tuple(metadata.diffs or ())
    return ResourceChange(str(metadata.op.value), resource_name(metadata.urn), metadata.type, properties)


def check_engine() -> None:
    """Raises UsageError where the CLI on PATH cannot be used."""
    _command()


def _command() -> automation.PulumiCommand:
    """The CLI on PATH, which must be exactly the pinned version."""
    pinned = (TOOL / VERSION_FILE).read_text(encoding="utf-8").strip()
    if shutil.which("pulumi") is None:
        raise UsageError(
            "The Pulumi engine is missing.", "There is no `pulumi` on PATH.", "Run the tasks through ./invoke."
        )
    noted = TOOL / ".venv" / f"engine-{pinned}"  # where ./invoke noted that it found the engine
    try:
        command = automation.PulumiCommand(skip_version_check=True)
    except Exception as error:
        noted.unlink(missing_ok=True)
        said = " ".join(str(error).split())
        raise UsageError(
            "The Pulumi engine cannot be run.", f"`pulumi version` failed: {said}", "Run ./invoke again: it gets one."
        ) from error
    if str(command.version) != pinned:
        noted.unlink(missing_ok=True)
        raise UsageError(
            f"The Pulumi engine on PATH is version {command.version}.",
            f"The project is tested with {pinned} only.",
            "Run ./invoke again: it gets that version.",
        )
    return command
