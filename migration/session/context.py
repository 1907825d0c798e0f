"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from migration.session.engine import Engine
from migration.session.notifying import Notifier
from migration.session.stopping import Interrupts, safe_point
from schema.errors import Refused
from schema.model import Schema
from stack.declaration import present
from stack.file.config import StackConfig
from stack.ledger.history import History
from stack.ledger.ledger import Facts, Ledger
from stack.ledger.proofs import Proofs
from stack.ledger.records import STACK, OwnerProof
from stack.monitoring.alarms import expected_monitors, read_metrics
from stack.world.live import read_live
from stack.world.managed import Managed
from stack.world.surroundings import Surroundings, read_surroundings
from stack.world.world import World, table_ids

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_dynamodb import DynamoDBClient


class StepText(Protocol):
    """What a reporter shows of a step."""

    @property
    def name(self) -> str: ...

    @property
    def why(self) -> str: ...

    def told(self, facts: Facts) -> str: ...


class Reporter(Protocol):
    """Is told how a run goes, as it goes. The terminal shows it; tests and `--json` need not."""

    def planned(self, steps: Sequence[StepText]) -> None:
        """The run is about to start with these steps."""

    def started(self, step: StepText, number: int, total: int) -> None:
        """A step begins: the `number`th of about `total`."""

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None:
        """The current step has done that many of about `total` units (0: unknown); `facts` are further counts."""

    def ended(self, step: StepText, seconds: float, facts: Facts) -> None:
        """The current step is done and recorded."""

    def noted(self, text: str) -> None:
        """Something happened that a person should know of, and the run goes on."""


@dataclass
class Context:
    """One stack's clients and sources of truth. `clock` gives the time as ISO 8601 UTC.

    `once` tries each request once: backfills repeat requests by their own rules. `on_held` is called once the lease is
    taken, with the refusal that is shown to others. `rate` (write units a second) and `workers` go before the stack's
    settings for them.
    """

    schema: Schema
    config: StackConfig
    client: DynamoDBClient
    once: DynamoDBClient
    cloudwatch: CloudWatchClient | None
    ledger: Ledger
    history: History
    interrupts: Interrupts
    engine: Engine
    reporter: Reporter
    notifier: Notifier
    clock: Callable[[], str]
    on_held: Callable[[Refused], None] = lambda refusal: None
    rate: float | None = None
    workers: int | None = None
    _managed: tuple[int, Managed] | None = None
    _surroundings: Surroundings | None = None

    def safe_point(self) -> None:
        """Where a run may stop. Raises Interrupted or LeaseLost."""
        safe_point(self.interrupts, self.ledger.lease)

    def command(self, task: str) -> str:
        """The line that tells a person to run a task on this stack."""
        return f"Run: ./invoke {task} --stack {self.config.stack}"

    def read_world(self) -> World:
        """AWS, Pulumi's state and the ledger as they are now. The state is read again only once it may have changed."""
        # AWS first: its answer to wrong credentials is clearer than Pulumi's.
        live = read_live(self.client, self.config, self.schema)
        if self._managed is None or self._managed[0] != self.engine.revision:
            self._managed = (self.engine.revision, self.engine.managed())
        managed = self._managed[1]
        world = World(live=live, managed=managed, proofs=self.ledger.proofs().about(table_ids(live)))
        if managed.created and self.config.is_monitored:
            wanted = expected_monitors(self.schema, self.config, present(self.schema, world), live)
            world = replace(world, unmonitored=wanted ^ managed.monitors)
        return replace(world, readings=read_metrics(self.cloudwatch, self.config, self.schema, world))

    def surrounded(self, world: World) -> World:
        """The world with what is attached to its tables, which is read once a task: no step changes it."""
        if self._surroundings is None:
            self._surroundings = read_surroundings(self.config, world.live)
        return replace(world, surroundings=self._surroundings)

    def refuse_others_tables(self, proofs: Proofs) -> None:
        """Raises Refused where the ledger says that the tables of this name are another stack's."""
        owner = proofs.get(OwnerProof, STACK)
        if owner is not None and owner.stack != self.config.stack:
            config, prefix = self.config, self.config.setting("tablePrefix")
            raise Refused(
                f"These tables belong to stack {owner.stack}.",
                f"Its ledger {config.ledger_name} says so, and this is stack {config.stack}.",
                f"Give stack {config.stack} another {prefix} in {config.stack_file.name}.",
            )
