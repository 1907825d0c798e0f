"""What the local AWS does beyond moto: it counts what requests consume, and applies resource policies."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends

from local.consumption import consumed
from stack.aws import cloudwatch, dynamodb
from stack.monitoring.metrics import NAMESPACE, Metrics
from tests.conftest import EmulatedStack, stack_on

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

MINUTES = 5
FIRST, SECOND = "GSI1-ProjectIndex", "GSI2-ManagerIndex"
REPORTS: list[dict[str, Any]] = [
    {
        "PK": {"S": f"REPORT#{number}"},
        "SK": {"S": "METADATA"},
        "project_id": {"S": "p1"},
        "manager_id": {"S": "m1"},
        "report_date": {"S": "2025-01-01"},
    }
    for number in range(3)
]
OF_PROJECT: Any = {
    "KeyConditionExpression": "#k = :v",
    "ExpressionAttributeNames": {"#k": "project_id"},
    "ExpressionAttributeValues": {":v": {"S": "p1"}},
}


def watch(stack: EmulatedStack) -> CloudWatchClient:
    client = cloudwatch(replace(stack.config, cloudwatch_endpoint=stack.config.endpoint))
    assert client is not None
    return client


def units(stack: EmulatedStack, table: str, kind: str, index: str | None = None) -> float:
    """What was consumed of late."""
    metrics = Metrics(watch(stack), table)
    return round(metrics.consumed(kind, MINUTES, index) * MINUTES * 60, 3)


def test_writes_consume_units_of_their_table_one_an_item(moto_stack: EmulatedStack) -> None:
    table = moto_stack.create("reports", REPORTS)
    assert units(moto_stack, table, "Write") == 3, "a batch of three"
    client, key = moto_stack.client, {"PK": {"S": "x"}, "SK": {"S": "y"}}
    client.put_item(TableName=table, Item=key)
    client.update_item(
        TableName=table,
        Key=key,
        UpdateExpression="SET #a = :a",
        ExpressionAttributeNames={"#a": "a"},
        ExpressionAttributeValues={":a": {"S": "b"}},
    )
    client.delete_item(TableName=table, Key=key)
    client.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": key}}])
    client.execute_statement(Statement=f"INSERT INTO \"{table}\" VALUE {{'PK': 'p', 'SK': 's'}}")
    update: Any = {"Statement": f'UPDATE "{table}" SET a = ? WHERE PK = ? AND SK = ?'}
    update["Parameters"] = [{"S": "b"}, {"S": "p"}, {"S": "s"}]
    client.batch_execute_statement(Statements=[update, update])
    assert units(moto_stack, table, "Write") == 3 + 7
    assert units(moto_stack, table, "Read") == 0


def test_reads_consume_units_of_the_table_or_of_the_index_that_they_name(moto_stack: EmulatedStack) -> None:
    table = moto_stack.create("reports", REPORTS)
    client, key = moto_stack.client, {"PK": {"S": "REPORT#1"}, "SK": {"S": "METADATA"}}
    client.get_item(TableName=table, Key=key)
    client.batch_get_item(RequestItems={table: {"Keys": [key, {**key, "PK": {"S": "REPORT#2"}}]}})
    client.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": key}}])
    client.scan(TableName=table)
    client.execute_statement(Statement=f'SELECT * FROM "{table}" WHERE PK = ?', Parameters=[{"S": "REPORT#1"}])
    client.query(TableName=table, IndexName=FIRST, **OF_PROJECT)
    client.scan(TableName=table, IndexName=FIRST)
    assert units(moto_stack, table, "Read") == 6
    assert units(moto_stack, table, "Read", FIRST) == 2
    assert units(moto_stack, table, "Read", SECOND) == 0


@pytest.mark.parametrize(
    ("statement", "metric", "index"),
    [
        ('SELECT * FROM "a.b-c"."byStatus" WHERE x = ?', "ConsumedReadCapacityUnits", "byStatus"),
        ('select\n x, y from "a.b-c" . "byStatus" where x = ?', "ConsumedReadCapacityUnits", "byStatus"),
        ('SELECT * FROM "a.b-c"', "ConsumedReadCapacityUnits", None),
        ('INSERT INTO "a.b-c" VALUE {}', "ConsumedWriteCapacityUnits", None),
        ('update "a.b-c" set x = ?', "ConsumedWriteCapacityUnits", None),
        ('DELETE FROM "a.b-c" WHERE x = ?', "ConsumedWriteCapacityUnits", None),
    ],
)
def test_a_statement_consumes_units_of_what_it_names(statement: str, metric: str, index: str | None) -> None:
    """moto refuses a statement on an index, so this is asked of the counting alone."""
    named = (("TableName", "a.b-c"), *((("GlobalSecondaryIndexName", index),) if index else ()))
    assert list(consumed("ExecuteStatement", {"Statement": statement})) == [(metric, named, 1)]


def test_a_request_that_fails_consumes_nothing(moto_stack: EmulatedStack) -> None:
    table = moto_stack.create("reports", REPORTS)
    with pytest.raises(ClientError):
        moto_stack.client.query(TableName=table, IndexName="byNothing", **OF_PROJECT)
    assert units(moto_stack, table, "Read", "byNothing") == 0
    assert units(moto_stack, table, "Read") == 0


def test_nothing_is_lost_when_many_write_at_once_and_a_minute_is_one_value(moto_stack: EmulatedStack) -> None:
    table = moto_stack.create("reports", [])
    with ThreadPoolExecutor(8) as pool:
        keys = [{"PK": {"S": str(number)}, "SK": {"S": "s"}} for number in range(200)]
        list(pool.map(lambda key: moto_stack.client.put_item(TableName=table, Item=key), keys))
    assert units(moto_stack, table, "Write") == 200
    kept = cloudwatch_backends["123456789012"]["us-east-1"].metric_data
    values = [one for one in kept if any(dimension.value == table for dimension in one.dimensions)]
    assert len(values) <= 2, "the minute may have ended in between"


def in_region(endpoint: str, directory: Path, region: str) -> EmulatedStack:
    config = replace(stack_on(endpoint, directory).config, region=region)
    return EmulatedStack(config, dynamodb(config))


def test_values_older_than_fifteen_days_are_forgotten(moto_endpoint: str, tmp_path: Path) -> None:
    stack = in_region(moto_endpoint, tmp_path, "sa-east-1")
    client = watch(stack)
    for days in (16, 14):
        client.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[{"MetricName": f"of{days}", "Value": 1, "Timestamp": datetime.now(UTC) - timedelta(days=days)}],
        )
    stack.create("reports", REPORTS)
    assert {metric["MetricName"] for metric in client.list_metrics(Namespace=NAMESPACE)["Metrics"]} == {
        "of14",
        "ConsumedWriteCapacityUnits",
    }


def test_refused_requests_are_user_errors_of_the_account_but_for_failed_conditions(
    moto_endpoint: str, tmp_path: Path
) -> None:
    stack = in_region(moto_endpoint, tmp_path, "ca-central-1")
    table = stack.create("reports", REPORTS)
    key = {"PK": {"S": "REPORT#1"}, "SK": {"S": "METADATA"}}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        stack.client.put_item(TableName=table, Item=key, ConditionExpression="attribute_not_exists(PK)")
    for _ in range(2):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            stack.client.get_item(TableName="no-such-table", Key=key)
    found = watch(stack).get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="UserErrors",
        StartTime=datetime.now(UTC) - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
        Period=600,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert [(point["Sum"], point["SampleCount"]) for point in found] == [(2, 2)]


def denying(stack: EmulatedStack, table: str, **changes: Any) -> str:
    """Puts a policy that denies everybody every read of the first index, but for `changes`."""
    arn = stack.client.describe_table(TableName=table)["Table"]["TableArn"]
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["dynamodb:Query", "dynamodb:Scan", "dynamodb:PartiQLSelect"],
        "Resource": f"{arn}/index/{FIRST}",
        **changes,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    stack.client.put_resource_policy(ResourceArn=arn, Policy=json.dumps(policy))
    return arn


def outcomes(stack: EmulatedStack, table: str, index: str) -> list[str]:
    """What a query, a scan and a SELECT of the index answer: `ok`, or the error's code and HTTP status."""
    found: list[str] = []
    for read in (
        lambda: stack.client.query(TableName=table, IndexName=index, **OF_PROJECT),
        lambda: stack.client.scan(TableName=table, IndexName=index),
        lambda: stack.client.execute_statement(Statement=f'SELECT * FROM "{table}"."{index}" WHERE project_id=\'p1\''),
    ):
        try:
            read()
            found.append("ok")
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            found.append(f"{error.response['Error']['Code']} {status}")
    return found


DENIED = ["AccessDeniedException 400"] * 3
# moto itself knows no index in a statement.
ALLOWED = ["ok", "ok", "ResourceNotFoundException 400"]


@pytest.mark.parametrize("everybody", ["*", {"AWS": "*"}])
def test_a_policy_that_denies_an_index_is_applied_to_that_index_alone(
    moto_stack: EmulatedStack, everybody: Any
) -> None:
    table = moto_stack.create("reports", REPORTS)
    arn = denying(moto_stack, table, Principal=everybody)
    assert outcomes(moto_stack, table, FIRST) == DENIED
    with pytest.raises(ClientError, match=rf"dynamodb:Scan on resource: {arn}/index/{FIRST} with an explicit deny"):
        moto_stack.client.scan(TableName=table, IndexName=FIRST)
    assert moto_stack.client.scan(TableName=table, IndexName=SECOND)["Count"] == 3
    assert moto_stack.client.scan(TableName=table)["Count"] == 3
    assert units(moto_stack, table, "Read", FIRST) == 0
    moto_stack.client.delete_resource_policy(ResourceArn=arn)
    assert outcomes(moto_stack, table, FIRST) == ALLOWED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Action": "dynamodb:Query"}, [DENIED[0], *ALLOWED[1:]]),
        ({"Action": ["dynamodb:Scan", "dynamodb:PartiQLSelect"]}, [ALLOWED[0], *DENIED[1:]]),
        ({"Action": "dynamodb:*"}, DENIED),
        ({"Effect": "Allow"}, ALLOWED),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:role/other"}}, ALLOWED),
        ({"Resource": ["arn:aws:dynamodb:us-east-1:123456789012:table/another/index/*"]}, ALLOWED),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, ALLOWED),
    ],
)
def test_a_policy_denies_what_it_says_and_no_more(
    moto_stack: EmulatedStack, changes: dict[str, Any], expected: list[str]
) -> None:
    table = moto_stack.create("reports", REPORTS)
    denying(moto_stack, table, **changes)
    assert outcomes(moto_stack, table, FIRST) == expected


def test_what_is_no_request_to_items_goes_to_moto_as_it_is(moto_stack: EmulatedStack, moto_endpoint: str) -> None:
    table = moto_stack.create("reports", [])
    assert moto_stack.client.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    assert units(moto_stack, table, "Read") == units(moto_stack, table, "Write") == 0
    with urllib.request.urlopen(f"{moto_endpoint}/moto-api/") as answer:
        assert answer.status == 200
