"""An `up` on the real engine: held to its preview, told of in Pulumi's history and in a log, and ended while AWS still
builds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components.program import declare
from local import building
from migration.run.runner import migrate
from migration.session.context import Context
from migration.session.engine import Engine, OnRefusal
from schema.errors import OutOfTime, Refused, StillBuilding
from schema.project import Project
from stack.aws import cloudwatch
from stack.declaration import Declaration, present
from stack.world.live import Live
from terminal.session import pulumi_environment
from tests.plugin import attached
from tests.silence import SilentReporter
from tests.stacks import NAME, NEW, SCHEMA, SmallStack


@pytest.fixture
def unfinished(migrated: SmallStack) -> Iterator[SmallStack]:
    """A migrated stack whose new index was lost, and whose AWS does not finish another one."""
    migrated.drop_by_hand("personnel", NEW.index)
    building.hold(migrated.physical("personnel"))
    yield migrated
    building.release(migrated.physical("personnel"), "us-east-1")


def with_an_afterthought(context: Context) -> Engine:
    """An engine whose program wants another dashboard as soon as its preview was shown."""
    runs: list[Declaration] = []
    later = context.config.settings.model_copy(update={"dashboard": "Afterthought"})

    def program(live: Live, declaration: Declaration, on_refusal: OnRefusal) -> None:
        runs.append(declaration)
        config = replace(context.config, settings=later) if len(runs) > 1 else context.config
        declare(SCHEMA, config, live, declaration, on_refusal, lambda: None)

    environment = {**pulumi_environment(context.config, Project(NAME, SCHEMA)), **attached()}
    return Engine(context.config, program, environment)


def locks(stack: SmallStack) -> list[str]:
    return [path.name for path in stack.state.rglob("locks/**/*.json")]


def test_an_up_that_would_do_what_its_preview_did_not_show_is_stopped_before_that(migrated: SmallStack) -> None:
    context = migrated.context()
    world = context.read_world()
    engine = with_an_afterthought(context)
    with engine.in_run("test", "run-1"), pytest.raises(Refused) as refused:
        engine.up(world.live, present(SCHEMA, world))
    assert refused.value.what == "The `pulumi up` was stopped: it would do what its preview did not show."
    assert "dashboard violates plan: properties changed" in refused.value.why
    assert refused.value.why.endswith("All that Pulumi said is in .local/pulumi/run-1.log.")
    log = (migrated.directory / ".local" / "pulumi" / "run-1.log").read_text(encoding="utf-8")
    assert "pulumi up: keyshift test, run run-1" in log
    assert "dashboard violates plan: properties changed" in log
    client = cloudwatch(context.config)
    assert client is not None
    assert "Afterthought" not in {entry["DashboardName"] for entry in client.list_dashboards()["DashboardEntries"]}


def test_a_run_is_named_in_pulumis_history_and_the_stack_exports_names_and_arns(migrated: SmallStack) -> None:
    migrated.client.update_table(TableName=migrated.physical("personnel"), DeletionProtectionEnabled=False)
    summary = migrated.migrate()
    updates = [json.loads(path.read_text(encoding="utf-8")) for path in migrated.state.rglob("*.history.json")]
    newest = max(updates, key=lambda update: int(update["startTime"]))
    assert newest["message"] == f"keyshift migrate, run {summary.run}"
    resources: Any = migrated.checkpoint()["checkpoint"]["latest"]["resources"]
    (outputs,) = (one["outputs"] for one in resources if one["type"] == "pulumi:pulumi:Stack")
    described = migrated.client.describe_table(TableName=migrated.physical("personnel"))["Table"]
    assert outputs["tables"]["personnel"] == {
        "name": described["TableName"],
        "arn": described["TableArn"],
        "streamArn": described["LatestStreamArn"],
        "indexes": {name: f"{described['TableArn']}/index/{name}" for name in migrated.indexes("personnel")},
    }
    assert outputs["topicArn"] == migrated.context().config.topic_arn
    assert outputs["schemaDigest"] == SCHEMA.digest


def test_a_run_that_must_not_wait_starts_the_build_and_the_next_ones_adopt_and_verify_it(
    unfinished: SmallStack,
) -> None:
    context = unfinished.context()
    context.no_wait = True
    with pytest.raises(StillBuilding, match=f"{NEW} is CREATING"):
        migrate(context)
    assert locks(unfinished) == []
    assert context.ledger.lease.holder() is None

    again = unfinished.context()
    again.no_wait = True
    with pytest.raises(StillBuilding, match=f"{NEW} is CREATING"):
        migrate(again)

    building.release(unfinished.physical("personnel"), "us-east-1")
    done = [one.step.name for one in unfinished.migrate().done]
    assert f"create-index {NEW}" not in done
    assert f"verify-index {NEW}" in done
    assert NEW in unfinished.world().managed.indexes


class Ending(SilentReporter):
    """Has the time of a run be over as soon as it shows how far the build is."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def progress(self, done: int, total: int, text: str, facts: Any = None) -> None:
        with self._context.interrupts.limited(0):
            self._context.interrupts.requested.wait(60)


def test_a_run_whose_time_is_over_leaves_the_build_to_aws(unfinished: SmallStack) -> None:
    context = unfinished.context()
    context.reporter = Ending(context)
    with pytest.raises(OutOfTime, match=rf"The time is over: stopped in create-index {NEW}, step \d+ of \d+\.") as over:
        migrate(context)
    assert over.value.exit_code == 3
    assert over.value.next == "To go on, run: ./invoke migrate --stack local"
    assert locks(unfinished) == []
