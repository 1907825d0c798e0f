"""Hooks that refuse, inside any `pulumi up`, a change that could lose something.

They run in the engine's runs and in a plain `pulumi up` alike, and in previews too: a preview must not show what the
`up` would refuse. In a preview they only read. Their names are stored in Pulumi's state: a name that is once there must
stay registered, else a later deletion fails.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pulumi
from pulumi.runtime import is_dry_run

from components.promotion import Promotion
from components.properties import TAGS_ALL, kept_of_index, kept_of_table
from schema.errors import Refused, ToolError
from schema.model import Schema, Table
from schema.references import IndexRef
from stack.aws import cloudwatch, dynamodb
from stack.file.config import StackConfig
from stack.gates.claims import failing, listed
from stack.gates.gate import backfill_proven, gate
from stack.ledger.intents import Intent, is_intended
from stack.ledger.ledger import Ledger
from stack.ledger.records import TableProof
from stack.monitoring.alarms import read_metrics
from stack.world.live import read_live, read_table
from stack.world.world import World, table_ids

OnRefusal = Callable[[ToolError], None]
"""Told of each refusal as the exception that it is: Pulumi passes on only its text."""

Hook = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]

CHECKS_AT_ONCE = 4


class Guards:
    """Registers every hook, always. `table_hooks` are those of every table, `index_hooks` those of every index: the
    indexes of one table change one after the other, as DynamoDB demands.

    They speak in a preview as in an `up`, unless it is `only_shown`: somebody wants to see what is not allowed yet.
    """

    def __init__(
        self,
        schema: Schema,
        config: StackConfig,
        on_refusal: OnRefusal = lambda refusal: None,
        safe_point: Callable[[], None] | None = None,
        *,
        only_shown: bool = False,
    ) -> None:
        self._on_refusal = on_refusal
        self._schema = schema
        self._config = config
        self._client = dynamodb(config)
        self._ledger = Ledger(self._client, config)
        # A plain `pulumi up` has no part in a run, so it may change nothing while one is at work. Nor may
        # one of an older version than the ledger needs.
        self._safe_point = safe_point or self._ledger.refuse_by_hand
        self._in_a_run = safe_point is not None
        self._in_a_preview = is_dry_run()
        self._promotion = Promotion(schema, config, self._ledger, only_told=self._in_a_preview)
        # Not the event loop's own threads: in an `up` that has failed, all of them may wait for the engine, which waits
        # for this hook.
        self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="guard")
        self._changing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._holders: set[str] = set()
        self._interrupted = False
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._on_interrupt)
        spoken = pulumi.ResourceHookOptions(on_dry_run=not only_shown)

        def before(name: str, check: Hook) -> pulumi.ResourceHook:
            return pulumi.ResourceHook(name, check, spoken)

        self.table_hooks = pulumi.ResourceHookBinding(
            before_create=[before("table-before-create", self._before_table_create)],
            before_update=[before("table-before-update", self._before_table_update)],
            before_delete=[before("table-before-delete", self._before_table_delete)],
        )
        self.index_hooks = pulumi.ResourceHookBinding(
            before_create=[before("index-before-create", self._before_index_create)],
            after_create=[pulumi.ResourceHook("index-after-create", self._after_index_change)],
            before_update=[before("index-before-update", self._before_index_update)],
            after_update=[pulumi.ResourceHook("index-after-update", self._after_index_change)],
            before_delete=[before("index-before-delete", self._before_index_delete)],
            after_delete=[pulumi.ResourceHook("index-after-delete", self._after_index_change)],
            on_error=[pulumi.ErrorHook("index-on-error", self._on_index_error)],
        )

    async def _before_table_create(self, args: pulumi.ResourceHookArgs) -> None:
        await self._check(self._check_table_create, args.name)

    async def _before_table_update(self, args: pulumi.ResourceHookArgs) -> None:
        kept = set(kept_of_table(adopted=self._schema.table(args.name).existing, expires=True)) - {TAGS_ALL}
        await self._check(lambda name: _refuse_unlike(f"table {name}", kept, args), args.name)

    async def _before_table_delete(self, args: pulumi.ResourceHookArgs) -> None:
        await self._check(self._check_table_delete, args.name)

    async def _before_index_create(self, args: pulumi.ResourceHookArgs) -> None:
        await self._one_at_a_time(args.name, self._check_index_create)

    async def _before_index_delete(self, args: pulumi.ResourceHookArgs) -> None:
        await self._one_at_a_time(args.name, self._check_index_delete)

    async def _before_index_update(self, args: pulumi.ResourceHookArgs) -> None:
        kept = kept_of_index(keep_capacity=False)
        await self._one_at_a_time(args.name, lambda resource: _refuse_unlike(f"index {resource}", kept, args))

    async def _after_index_change(self, args: pulumi.ResourceHookArgs) -> None:
        self._release(args.name)

    async def _on_index_error(self, args: pulumi.ErrorHookArgs) -> bool:
        self._release(args.name)
        return False

    async def _one_at_a_time(self, resource: str, check: Callable[[str], None]) -> None:
        if self._in_a_preview:
            await self._check(check, resource)
            return
        lock = self._changing[_table_of(resource)]
        await lock.acquire()
        self._holders.add(resource)
        try:
            if self._interrupted:
                raise Refused(
                    f"Index {resource} was waiting for another one when the `up` was interrupted.",
                    "Pulumi would still change it.",
                    f"Run: {self._command('plan')}",
                )
            await self._check(check, resource)
        except BaseException:
            self._release(resource)
            raise

    async def _check(self, check: Callable[[str], None], resource: str) -> None:
        # In a thread: a hook that blocks would hold up every other one.
        def checked() -> None:
            # A plain preview may look while a run is at work.
            if self._in_a_run or not self._in_a_preview:
                self._safe_point()
            # A run has asked before it began.
            if not self._in_a_run:
                self._promotion.require()
            check(resource)

        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, checked)
        except ToolError as refusal:
            self._on_refusal(refusal)
            raise

    def _on_interrupt(self, *_: object) -> None:
        # Pulumi cancels an `up` on Ctrl-C, but not what waits in a hook. A second Ctrl-C acts as it always did.
        self._interrupted = True
        signal.signal(signal.SIGINT, self._previous)

    def _release(self, resource: str) -> None:
        # An error hook is also called for a change that never got its turn.
        if resource in self._holders:
            self._holders.remove(resource)
            self._changing[_table_of(resource)].release()

    def _check_table_create(self, name: str) -> None:
        table = self._schema.table(name)
        if read_table(self._client, self._config, name) is not None:
            raise Refused(
                f"Table {name} is live and not in Pulumi's state.",
                "It has to be adopted, not created.",
                f"Run: {self._command('migrate')}",
            )
        proofs = self._ledger.proofs()
        if table.existing or proofs.get(TableProof, name) is not None:
            raise Refused(
                f"Table {name} is gone.",
                "It was live before. Created again, it would be empty.",
                f"Restore it from its backup, then run: {self._command('migrate')}",
            )
        # A plain `up` of a stack that was never adopted is refused at the live tables: it must leave no new ones, too.
        unadopted = [known.name for known in self._schema if known.existing and not proofs.get(TableProof, known.name)]
        if unadopted:
            raise Refused(
                f"Table {name} must not be created yet.",
                f"Not adopted yet: {', '.join(unadopted)}.",
                f"Run: {self._command('migrate')}",
            )

    def _check_table_delete(self, name: str) -> None:
        if not self._schema.table(name).existing and self._is_rolled_back(name, Intent.DELETE):
            return
        raise Refused(
            f"Pulumi must not delete table {name}.",
            "No migration deletes a table; a replacement would, too.",
            f"Run: {self._command('plan')}",
        )

    def _check_index_create(self, resource: str) -> None:
        table, index_name = self._find(resource)
        index = table.index(index_name)
        is_retired = index_name in {retired.name for retired in table.retired}
        if is_retired and not self._is_rolled_back(resource, Intent.CREATE):
            raise Refused(
                f"Index {resource} is retired.", "It is never created again.", f"Run: {self._command('plan')}"
            )
        live = read_table(self._client, self._config, table.name)
        if live is not None and index_name in live.indexes:
            raise Refused(
                f"Index {resource} is live and not in Pulumi's state, or would be replaced.",
                "It has to be adopted; changed keys need a new index name.",
                f"Run: {self._command('migrate')}",
            )
        proofs = self._ledger.proofs().about({table.name: live.id} if live else {})
        if table.needs_backfill(index) and not backfill_proven(table, proofs):
            raise Refused(
                f"Index {resource} must not be created yet.",
                f"The backfill of {table.name} is not proven, so the index would miss items.",
                f"Run: {self._command('migrate')}",
            )

    def _check_index_delete(self, resource: str) -> None:
        table, index_name = self._find(resource)
        retired = {retired.name: retired for retired in table.retired}.get(index_name)
        if retired is None:
            is_new = any(index.name == index_name and not index.existing for index in table.indexes)
            if is_new and self._is_rolled_back(resource, Intent.DELETE):
                return
            raise Refused(
                f"Pulumi must not delete index {resource}.",
                "Only a retired index may go; a replacement would delete this one, too.",
                f"Run: {self._command('plan')}",
            )
        live = read_live(self._client, self._config, Schema((table,)))
        world = World(live=live, proofs=self._ledger.proofs().about(table_ids(live)))
        client = cloudwatch(self._config)
        world = replace(world, readings=read_metrics(client, self._config, Schema((table,)), world))
        shut = failing(gate(self._schema, table, retired, self._config.settings, world))
        if shut:
            raise Refused(
                f"Index {resource} must not be removed yet.",
                listed(shut),
                f"Run: {self._command('gate')}",
            )

    def _is_rolled_back(self, resource: str, intent: Intent) -> bool:
        """Whether the run that this `up` is part of is a rollback, and this change is what it is about."""
        return self._in_a_run and is_intended(self._ledger, intent, resource)

    def _find(self, resource: str) -> tuple[Table, str]:
        ref = IndexRef.parse(resource)
        return self._schema.table(ref.table), ref.index

    def _command(self, task: str) -> str:
        return f"./invoke {task} --stack {self._config.stack}"


def _table_of(resource: str) -> str:
    return IndexRef.parse(resource).table


def _refuse_unlike(what: str, kept: Iterable[str], args: pulumi.ResourceHookArgs) -> None:
    """Raises Refused unless what is left as it is live is the same before and after the update: a plugin or an engine
    that does not heed that is stopped here."""
    before, after = args.old_inputs or {}, args.new_inputs or {}
    changed = sorted(property for property in kept if before.get(property) != after.get(property))
    if changed:
        raise Refused(
            f"Pulumi would change {', '.join(changed)} of {what}.",
            "It is left as it is live: others may rely on it.",
            "Run: pulumi preview --diff, and find out why.",
        )
