"""Pulumi's mocks: they stand for the engine, and keep what the program registers with it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import mocks
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func


class Answers(mocks.Mocks):
    """Every resource is as its inputs say."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", {**args.inputs, "arn": f"arn:{args.name}", "streamArn": f"arn:{args.name}"}

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"the program calls {args.token}")


class Hooks:
    """Stands for the server through which the engine would call hooks: keeps their names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        self.names.append(hook.name)

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        self.names.append(hook.name)


class Monitor(mocks.MockMonitor):
    """Keeps every registration as the engine would receive it, hooks and options included."""

    def __init__(self) -> None:
        super().__init__(Answers())
        self.registered: dict[str, Any] = {}
        self.hooks = Hooks()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the protocol's name
        self.registered[request.name] = request
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


@contextmanager
def mocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], None]], Monitor]]:
    """Gives a function that runs a program against mocks and returns what it registered."""
    on_interrupt = signal.getsignal(signal.SIGINT)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def registered(program: Callable[[], None]) -> Monitor:
        monitor = Monitor()
        mocks.set_mocks(Answers(), project="sitelogix", stack="test", monitor=monitor)
        monkeypatch.setattr(SETTINGS, "callbacks", monitor.hooks)
        loop.run_until_complete(run_pulumi_func(program))
        return monitor

    yield registered
    signal.signal(signal.SIGINT, on_interrupt)
    loop.close()


def inputs(monitor: Monitor, name: str) -> dict[str, Any]:
    """The inputs of one resource."""
    found: dict[str, Any] = json_format.MessageToDict(monitor.registered[name].object)
    return found


def declared_names(monitor: Monitor, type_: str) -> set[str]:
    """The names of all resources of one type."""
    return {name for name, request in monitor.registered.items() if request.type == type_}
