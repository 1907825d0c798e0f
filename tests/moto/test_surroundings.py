"""What is attached to live tables is read; what cannot be read is unknown, not absent."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from schema.model import Schema, Table
from schema.parts import Attribute, BillingMode
from stack.world.live import read_live
from stack.world.surroundings import TABLE, Attached, Limits, Scaling, Surroundings, Unknown, read_surroundings
from tests.conftest import EmulatedStack

SCHEMA = Schema((Table("things", Attribute("PK"), billing_mode=BillingMode.ON_DEMAND, existing=True),))


@pytest.fixture
def stack(moto_stack: EmulatedStack) -> EmulatedStack:
    """A stack with a provisioned table that has an index and a stream, whose file names every endpoint."""
    endpoint = moto_stack.config.endpoint
    capacity: Any = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    index: Any = {
        "IndexName": "byKind",
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": capacity,
    }
    moto_stack.client.create_table(
        TableName=moto_stack.config.physical_name("things"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "kind")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        ProvisionedThroughput=capacity,
        GlobalSecondaryIndexes=[index],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    config = replace(moto_stack.config, lambda_endpoint=endpoint, scaling_endpoint=endpoint)
    return EmulatedStack(config, moto_stack.client)


def client(stack: EmulatedStack, service: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service,
        region_name=stack.config.region,
        endpoint_url=stack.config.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def look(stack: EmulatedStack) -> Surroundings:
    return read_surroundings(stack.config, read_live(stack.client, stack.config, SCHEMA))


def test_a_table_with_nothing_attached(stack: EmulatedStack) -> None:
    assert look(stack) == Surroundings(
        tables={
            "things": Attached(
                consumers=(),
                kinesis=(),
                scaling=(),
                policy=None,
                insights=(),
                legacy_regions=(),
            )
        },
        limits=Limits(account_write=20000, account_read=20000, table_write=10000, table_read=10000),
    )


def test_scaling_of_table_and_index_is_read_with_its_targets(stack: EmulatedStack) -> None:
    scaling = client(stack, "application-autoscaling")
    table = f"table/{stack.config.physical_name('things')}"
    for resource, dimension, most in (
        (table, "table:WriteCapacityUnits", 400),
        (f"{table}/index/byKind", "index:ReadCapacityUnits", 50),
    ):
        scaling.register_scalable_target(
            ServiceNamespace="dynamodb",
            ResourceId=resource,
            ScalableDimension=f"dynamodb:{dimension}",
            MinCapacity=5,
            MaxCapacity=most,
            RoleARN="arn:aws:iam::123456789012:role/scaling",
        )
    scaling.put_scaling_policy(
        PolicyName="seventy",
        ServiceNamespace="dynamodb",
        ResourceId=table,
        ScalableDimension="dynamodb:table:WriteCapacityUnits",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"},
        },
    )
    assert look(stack).of("things").scaling == (
        Scaling(TABLE, "write", 5, 400, 70.0),
        Scaling("byKind", "read", 5, 50, None),
    )


def test_a_resource_policy_is_read(stack: EmulatedStack) -> None:
    arn = read_live(stack.client, stack.config, SCHEMA)["things"].arn
    stack.client.put_resource_policy(ResourceArn=arn, Policy='{"Version": "2012-10-17", "Statement": []}')
    assert look(stack).of("things").policy == '{"Version": "2012-10-17", "Statement": []}'


def test_the_functions_that_lambda_feeds_from_the_stream_are_read(stack: EmulatedStack) -> None:
    name = stack.config.physical_name("audit")
    trust = '{"Version": "2012-10-17", "Statement": []}'
    role = client(stack, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("code.py", "")
    functions = client(stack, "lambda")
    functions.create_function(
        FunctionName=name, Runtime="python3.11", Role=role, Handler="code.run", Code={"ZipFile": code.getvalue()}
    )
    stream = read_live(stack.client, stack.config, SCHEMA)["things"].stream_arn
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=stream, StartingPosition="LATEST")
    assert look(stack).of("things").consumers == (name,)


class Answers:
    """A DynamoDB client of which each call answers as planted, or as moto does."""

    def __init__(self, moto: Any, **planted: Any) -> None:
        self._moto = moto
        self._planted = planted

    def __getattr__(self, name: str) -> Any:
        if name not in self._planted:
            return getattr(self._moto, name)
        answer = self._planted[name]

        def call(**_: Any) -> Any:
            if answer == "<html>":
                raise ResponseParserError(f"It says {answer!r}")
            if isinstance(answer, str):
                raise ClientError({"Error": {"Code": answer, "Message": ""}}, name)
            return answer

        return call


def test_what_aws_answers_and_moto_cannot(stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    destinations = [
        {"StreamArn": f"arn:aws:kinesis:{status}", "DestinationStatus": status}
        for status in ("ENABLING", "ACTIVE", "UPDATING", "DISABLING", "DISABLED", "ENABLE_FAILED")
    ]
    insights = [
        {"ContributorInsightsStatus": "ENABLED"},
        {"IndexName": "byKind", "ContributorInsightsStatus": "ENABLING"},
        {"IndexName": "byTime", "ContributorInsightsStatus": "DISABLED"},
    ]
    planted = Answers(
        stack.client,
        describe_kinesis_streaming_destination={"KinesisDataStreamDestinations": destinations},
        list_contributor_insights={"ContributorInsightsSummaries": insights},
        describe_global_table={"GlobalTableDescription": {"ReplicationGroup": [{"RegionName": "eu-west-1"}]}},
    )
    monkeypatch.setattr("stack.world.surroundings.quick_dynamodb", lambda config: planted)
    attached = look(stack).of("things")
    assert attached.kinesis == ("arn:aws:kinesis:ACTIVE", "arn:aws:kinesis:ENABLING", "arn:aws:kinesis:UPDATING")
    assert attached.insights == (TABLE, "byKind")
    assert attached.legacy_regions == ("eu-west-1",)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("AccessDeniedException", "AWS denies {}"),
        ("ThrottlingException", "AWS throttles {}"),
        ("UnknownOperationException", "this endpoint does not know {}"),
        ("500", "this endpoint does not know {}"),
        ("InternalServerError", "{} ends in InternalServerError"),
        ("<html>", "It says '<html>'"),
    ],
)
def test_what_cannot_be_read_is_unknown_and_says_why(
    stack: EmulatedStack, monkeypatch: pytest.MonkeyPatch, code: str, why: str
) -> None:
    calls = dict.fromkeys(
        (
            "describe_kinesis_streaming_destination",
            "get_resource_policy",
            "list_contributor_insights",
            "describe_global_table",
            "describe_limits",
        ),
        code,
    )
    monkeypatch.setattr("stack.world.surroundings.quick_dynamodb", lambda config: Answers(stack.client, **calls))
    found = look(stack)
    attached = found.of("things")
    assert [attached.kinesis, attached.policy, attached.insights, attached.legacy_regions, found.limits] == [
        Unknown(why.format(call)) for call in calls
    ]
    assert attached.consumers == ()


def test_an_emulator_without_an_endpoint_leaves_readers_and_scaling_unknown(stack: EmulatedStack) -> None:
    found = look(EmulatedStack(replace(stack.config, lambda_endpoint=None, scaling_endpoint=None), stack.client))
    assert found.of("things").consumers == Unknown("the stack file names no endpoint of Lambda")
    assert found.of("things").scaling == Unknown("the stack file names no endpoint of Application Auto Scaling")


def test_an_endpoint_that_does_not_answer_leaves_its_facts_unknown(stack: EmulatedStack) -> None:
    deaf = "http://127.0.0.1:1"
    found = look(EmulatedStack(replace(stack.config, lambda_endpoint=deaf, scaling_endpoint=deaf), stack.client))
    assert isinstance(found.of("things").consumers, Unknown)
    assert isinstance(found.of("things").scaling, Unknown)
    assert found.of("things").policy is None


def test_of_a_table_at_which_nobody_has_looked_everything_is_unknown() -> None:
    assert Surroundings().of("things").consumers == Unknown("not looked at")
    assert Surroundings().limits == Unknown("not looked at")
