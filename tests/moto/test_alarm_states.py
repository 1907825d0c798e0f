"""The local CloudWatch evaluates alarms as AWS documents it, and tells the topics of those that change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from stack.aws import cloudwatch
from tests.watching import watched_config

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient


@dataclass
class Lone:
    """One alarm on one metric of its own, with a period of five minutes."""

    client: CloudWatchClient
    name: str
    namespace: str = "Own"

    def put(self, **changes: Any) -> None:
        self.client.put_metric_alarm(
            **{
                "AlarmName": self.name,
                "Namespace": self.namespace,
                "MetricName": self.name,
                "Statistic": "Sum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "Threshold": 10,
                "ComparisonOperator": "GreaterThanThreshold",
                **changes,
            }
        )

    def data(self, *values: float | None) -> None:
        """A value for each period, newest first; None leaves one out."""
        for number, value in enumerate(values):
            if value is not None:
                time = datetime.now(UTC) - timedelta(minutes=5 * number)
                self.client.put_metric_data(
                    Namespace=self.namespace,
                    MetricData=[{"MetricName": self.name, "Value": value, "Timestamp": time}],
                )

    def put_state(self, state: Any) -> None:
        """As somebody who tries an alarm does. The next look at alarms evaluates it again."""
        self.client.set_alarm_state(AlarmName=self.name, StateValue=state, StateReason="a test")

    @property
    def state(self) -> str:
        (alarm,) = self.client.describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        return alarm["StateValue"]


@pytest.fixture
def lone(moto_endpoint: str, tmp_path: Path) -> Any:
    config = watched_config(moto_endpoint, tmp_path)
    client = cloudwatch(config)
    assert client is not None
    made = Lone(client, config.physical_name("alarm"))
    yield made
    client.delete_alarms(AlarmNames=[made.name])


@pytest.mark.parametrize(
    ("comparison", "values", "expected"),
    [
        ("GreaterThanThreshold", 10, "OK"),
        ("GreaterThanThreshold", 10.5, "ALARM"),
        ("GreaterThanOrEqualToThreshold", 10, "ALARM"),
        ("LessThanThreshold", 10, "OK"),
        ("LessThanThreshold", 9, "ALARM"),
        ("LessThanOrEqualToThreshold", 10, "ALARM"),
    ],
)
def test_a_value_is_compared_with_the_threshold(lone: Lone, comparison: str, values: float, expected: str) -> None:
    lone.put(ComparisonOperator=comparison)
    lone.data(values)
    assert lone.state == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((11, 11, 0), "ALARM"),
        ((11, 0, 11), "ALARM"),
        ((0, 0, 11), "OK"),
        ((0, 0, 0, 11, 11), "OK"),
    ],
)
def test_two_of_three_values_are_enough_where_the_alarm_says_so(
    lone: Lone, values: tuple[float, ...], expected: str
) -> None:
    lone.put(EvaluationPeriods=3, DatapointsToAlarm=2)
    lone.data(*values)
    assert lone.state == expected


# The rows of AWS's own table (Configuring how CloudWatch alarms treat missing data), for three of three.
@pytest.mark.parametrize(
    ("values", "missing", "not_breaching", "ignore", "breaching"),
    [
        ((11, None, 11, 11), "ALARM", "ALARM", "ALARM", "ALARM"),
        ((11, None, 0, 11), "OK", "OK", "OK", "OK"),
        ((None, 0), "OK", "OK", "as it was", "OK"),
        ((None, None, 11), "ALARM", "OK", "as it was", "ALARM"),
        ((), "INSUFFICIENT_DATA", "OK", "as it was", "ALARM"),
    ],
)
@pytest.mark.parametrize("treatment", ["missing", "notBreaching", "ignore", "breaching"])
@pytest.mark.parametrize("was", ["OK", "ALARM"])
def test_missing_values_are_treated_as_the_alarm_says(
    lone: Lone,
    values: tuple[float | None, ...],
    missing: str,
    not_breaching: str,
    ignore: str,
    breaching: str,
    treatment: str,
    was: str,
) -> None:
    expected = {"missing": missing, "notBreaching": not_breaching, "ignore": ignore, "breaching": breaching}[treatment]
    lone.put(EvaluationPeriods=3, TreatMissingData=treatment)
    lone.client.set_alarm_state(AlarmName=lone.name, StateValue=was, StateReason="a test")  # type: ignore[arg-type]
    lone.data(*values)
    assert lone.state == (was if expected == "as it was" else expected)


def test_an_alarm_on_dynamodb_ignores_missing_values_whatever_it_says(lone: Lone) -> None:
    lone.namespace = "AWS/DynamoDB"
    lone.put(TreatMissingData="notBreaching")
    lone.client.set_alarm_state(AlarmName=lone.name, StateValue="ALARM", StateReason="a test")
    assert lone.state == "ALARM"
    lone.data(0)
    assert lone.state == "OK"


def test_an_expression_that_is_not_understood_is_refused(lone: Lone) -> None:
    metric: Any = {"Namespace": "Own", "MetricName": lone.name}
    lone.client.put_metric_alarm(
        AlarmName=lone.name,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Metrics=[
            {"Id": "result", "Expression": "ANOMALY_DETECTION_BAND(a)", "ReturnData": True},
            {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        ],
    )
    with pytest.raises(ClientError, match="ANOMALY_DETECTION_BAND"):
        _ = lone.state


@dataclass
class Queue:
    """A queue of its own that a topic of its own sends to."""

    topic: str
    url: str
    client: Any

    def messages(self) -> list[dict[str, Any]]:
        """What has arrived since the last look."""
        found = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in found]


@pytest.fixture
def queue(lone: Lone, moto_endpoint: str) -> Queue:
    def client(service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=moto_endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    topics, queues = client("sns"), client("sqs")
    topic = topics.create_topic(Name=lone.name)["TopicArn"]
    url = queues.create_queue(QueueName=lone.name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{lone.name}"
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Queue(topic, url, queues)


def test_topics_are_told_once_when_an_alarm_fires_and_once_when_it_is_over(lone: Lone, queue: Queue) -> None:
    lone.put(AlarmActions=[queue.topic], OKActions=[queue.topic])
    lone.data(0)
    assert lone.state == "OK"
    assert queue.messages() == []
    lone.data(11)
    assert [lone.state, lone.state] == ["ALARM", "ALARM"]
    (message,) = queue.messages()
    assert (message["AlarmName"], message["OldStateValue"], message["NewStateValue"]) == (lone.name, "OK", "ALARM")
    lone.data(-11)
    assert lone.state == "OK"
    assert [message["NewStateValue"] for message in queue.messages()] == ["OK"]


def test_an_alarm_whose_actions_are_off_tells_nobody(lone: Lone, queue: Queue) -> None:
    lone.put(AlarmActions=[queue.topic], ActionsEnabled=False)
    lone.data(11)
    assert lone.state == "ALARM"
    assert queue.messages() == []


def test_the_history_tells_each_change_of_the_state_newest_first(lone: Lone) -> None:
    lone.put()
    began = datetime.now(UTC) - timedelta(seconds=2)
    lone.data(11)
    assert lone.state == "ALARM"
    lone.put_state("OK")
    # Whoever asks for the history meets an alarm that was evaluated again.
    (page,) = lone.client.get_paginator("describe_alarm_history").paginate(
        AlarmName=lone.name, HistoryItemType="StateUpdate", StartDate=began
    )
    found = [json.loads(item["HistoryData"]) for item in page["AlarmHistoryItems"]]
    assert [(item["oldState"]["stateValue"], item["newState"]["stateValue"]) for item in found] == [
        ("OK", "ALARM"),
        ("ALARM", "OK"),
        ("OK", "ALARM"),
    ]
    assert [item["HistorySummary"] for item in page["AlarmHistoryItems"]] == [
        "Alarm updated from OK to ALARM",
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to ALARM",
    ]


def test_what_else_the_history_holds_is_refused_and_not_left_out(lone: Lone) -> None:
    lone.put()
    with pytest.raises(ClientError, match="HistoryItemType=StateUpdate"):
        lone.client.describe_alarm_history(AlarmName=lone.name)
