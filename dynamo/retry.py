"""Repeating a request that failed for a passing reason: throttled, a server's fault, a broken connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_random_exponential,
)

from dynamo.errors import is_transient, throttled_resources
from schema.errors import ToolError

T = TypeVar("T")

RETRY_SECONDS = 120.0
"""How long a request may keep failing before the run ends; everything done until then is recorded."""
LONGEST_WAIT_SECONDS = 10.0


class Unanswered(Exception):
    """Part of a request failed for a passing reason."""


class Stopped(Exception):
    """The run is being stopped: the worker ends where it is."""


class Retry:
    """Repeats requests until they succeed, `stop` is set, or RETRY_SECONDS are over. `on_throttled` is told which
    tables or indexes throttled a request to `table`; `sleep` is how it waits between two tries."""

    def __init__(
        self,
        table: str,
        stop: threading.Event,
        on_throttled: Callable[[str], None],
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._table = table
        self._stop = stop
        self._on_throttled = on_throttled
        self._retrying = Retrying(
            retry=retry_if_exception(_is_passing),
            wait=wait_random_exponential(multiplier=0.05, max=LONGEST_WAIT_SECONDS),
            stop=stop_any(stop_after_delay(RETRY_SECONDS), stop_when_event_set(stop)),
            sleep=sleep or sleep_using_event(stop),
            before_sleep=self._tell,
            reraise=True,
        )

    def call(self, request: Callable[[], T]) -> T:
        """The request's answer. Raises what it last raised (ToolError for Unanswered), or Stopped."""
        try:
            return self._retrying.copy()(request)
        except (ClientError, BotoCoreError, ToolError, Unanswered) as error:
            if self._stop.is_set() and _is_passing(error):
                raise Stopped from error
            if isinstance(error, Unanswered):
                raise ToolError(
                    f"Requests to {self._table} keep failing: {error}.",
                    f"That went on for {RETRY_SECONDS:.0f} seconds. What is done is recorded.",
                    "Give the table more capacity, or set a lower --rate; then repeat: it goes on where it was.",
                ) from error
            raise

    def _tell(self, state: RetryCallState) -> None:
        error = _cause(state.outcome.exception()) if state.outcome else None
        if isinstance(error, ClientError | BotoCoreError):
            for resource in throttled_resources(error, self._table):
                self._on_throttled(resource)


def _is_passing(error: BaseException) -> bool:
    cause = _cause(error)
    if isinstance(cause, ClientError | BotoCoreError):
        return is_transient(cause)
    return isinstance(cause, Unanswered)


def _cause(error: BaseException | None) -> BaseException | None:
    """What AWS or the network said: the ledger's errors are translated for a user already."""
    return error.__cause__ if isinstance(error, ToolError) else error
