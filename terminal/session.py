"""Opening a stack for a task: its settings, clients, ledger and engine, put together."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from components.program import declare
from local.stack import LocalStack
from migration.context import Context
from migration.engine import Engine
from schema.sitelogix import SITELOGIX
from stack.aws import check_account, cloudwatch, dynamodb, dynamodb_once, translated_errors
from stack.config import StackConfig, load_config
from stack.ledger import Ledger, now
from terminal.main import CHECKOUT
from terminal.progress import JsonLinesObserver, TerminalObserver


@contextmanager
def open_session(
    stack: str, *, json: bool = False, rate: float | None = None, workers: int | None = None
) -> Iterator[Context]:
    """Everything that a run works with. The local stack is started when it does not run. Raises ToolError."""
    config = load_config(stack, CHECKOUT, SITELOGIX)
    if config.is_local:
        LocalStack(config, SITELOGIX, say=lambda line: print(line, file=sys.stderr)).up()
    client = dynamodb(config)
    engine = Engine(
        config,
        lambda live, declaration, on_refusal: declare(SITELOGIX, config, live, declaration, on_refusal),
        pulumi_environment(config),
    )
    check_account(config)
    clock = now()
    with TerminalObserver(stack) as shown, translated_errors(config):
        yield Context(
            schema=SITELOGIX,
            config=config,
            client=client,
            once=dynamodb_once(config),
            cloudwatch=cloudwatch(config),
            ledger=Ledger(client, config),
            engine=engine,
            observer=JsonLinesObserver() if json else shown,
            clock=lambda: clock,
            rate=rate,
            workers=workers,
        )


def pulumi_environment(config: StackConfig) -> dict[str, str]:
    """What Pulumi is told by its environment for this stack: its backend needs the credentials, too."""
    variables = {"PULUMI_BACKEND_URL": config.backend_url, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    credentials = {
        "AWS_REGION": config.region,
        "AWS_PROFILE": config.profile,
        "AWS_ACCESS_KEY_ID": config.access_key,
        "AWS_SECRET_ACCESS_KEY": config.secret_key,
    }
    variables |= {name: value for name, value in credentials.items() if value}
    if config.is_local:
        variables |= LocalStack(config, SITELOGIX).environment()
    return variables


def environment(config: StackConfig) -> dict[str, str]:
    """All that `pulumi` and `aws` need to work by hand on this stack."""
    variables = {"PATH": os.environ.get("PATH", ""), "PULUMI_STACK": config.stack, **pulumi_environment(config)}
    if config.endpoint:
        variables["AWS_ENDPOINT_URL"] = config.endpoint
    return variables
