"""A copy of the project with two local stacks that stand for staging and prod: `local-staging` and `local-prod`, each
with its own prefix, ledger, Pulumi state and data set, on one server; and a clock that goes as the test says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.checkouts import Checkout, alive
from tests.loaded_server import PREFIX, serve_checkout
from tests.moved_clock import MovedClock

STAGING, PROD = "local-staging", "local-prod"
PROD_PREFIX = "sitelogix-prod-"


@dataclass
class TwoStacks:
    """The copy, with the clock of all that runs in it."""

    checkout: Checkout
    clock: MovedClock

    def stack_file(self, stack: str) -> Path:
        """Where the settings of a stack stand."""
        return self.checkout.path / f"Pulumi.{stack}.yaml"


def write_stack_files(checkout: Checkout, of_prod: str = "") -> None:
    """Writes the files of both stacks, made of the local one's. `of_prod` are more lines of prod's settings."""
    text = (checkout.path / "Pulumi.local.yaml").read_text(encoding="utf-8")
    (checkout.path / f"Pulumi.{STAGING}.yaml").write_text(_named(text, STAGING), encoding="utf-8")
    text = text.replace(f"tablePrefix: {PREFIX}\n", f"tablePrefix: {PROD_PREFIX}\n{of_prod}")
    (checkout.path / f"Pulumi.{PROD}.yaml").write_text(_named(text, PROD), encoding="utf-8")


def _named(text: str, stack: str) -> str:
    assert text.count("    Stack: local\n") == 1
    return text.replace("    Stack: local\n", f"    Stack: {stack}\n")


@contextmanager
def two_stacks(directory: Path, of_prod: str = "") -> Iterator[TwoStacks]:
    """A copy whose two stacks are not migrated; afterwards its server is stopped, and nothing of it may still run."""
    clock = MovedClock(directory.parent / f"{directory.name}.clock")
    checkout = Checkout.make(directory)
    checkout.environment = clock.environment
    write_stack_files(checkout, of_prod)
    # The server has the data set under the prefix of staging already.
    server = serve_checkout(checkout.path, checkout.port, STAGING, clock)
    try:
        yield TwoStacks(checkout, clock)
    finally:
        checkout.run("local.down")
        left_over = [*checkout.processes(), *alive([server])]
        for process in left_over:
            process.kill()
        assert left_over == []
