"""A run that shows nothing."""

from __future__ import annotations

from migration.steps.step import Plan, Step
from stack.ledger.ledger import Facts


class SilentObserver:
    """Shows nothing."""

    def planned(self, plan: Plan) -> None: ...

    def started(self, step: Step, number: int, total: int) -> None: ...

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None: ...

    def ended(self, step: Step, seconds: float, facts: Facts) -> None: ...

    def noted(self, text: str) -> None: ...
