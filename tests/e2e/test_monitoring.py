"""What monitors a stack comes and goes with its tables and indexes, on the real engine; and it tells somebody."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from components import monitoring
from schema.project import Project
from stack.declaration import present, whole
from stack.file.config import StackConfig, load_config
from stack.monitoring.alarms import expected_monitors
from stack.monitoring.metrics import NAMESPACE
from stack.monitoring.subscriptions import TopicSubscription, subscriptions
from tests.stacks import APPROVED, NAME, OLD, PEOPLE, SCHEMA, SmallStack

TAGS = "  sitelogix:tags: {Project: SiteLogix}\n"
OF_OLD = {f"{OLD}/throttling", f"{OLD}/capacity"}


@dataclass
class Monitored:
    """A migrated stack that a queue is subscribed to, and what monitored it before its old index went."""

    stack: SmallStack
    queue: str
    before: set[str]
    second: list[str]
    runs: list[str | None]
    notices: list[dict[str, str]]

    def client(self, service: Any) -> Any:
        return client(service, self.stack.endpoint)

    @property
    def subscribed(self) -> str:
        return f"  sitelogix:subscriptions: [{{protocol: sqs, endpoint: '{self.queue}'}}]\n"

    @property
    def config(self) -> StackConfig:
        return load_config("local", self.stack.directory, Project(NAME, SCHEMA))

    @property
    def resource(self) -> str:
        """The name in the program of the subscription."""
        (found,) = subscriptions(self.config)
        return found.resource

    def alarms(self) -> dict[str, Any]:
        """The stack's alarms in AWS, by their resource names."""
        return alarms(self.stack)

    def heard(self) -> list[str]:
        """What has come into the queue since the last time."""
        queue = self.client("sqs").get_queue_url(QueueName=self.queue.rpartition(":")[2])["QueueUrl"]
        found: list[str] = []
        while messages := self.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"] for message in messages]
        return found

    def up(self, extra: str) -> set[tuple[str, str]]:
        """Configures the stack so and runs an `up` of the whole: operations and resource names."""
        self.stack.configure(extra)
        context = self.stack.context()
        world = context.read_world()
        declaration = whole(SCHEMA, context.config.settings, world.live)
        return {(change.operation, change.resource) for change in context.engine.up(world.live, declaration)}


def client(service: Any, endpoint: str) -> Any:
    return boto3.client(
        service, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def alarms(stack: SmallStack) -> dict[str, Any]:
    pages = client("cloudwatch", stack.endpoint).get_paginator("describe_alarms").paginate(AlarmNamePrefix=stack.prefix)
    return {alarm["AlarmName"].removeprefix(stack.prefix): alarm for page in pages for alarm in page["MetricAlarms"]}


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Monitored:
    """Migrated as far as an unapproved removal allows, then to the end."""
    name = f"q{uuid.uuid4().hex[:8]}"
    client("sqs", moto_endpoint).create_queue(QueueName=name)
    stack = SmallStack.make(tmp_path_factory.mktemp("monitored"), moto_endpoint, SCHEMA)
    made = Monitored(stack, f"arn:aws:sqs:us-east-1:123456789012:{name}", set(), [], [], [])
    stack.configure(made.subscribed + TAGS)
    stack.seed({"personnel": PEOPLE})
    made.runs.append(stack.migrate().run)
    made.before = set(made.alarms())
    stack.configure(made.subscribed + TAGS + APPROVED)
    summary = stack.migrate()
    made.runs.append(summary.run)
    made.second = [done.step.name for done in summary.done]
    made.notices = [json.loads(body) for body in made.heard()]
    return made


def test_after_a_migration_every_live_table_and_index_is_monitored(monitored: Monitored) -> None:
    world = monitored.stack.world()
    expected = expected_monitors(SCHEMA, monitored.config, present(SCHEMA, world), world.live)
    assert world.managed.monitors == expected
    found = monitored.alarms()
    subjects = {table.name for table in SCHEMA} | {f"{table.name}/{i.name}" for table in SCHEMA for i in table.indexes}
    wanted = {f"{subject}/{kind}" for subject in subjects for kind in ("throttling", "capacity")}
    assert set(found) == {"account/user-errors", "personnel/system-errors", "work-logs/system-errors", *wanted}
    assert expected == {"topic", "dashboard", monitored.resource, *found}
    assert {tuple(alarm["AlarmActions"] + alarm["OKActions"]) for alarm in found.values()} == {
        (monitored.config.topic_arn, monitored.config.topic_arn)
    }


def test_the_team_is_told_how_each_run_went_and_what_to_run_next(monitored: Monitored) -> None:
    """The first run began before there was a topic: that was told once there was."""
    found = [(notice["Subject"], notice["Message"].splitlines()) for notice in monitored.notices]
    assert [subject for subject, _ in found] == [
        "[local] migrate: started",
        "[local] migrate: gate waiting",
        "[local] migrate: started",
        "[local] migrate: done",
    ]
    runs = [next(line for line in lines if line.startswith("Run: ")) for _, lines in found]
    first, second = monitored.runs
    assert runs == [f"Run: {first}", f"Run: {first}", f"Run: {second}", f"Run: {second}"]
    assert f"Why: {OLD}: the stack file has no approval for {OLD}" in found[1][1]
    assert "Next: ./invoke gate --stack local" in found[1][1]


def test_topic_subscription_and_dashboard_are_there(monitored: Monitored) -> None:
    topic = monitored.config.topic_arn
    (subscription,) = monitored.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("sqs", monitored.queue)
    tags = monitored.client("sns").list_tags_for_resource(ResourceArn=topic)["Tags"]
    assert tags == [{"Key": "Project", "Value": "SiteLogix"}]
    dashboard = monitored.client("cloudwatch").get_dashboard(DashboardName=monitored.config.dashboard_name)
    titles = [widget["properties"]["title"] for widget in json.loads(dashboard["DashboardBody"])["widgets"]]
    assert "personnel: index builds (%)" in titles


def test_a_removed_index_is_no_longer_monitored(monitored: Monitored) -> None:
    assert monitored.second == [f"read-index {OLD}", f"remove-index {OLD}", "verify"]
    assert monitored.before - set(monitored.alarms()) == OF_OLD


def test_afterwards_the_preview_is_clean_and_there_is_nothing_to_do(monitored: Monitored) -> None:
    context = monitored.stack.context()
    for refreshed in (False, True):
        if refreshed:
            context.engine.refresh()
        world = context.read_world()
        assert context.engine.preview(world.live, whole(SCHEMA, context.config.settings, world.live)) == []
    assert monitored.stack.migrate().run is None


def test_an_alarm_that_fires_is_heard_by_whoever_subscribed(monitored: Monitored) -> None:
    physical = monitored.stack.physical("personnel")
    of = [{"Name": "TableName", "Value": physical}, {"Name": "Operation", "Value": "Query"}]
    assert monitored.alarms()["personnel/system-errors"]["StateValue"] == "OK"
    monitored.client("cloudwatch").put_metric_data(
        Namespace=NAMESPACE, MetricData=[{"MetricName": "SystemErrors", "Dimensions": of, "Value": 1}]
    )
    assert monitored.alarms()["personnel/system-errors"]["StateValue"] == "ALARM"
    (body,) = monitored.heard()
    heard = json.loads(json.loads(body)["Message"])
    assert (heard["AlarmName"], heard["NewStateValue"]) == (f"{physical}/system-errors", "ALARM")


def test_what_was_removed_or_changed_by_hand_is_mended(monitored: Monitored) -> None:
    cloudwatch, sns = monitored.client("cloudwatch"), monitored.client("sns")
    gone, blunted = monitored.alarms()["personnel/capacity"], monitored.alarms()["personnel/throttling"]
    cloudwatch.delete_alarms(AlarmNames=[gone["AlarmName"]])
    kept = ("AlarmName", "Metrics", "ComparisonOperator", "EvaluationPeriods", "TreatMissingData")
    cloudwatch.put_metric_alarm(**{name: blunted[name] for name in kept}, Threshold=1e9)
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=monitored.config.topic_arn)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    cloudwatch.delete_dashboards(DashboardNames=[monitored.config.dashboard_name])
    monitored.stack.context().engine.refresh()
    assert monitored.up(monitored.subscribed + TAGS + APPROVED) == {
        ("create", "personnel/capacity"),
        ("update", "personnel/throttling"),
        ("create", monitored.resource),
        ("create", "dashboard"),
    }
    assert monitored.alarms()["personnel/throttling"]["Threshold"] == 10


def test_what_monitors_changes_freely_with_the_stack_file(monitored: Monitored) -> None:
    subscribed = "  sitelogix:subscriptions: [{protocol: email, endpoint: ops@example.com}]\n"
    before = monitored.resource
    changes = monitored.up(subscribed + "  sitelogix:tags: {Team: Field}\n  sitelogix:dashboard: Another\n" + APPROVED)
    assert {(operation, name) for operation, name in changes if operation in {"create", "delete", "replace"}} == {
        ("create", next(each.resource for each in subscriptions(monitored.config))),
        ("delete", before),
        ("replace", "dashboard"),
    }
    assert {name for operation, name in changes if operation == "update"} == {"topic", "work-logs", *monitored.alarms()}
    arn = monitored.alarms()["account/user-errors"]["AlarmArn"]
    tags = monitored.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert tags == [{"Key": "Team", "Value": "Field"}]
    dashboards = monitored.client("cloudwatch").list_dashboards()["DashboardEntries"]
    names = {dashboard["DashboardName"] for dashboard in dashboards}
    assert ("Another" in names, monitored.stack.physical("migration") in names) == (True, False)


def test_a_subscription_under_its_former_name_is_renamed_and_not_made_again(
    migrated: SmallStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated.configure("  sitelogix:subscriptions: [{protocol: email, endpoint: ops@example.com}]\n" + APPROVED)
    former = "subscription/email/ops@example.com"
    with monkeypatch.context() as older:
        named = [TopicSubscription(former, "email", "ops@example.com", None)]
        older.setattr(monitoring, "subscriptions", lambda config: named)
        # An address is masked wherever a change is told.
        assert ("create", "subscription/email/[masked]") in changes(migrated)
    before = subscription_arns(migrated)
    assert changes(migrated) == set()
    assert subscription_arns(migrated) == before
    assert migrated.world().unmonitored == frozenset()


def changes(stack: SmallStack) -> set[tuple[str, str]]:
    """What an `up` of the whole does: operations and resource names."""
    context = stack.context()
    world = context.read_world()
    return {
        (change.operation, change.resource)
        for change in context.engine.up(world.live, whole(SCHEMA, context.config.settings, world.live))
    }


def subscription_arns(stack: SmallStack) -> list[str]:
    topic = load_config("local", stack.directory, Project(NAME, SCHEMA)).topic_arn
    found = client("sns", stack.endpoint).list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [subscription["SubscriptionArn"] for subscription in found]
