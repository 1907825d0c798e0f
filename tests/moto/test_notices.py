"""What a team is told by SNS, received through a queue that is subscribed to the topic."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest

from migration.session.notifying import Notice, Notifier
from stack.aws import sns
from tests.conftest import EmulatedStack

CONTACT = "Site tools, +1 555 0100"


@dataclass
class Team:
    """A topic's queue, and the notifier of a stack that publishes there."""

    stack: EmulatedStack
    notifier: Notifier
    said: list[str]

    def make_topic(self) -> None:
        keys: dict[str, Any] = {
            "endpoint_url": self.stack.config.endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
        topics = boto3.client("sns", **keys)
        arn = topics.create_topic(Name=self.stack.config.topic_name)["TopicArn"]
        assert arn == self.stack.config.topic_arn
        self.queues = boto3.client("sqs", **keys)
        self.queue = self.queues.create_queue(QueueName=self.stack.config.topic_name)["QueueUrl"]
        queue_arn = f"arn:aws:sqs:us-east-1:123456789012:{self.stack.config.topic_name}"
        topics.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)

    def received(self) -> list[tuple[str, str]]:
        answer = self.queues.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        bodies = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        return [(body["Subject"], body["Message"]) for body in bodies]


@pytest.fixture
def team(moto_stack: EmulatedStack) -> Team:
    config = moto_stack.config
    endpoint = config.endpoint
    told = config.settings.model_copy(update={"contact": CONTACT})
    config = replace(config, settings=told, cloudwatch_endpoint=endpoint, sns_endpoint=endpoint)
    said: list[str] = []
    return Team(replace(moto_stack, config=config), Notifier(sns(config), config, said.append), said)


def test_a_notice_names_the_run_the_reason_what_to_run_next_and_the_way_back(team: Team) -> None:
    team.make_topic()
    team.notifier.tell(
        Notice("gate waiting", "migrate", "20260101T000000-ab12", "nobody approved it", "./invoke gate --stack test")
    )
    assert team.received() == [
        (
            "[test] migrate: gate waiting",
            "Stack: test (account 123456789012, us-east-1)\n"
            "Run: 20260101T000000-ab12\n"
            "What: migrate: gate waiting\n"
            "Why: nobody approved it\n"
            "Next: ./invoke gate --stack test\n"
            "Way back: ./invoke --help rollback; what was done: ./invoke history --stack test\n"
            f"Contact: {CONTACT}",
        )
    ]


def test_what_is_told_before_the_topic_exists_is_sent_once_it_does_in_order(team: Team) -> None:
    team.notifier.tell(Notice("started", "migrate", "a-run"))
    team.make_topic()
    team.notifier.flush()
    team.notifier.tell(Notice("done", "migrate", "a-run"))
    assert [subject for subject, _ in team.received()] == ["[test] migrate: started", "[test] migrate: done"]


def test_a_notice_that_can_not_be_sent_is_said_once_and_fails_nothing(team: Team) -> None:
    config = replace(team.stack.config, sns_endpoint="http://127.0.0.1:9")
    broken = Notifier(sns(config), config, team.said.append)
    broken.tell(Notice("started", "migrate", "a-run"))
    broken.tell(Notice("done", "migrate", "a-run"))
    (said,) = team.said
    assert said.startswith("The team could not be told: Could not connect")


def test_a_subject_is_ascii_on_one_line_and_not_too_long(team: Team) -> None:
    team.make_topic()
    team.notifier.tell(Notice("done", f"Zoë's\nrollback {'x' * 200}", "a-run"))
    ((subject, _),) = team.received()
    assert subject == f"[test] Zo?'s rollback {'x' * 200}"[:100]
