"""Opening a stack for a task: its settings, clients, ledger and engine, put together."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from invoke.context import Context as Shell

from components.plugin import refuse_old_plugin
from components.program import declare
from local.stack import LocalStack
from migration.session.context import Context, Reporter
from migration.session.engine import Engine
from migration.session.locks import Locks
from migration.session.notifying import Notifier
from migration.session.stopping import Interrupts, safe_point
from schema.errors import Interrupted
from schema.project import Project
from stack.aws import check_account, cloudwatch, dynamodb, dynamodb_once, sns, translated_errors
from stack.file.config import StackConfig
from stack.ledger.authors import Author
from stack.ledger.codec import now, written
from stack.ledger.history import History, code_version
from stack.ledger.ledger import Ledger
from stack.lint.linting import refuse_errors
from stack.processes import end, named, orphans
from terminal.progress import JsonLinesReporter, TerminalReporter
from terminal.reporting import say
from terminal.turn import Turn
from terminal.workspace import TOOL, workspace_of

SHOW_CURSOR = "\x1b[?25h"
"""A progress bar hides it (ECMA-48, as xterm extends it), and shows it again only when it is ended in order."""


@contextmanager
def open_session(
    shell: Shell,
    stack: str,
    *,
    json: bool = False,
    rate: float | None = None,
    workers: int | None = None,
    turn: Turn | None = None,
    seconds: float | None = None,
    no_wait: bool = False,
    linted: bool = False,
) -> Iterator[Context]:
    """Everything that a run works with. The local stack is started when it does not run. After `seconds` the run is
    asked to stop. With `linted`, what the lint calls an error is refused before anything else. Raises ToolError."""
    workspace = workspace_of(shell)
    project, config = workspace.project, workspace.config(stack)
    schema = project.schema
    if linted:
        refuse_errors(project, config)
    if config.is_local:
        LocalStack(config, project, say).up()
    client = dynamodb(config)
    ledger = Ledger(client, config)
    interrupts = Interrupts(say=_say_now, at_once=_end_at_once)
    may_change = partial(safe_point, interrupts, ledger.lease)
    engine = Engine(
        config,
        lambda live, declaration, on_refusal: declare(schema, config, live, declaration, on_refusal, may_change),
        pulumi_environment(config, project),
        may_change,
        locks=Locks(ledger),
    )
    engine.hear_asides()
    refuse_old_plugin()
    interrupts.pass_on = engine.interrupt
    ledger.lease.on_lost = engine.interrupt
    ledger.act_as(Author.here(check_account(config)))
    clock = written(now())
    with TerminalReporter(stack) as shown, translated_errors(config), interrupts.limited(seconds):
        reporter: Reporter = JsonLinesReporter() if json else shown
        if engine.warning:
            reporter.noted(engine.warning)
        yield Context(
            schema=schema,
            config=config,
            client=client,
            once=dynamodb_once(config),
            cloudwatch=cloudwatch(config),
            ledger=ledger,
            history=History(ledger, partial(code_version, TOOL), schema.digest),
            interrupts=interrupts,
            engine=engine,
            reporter=reporter,
            notifier=Notifier(sns(config), config, reporter.noted),
            clock=lambda: clock,
            on_held=(turn or Turn()).taken,
            rate=rate,
            workers=workers,
            no_wait=no_wait,
        )


def _end_at_once() -> None:
    """Ends this process and what it started, whatever they are doing: the second Ctrl-C."""
    end(orphans(), at_once=True)
    if sys.stderr.isatty():
        _say_now(SHOW_CURSOR)
    _say_now("Stopped at once.\nTo go on, repeat the command.")
    os._exit(Interrupted.exit_code)


def _say_now(text: str) -> None:
    """Writes past the buffers of standard error: a signal may have come in the middle of filling them."""
    os.write(sys.stderr.fileno(), f"{text}\n".encode())


def pulumi_environment(config: StackConfig, project: Project) -> dict[str, str]:
    """What Pulumi is told by its environment for this stack: its backend needs the credentials, too."""
    variables = {"PULUMI_BACKEND_URL": config.backend_url, "PULUMI_SKIP_UPDATE_CHECK": "true", **named()}
    credentials = {
        "AWS_REGION": config.region,
        "AWS_PROFILE": config.profile,
        "AWS_ACCESS_KEY_ID": config.access_key,
        "AWS_SECRET_ACCESS_KEY": config.secret_key,
        "AWS_SESSION_TOKEN": config.session_token,
        "AWS_ENDPOINT_URL_KMS": config.kms_endpoint,
    }
    variables |= {name: value for name, value in credentials.items() if value}
    if config.is_local:
        variables |= LocalStack(config, project).environment()
    return variables


def environment(config: StackConfig, project: Project) -> dict[str, str]:
    """All that `pulumi` and `aws` need to work by hand on this stack."""
    variables = {"PATH": os.environ.get("PATH", ""), "PULUMI_STACK": config.stack}
    variables |= pulumi_environment(config, project)
    if config.endpoint:
        variables["AWS_ENDPOINT_URL"] = config.endpoint
    return variables
