"""The hooks that guard every `pulumi up`, called as the engine calls them, against live tables and a ledger on moto."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS

from components.guards import Guards
from schema.errors import Refused, ToolError
from schema.references import IndexRef
from sitelogix.tables import PERSONNEL, SITELOGIX
from stack.file.settings import Settings
from stack.ledger.intents import Intent, intending
from stack.ledger.ledger import Ledger
from stack.ledger.records import STACK, BackfillProof, IndexProof, LeastVersionProof, ShadowProof, TableProof
from stack.ledger.rollback import IntentProof
from tests.conftest import EmulatedStack
from tests.limits import EXPECTED
from tests.worlds import RETIRED, TIME, approving, settings

Hook = Callable[[Any], Awaitable[Any]]
NEW = "personnel/GSI2-StatusIndex"
OLD = str(RETIRED)


class Registered:
    """Stands for the engine's side: keeps every hook by its name."""

    def __init__(self) -> None:
        self.hooks: dict[str, Hook] = {}
        self.in_previews: set[str] = set()

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        self.hooks[hook.name] = cast("Hook", hook.callback)
        if hook.opts and hook.opts.on_dry_run:
            self.in_previews.add(hook.name)

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        self.hooks[hook.name] = cast("Hook", hook.callback)


@dataclass
class Guarded:
    """A stack with its guards: `call` runs a hook to its end, `refused` are the refusals that were passed on."""

    stack: EmulatedStack
    registered: Registered
    loop: asyncio.AbstractEventLoop
    ledger: Ledger
    refused: list[ToolError]

    def call(self, hook: str, resource: str, **inputs: dict[str, Any]) -> None:
        self.loop.run_until_complete(self.hook(hook, resource, **inputs))

    async def hook(self, hook: str, resource: str, **inputs: dict[str, Any]) -> None:
        args = pulumi.ResourceHookArgs(urn="", id="", name=resource, type="", **inputs)
        await self.registered.hooks[hook](args)


class Guard(Protocol):
    """Registers the guards of a stack with these settings; in a run they have its safe point."""

    def __call__(self, wanted: Settings, safe_point: Callable[[], None] | None = None) -> Guarded: ...


@pytest.fixture
def guard(moto_stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    """Registers the guards of a stack with these settings."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    on_interrupt = signal.getsignal(signal.SIGINT)

    def registered(wanted: Settings, safe_point: Callable[[], None] | None = None) -> Guarded:
        prefix = moto_stack.config.settings.table_prefix
        config = replace(moto_stack.config, settings=wanted.model_copy(update={"table_prefix": prefix}))
        hooks, refused = Registered(), list[ToolError]()
        monkeypatch.setattr(SETTINGS, "callbacks", hooks)
        monkeypatch.setattr("pulumi.runtime.resource.monitor_supports_feature", lambda feature: True)

        async def register() -> None:
            Guards(SITELOGIX, config, refused.append, safe_point)
            while len(hooks.hooks) < 10:
                await asyncio.sleep(0)

        loop.run_until_complete(register())
        ledger = Ledger(moto_stack.client, config)
        ledger.create()
        return Guarded(moto_stack, hooks, loop, ledger, refused)

    yield registered
    signal.signal(signal.SIGINT, on_interrupt)
    loop.close()


def test_what_refuses_a_change_runs_in_previews_and_what_follows_one_does_not(guard: Guard) -> None:
    assert guard(settings()).registered.in_previews == {
        f"{kind}-before-{change}" for kind in ("table", "index") for change in ("create", "update", "delete")
    }


def test_a_live_table_is_never_created(guard: Guard) -> None:
    guarded = guard(settings())
    guarded.stack.create("reports", [])
    with pytest.raises(Refused, match="Table reports is live and not in Pulumi's state") as refused:
        guarded.call("table-before-create", "reports")
    assert refused.value.next == "Run: ./invoke migrate --stack test"
    assert guarded.refused == [refused.value]


def test_an_existing_table_that_is_gone_is_never_created(guard: Guard) -> None:
    with pytest.raises(Refused, match="Table reports is gone"):
        guard(settings()).call("table-before-create", "reports")


def test_a_new_table_that_the_ledger_knows_is_never_created_again(guard: Guard) -> None:
    guarded = guard(settings())
    adopt_all(guarded)
    guarded.call("table-before-create", "work-logs")
    guarded.ledger.prove(TableProof(subject="work-logs"))
    with pytest.raises(Refused, match="Table work-logs is gone"):
        guarded.call("table-before-create", "work-logs")


def test_a_new_table_waits_until_every_live_one_is_adopted(guard: Guard) -> None:
    guarded = guard(settings())
    with pytest.raises(Refused, match="Table work-logs must not be created yet") as refused:
        guarded.call("table-before-create", "work-logs")
    assert refused.value.why == "Not adopted yet: reports, personnel, vendors, constraints."
    adopt_all(guarded)
    guarded.call("table-before-create", "work-logs")


def adopt_all(guarded: Guarded) -> None:
    """Notes in the ledger what the adoption step notes."""
    for table in SITELOGIX:
        if table.existing:
            guarded.ledger.prove(TableProof(subject=table.name, stream="arn"))


def test_no_table_is_ever_deleted(guard: Guard) -> None:
    with pytest.raises(Refused, match="Pulumi must not delete table work-logs"):
        guard(settings()).call("table-before-delete", "work-logs")


def test_an_index_is_not_created_before_its_backfill_is_proven(guard: Guard) -> None:
    guarded = guard(settings())
    guarded.stack.create("personnel", [])
    with pytest.raises(Refused, match="must not be created yet") as refused:
        guarded.call("index-before-create", NEW)
    assert refused.value.next == "Run: ./invoke migrate --stack test"
    guarded.ledger.prove(BackfillProof(subject="personnel", attributes=("status", "dateLastSeen")))
    guarded.call("index-before-create", NEW)


def test_a_backfill_of_a_table_that_was_restored_since_proves_nothing(guard: Guard) -> None:
    guarded = guard(settings())
    guarded.stack.create("personnel", [])
    filled = BackfillProof(subject="personnel", table_id="before", attributes=("status", "dateLastSeen"))
    guarded.ledger.prove(filled)
    with pytest.raises(Refused, match="must not be created yet"):
        guarded.call("index-before-create", NEW)


def test_an_index_is_never_created_under_a_live_name(guard: Guard) -> None:
    guarded = guard(settings())
    guarded.stack.create("personnel", [])
    with pytest.raises(Refused, match="personnel/GSI1-NameIndex is live"):
        guarded.call("index-before-create", "personnel/GSI1-NameIndex")


def test_a_retired_index_is_never_created(guard: Guard) -> None:
    with pytest.raises(Refused, match="is retired"):
        guard(approving()).call("index-before-create", OLD)


def test_only_a_retired_index_may_be_deleted(guard: Guard) -> None:
    guarded = guard(approving())
    guarded.stack.create("personnel", [])
    with pytest.raises(Refused, match="Pulumi must not delete index personnel/GSI1-NameIndex"):
        guarded.call("index-before-delete", "personnel/GSI1-NameIndex")


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("approval", "approved: the stack file has no approval"),
        ("verification", f"replacement read-ready: {NEW} is ACTIVE and not yet verified"),
        ("shadow reads", f"shadow reads equal: {NEW} was not compared"),
        ("CloudWatch", "read metric alive: the stack file names no CloudWatch"),
    ],
)
def test_a_retired_index_goes_only_through_its_whole_gate(guard: Guard, missing: str, named: str) -> None:
    """That it goes through an open one, and that each condition keeps it shut, is in tests/e2e/test_gate.py."""
    guarded = guard(settings() if missing == "approval" else approving())
    physical = guarded.stack.create("personnel", [])
    index = PERSONNEL.index("GSI2-StatusIndex")
    described = guarded.stack.client.describe_table(TableName=physical)["Table"]
    definitions: Any = [
        *described["AttributeDefinitions"],
        *({"AttributeName": key.name, "AttributeType": "S"} for key in index.keys),
    ]
    guarded.stack.client.update_table(
        TableName=physical,
        AttributeDefinitions=definitions,
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": index.name,
                    "KeySchema": [
                        {"AttributeName": "status", "KeyType": "HASH"},
                        {"AttributeName": "dateLastSeen", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
                }
            }
        ],
    )
    ref = IndexRef.parse(NEW)
    if missing != "verification":
        guarded.ledger.prove(IndexProof(subject=ref, started=TIME, verified=TIME, settled=TIME))
    if missing != "shadow reads":
        guarded.ledger.prove(ShadowProof(subject=ref, equal=True, summary="equal"))
    with pytest.raises(Refused, match="must not be removed yet") as refused:
        guarded.call("index-before-delete", OLD)
    assert named in refused.value.why


def test_index_changes_of_one_table_wait_for_each_other_and_tables_do_not(guard: Guard) -> None:
    guarded = guard(settings())
    order: list[str] = []
    another_table = asyncio.Event()

    async def change(resource: str, end: str) -> None:
        await guarded.hook("index-before-create", resource)
        order.append(f"begins {resource}")
        if resource.startswith("ai-analysis-cache"):
            another_table.set()
        await asyncio.wait_for(another_table.wait(), timeout=EXPECTED)
        await asyncio.sleep(0.2)
        order.append(f"ends {resource}")
        if end == "index-on-error":
            assert await guarded.registered.hooks[end](_failed(resource)) is False
        else:
            await guarded.hook(end, resource)

    async def all_at_once() -> None:
        await asyncio.gather(
            change("work-logs/GSI1-ProjectDateIndex", "index-on-error"),
            change("work-logs/GSI2-TeamIndex", "index-after-create"),
            change("ai-analysis-cache/GSI1-TypeIndex", "index-after-create"),
        )

    guarded.loop.run_until_complete(all_at_once())
    logs = [entry for entry in order if "work-logs" in entry]
    first, second = logs[0].removeprefix("begins "), logs[2].removeprefix("begins ")
    assert logs == [f"begins {first}", f"ends {first}", f"begins {second}", f"ends {second}"]
    assert order.index("begins ai-analysis-cache/GSI1-TypeIndex") < order.index(f"ends {first}")


def test_a_change_that_waits_when_the_up_is_interrupted_is_not_made(guard: Guard) -> None:
    guarded = guard(settings())

    async def interrupted() -> tuple[BaseException | None]:
        await guarded.hook("index-before-create", "work-logs/GSI1-ProjectDateIndex")
        waiting = asyncio.create_task(guarded.hook("index-before-create", "work-logs/GSI2-TeamIndex"))
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.1)
        await guarded.hook("index-after-create", "work-logs/GSI1-ProjectDateIndex")
        return await asyncio.gather(waiting, return_exceptions=True)

    (refusal,) = guarded.loop.run_until_complete(interrupted())
    assert isinstance(refusal, Refused)
    assert "when the `up` was interrupted" in refusal.what


def test_a_refused_change_lets_the_next_one_of_its_table_through(guard: Guard) -> None:
    guarded = guard(settings())
    with pytest.raises(Refused):
        guarded.call("index-before-delete", "work-logs/GSI1-ProjectDateIndex")
    guarded.call("index-before-create", "work-logs/GSI2-TeamIndex")


def _failed(resource: str) -> pulumi.ErrorHookArgs:
    return pulumi.ErrorHookArgs(urn="", id="", name=resource, type="", failed_operation="create")


def test_a_check_comes_to_its_end_while_every_thread_of_the_program_waits_for_the_engine(guard: Guard) -> None:
    guarded = guard(settings())
    answered = threading.Event()

    async def checked() -> None:
        waiting = [asyncio.create_task(asyncio.to_thread(answered.wait)) for _ in range(64)]
        await asyncio.sleep(0)
        try:
            with pytest.raises(Refused, match="Pulumi must not delete table personnel"):
                await asyncio.wait_for(guarded.hook("table-before-delete", "personnel"), timeout=EXPECTED)
        finally:
            answered.set()
            await asyncio.gather(*waiting)

    guarded.loop.run_until_complete(checked())


def test_a_plain_up_changes_nothing_while_a_run_is_at_work(guard: Guard) -> None:
    guarded = guard(approving())
    adopt_all(guarded)
    with guarded.ledger.lease.held("migrate"):
        for hook, resource in (
            ("table-before-create", "work-logs"),
            ("table-before-update", "personnel"),
            ("index-before-create", NEW),
            ("index-before-update", NEW),
            ("index-before-delete", OLD),
        ):
            with pytest.raises(Refused, match="Another run is at work on stack test: migrate, by"):
                guarded.call(hook, resource)
    guarded.call("table-before-create", "work-logs")


def test_a_plain_up_of_an_older_checkout_changes_nothing(guard: Guard) -> None:
    guarded = guard(approving())
    adopt_all(guarded)
    guarded.ledger.prove(LeastVersionProof(subject=STACK, version="99.0.0"))
    for hook, resource in (("table-before-create", "work-logs"), ("index-before-update", NEW)):
        with pytest.raises(Refused, match=r"Stack test needs version 99\.0\.0 of keyshift"):
            guarded.call(hook, resource)


def test_a_rollback_may_change_exactly_what_it_is_about_and_only_in_its_own_run(guard: Guard) -> None:
    guarded = guard(settings(), lambda: None)
    guarded.stack.create("personnel", [])
    changes = [
        (Intent.DELETE, "table-before-delete", "work-logs"),
        (Intent.DELETE, "index-before-delete", "work-logs/GSI2-TeamIndex"),
        (Intent.DELETE, "index-before-delete", NEW),
    ]
    with guarded.ledger.lease.held("rollback"):
        for intent, hook, resource in changes:
            with pytest.raises(Refused):
                guarded.call(hook, resource)
            with intending(guarded.ledger, intent, [resource]):
                guarded.call(hook, resource)
                guarded.call("index-after-delete", resource)
            with intending(guarded.ledger, Intent.CREATE, [resource]), pytest.raises(Refused):
                guarded.call(hook, resource)
        guarded.ledger.prove(IntentProof(subject=NEW, intent="delete", lease=guarded.ledger.lease.token))
    with guarded.ledger.lease.held("migrate"), pytest.raises(Refused, match="must not delete index"):
        guarded.call("index-before-delete", NEW)


def test_no_rollback_deletes_what_was_live_before(guard: Guard) -> None:
    guarded = guard(settings(), lambda: None)
    guarded.stack.create("personnel", [])
    with guarded.ledger.lease.held("rollback"):
        for hook, resource in (
            ("table-before-delete", "personnel"),
            ("index-before-delete", "personnel/GSI1-NameIndex"),
            ("index-before-delete", OLD),
        ):
            with intending(guarded.ledger, Intent.DELETE, [resource]), pytest.raises(Refused):
                guarded.call(hook, resource)


def test_a_plain_up_never_has_part_in_a_rollback(guard: Guard) -> None:
    guarded = guard(settings())
    with (
        guarded.ledger.lease.held("rollback"),
        intending(guarded.ledger, Intent.DELETE, ["work-logs"]),
        pytest.raises(Refused, match="Another run is at work"),
    ):
        guarded.call("table-before-delete", "work-logs")


def test_what_is_kept_of_a_table_is_the_same_before_and_after_an_update(guard: Guard) -> None:
    guarded = guard(settings())
    replicas = [{"regionName": "eu-west-1"}]
    before = {"replicas": replicas, "tableClass": "STANDARD", "streamEnabled": False, "readCapacity": 5}
    guarded.call("table-before-update", "reports", old_inputs=before, new_inputs={**before, "streamEnabled": True})
    after = {"readCapacity": 5, "tableClass": "STANDARD_INFREQUENT_ACCESS"}
    with pytest.raises(Refused, match="Pulumi would change replicas, tableClass of table reports"):
        guarded.call("table-before-update", "reports", old_inputs=before, new_inputs=after)
    capacity = {**before, "readCapacity": 9}
    with pytest.raises(Refused, match="Pulumi would change readCapacity of table reports"):
        guarded.call("table-before-update", "reports", old_inputs=before, new_inputs=capacity)
    guarded.call("table-before-update", "work-logs", old_inputs=before, new_inputs=capacity)


def test_the_default_tags_that_the_plugin_puts_among_all_tags_are_no_change_of_an_adopted_table(guard: Guard) -> None:
    guarded = guard(settings())
    before = {"tags": {"Team": "a"}, "tagsAll": {"Team": "a"}}
    after = {"tags": {"Team": "a"}, "tagsAll": {"Team": "a", "CostCenter": "42"}}
    guarded.call("table-before-update", "reports", old_inputs=before, new_inputs=after)
    with pytest.raises(Refused, match="Pulumi would change tags of table reports"):
        guarded.call("table-before-update", "reports", old_inputs=before, new_inputs={**after, "tags": {}})


def test_what_is_kept_of_an_index_is_the_same_before_and_after_an_update(guard: Guard) -> None:
    guarded = guard(settings())
    before = {"warmThroughput": {"readUnitsPerSecond": 20000}, "provisionedThroughput": {"writeCapacityUnits": 15}}
    settled = {**before, "provisionedThroughput": {"writeCapacityUnits": 5}}
    guarded.call("index-before-update", NEW, old_inputs=before, new_inputs=settled)
    guarded.call("index-after-update", NEW)
    with pytest.raises(Refused, match=f"Pulumi would change warmThroughput of index {NEW}"):
        guarded.call("index-before-update", NEW, old_inputs=before, new_inputs={})


def test_in_a_preview_the_guards_refuse_what_an_up_would_and_wait_for_nobody(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.guards.is_dry_run", lambda: True)
    guarded = guard(settings())
    adopt_all(guarded)
    with guarded.ledger.lease.held("migrate"):
        with pytest.raises(Refused, match="Table reports is gone"):
            guarded.call("table-before-create", "reports")
        with pytest.raises(Refused, match="Pulumi must not delete index work-logs/GSI1-ProjectDateIndex"):
            guarded.call("index-before-delete", "work-logs/GSI1-ProjectDateIndex")
        # Nothing comes after a change that is not made: no second one may wait for its end.
        guarded.call("index-before-create", "work-logs/GSI1-ProjectDateIndex")
        guarded.call("index-before-create", "work-logs/GSI2-TeamIndex")
