"""A run that shows nothing."""

from __future__ import annotations

from collections.abc import Sequence

from migration.session.context import StepText
from stack.ledger.ledger import Facts


class SilentReporter:
    """Shows nothing."""

    def planned(self, steps: Sequence[StepText]) -> None: ...

    def started(self, step: StepText, number: int, total: int) -> None: ...

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None: ...

    def ended(self, step: StepText, seconds: float, facts: Facts) -> None: ...

    def noted(self, text: str) -> None: ...
