"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from migration.plan.plan import plan
from migration.session.engine import Engine
from migration.session.notifying import Notifier
from migration.session.stopping import Interrupts, safe_point
from migration.steps.step import Plan, Step
from schema.errors import Refused
from schema.model import Schema
from stack.declaration import present
from stack.file.config import StackConfig
from stack.ledger.history import History
from stack.ledger.ledger import Facts, Ledger, Proofs
from stack.monitoring.alarms import expected_monitors
from stack.monitoring.observing import observe
from stack.world.live import read_live
from stack.world.managed import Managed
from stack.world.world import World

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_dynamodb import DynamoDBClient


class Observer(Protocol):
    """Is told how a run goes, as it goes. The terminal shows it; tests and `--json` need not."""

    def planned(self, plan: Plan) -> None:
        """The run is about to start with this plan."""

    def started(self, step: Step, number: int, total: int) -> None:
        """A step begins: the `number`th of about `total`."""

    def progress(self, done: int, total: int, text: str, facts: Facts | None = None) -> None:
        """The current step has done that many of about `total` units (0: unknown); `facts` are further counts."""

    def ended(self, step: Step, seconds: float, facts: Facts) -> None:
        """The current step is done and recorded."""

    def noted(self, text: str) -> None:
        """Something happened that a person should know of, and the run goes on."""


@dataclass
class Context:
    """One stack's clients and sources of truth. `clock` gives the time as ISO 8601 UTC.

    `once` tries each request once: backfills have a patience of their own. `on_held` is told, once this process holds
    the stack, what others are told of that. `rate` (write units a second) and `workers` go before the stack's settings
    for them.
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
    observer: Observer
    notifier: Notifier
    clock: Callable[[], str]
    on_held: Callable[[Refused], None] = lambda refusal: None
    rate: float | None = None
    workers: int | None = None
    _managed: tuple[int, Managed] | None = None

    def safe_point(self) -> None:
        """Where a run may stop. Raises Interrupted or LeaseLost."""
        safe_point(self.interrupts, self.ledger.lease)

    def read_world(self) -> World:
        """AWS, Pulumi's state and the ledger as they are now. The state is read again only once it may have changed."""
        # AWS first: its answer to wrong credentials is clearer than Pulumi's.
        live = read_live(self.client, self.config, self.schema)
        if self._managed is None or self._managed[0] != self.engine.revision:
            self._managed = (self.engine.revision, self.engine.managed())
        managed = self._managed[1]
        world = World(live=live, managed=managed, proofs=self.ledger.proofs().about(live))
        if managed.created and self.config.is_monitored:
            wanted = expected_monitors(self.schema, self.config, present(self.schema, world), live)
            world = replace(world, unmonitored=wanted ^ managed.monitors)
        return replace(world, observed=observe(self.cloudwatch, self.config, self.schema, world))

    def plan(self, world: World, tried: Collection[str] = ()) -> Plan:
        """What is left to do, after the looks that were `tried`. Raises Refused."""
        self.refuse_others_tables(world.proofs)
        return plan(self.schema, self.config.settings, world, tried)

    def refuse_others_tables(self, proofs: Proofs) -> None:
        """Raises Refused where the ledger says that the tables of this name are another stack's."""
        config = self.config
        owner = (proofs.of("owner", "stack") or {}).get("stack", config.stack)
        if owner != config.stack:
            raise Refused(
                f"These tables belong to stack {owner}.",
                f"Its ledger {config.ledger_name} says so, and this is stack {config.stack}.",
                f"Give stack {config.stack} another {config.setting('tablePrefix')} in {config.stack_file.name}.",
            )
