"""The table of the ledger: made once, never another's."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_after_delay, wait_random_exponential

from dynamo.errors import error_code
from schema.errors import Refused, ToolError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

READY_MINUTES = 20
"""How long a table that was just made may take until it can be used, and until AWS keeps its past. The Terraform
provider waits as long for that (`updateTableContinuousBackupsTimeout`)."""
LOOK_SECONDS = 2
NO_SUCH_OPERATION = "UnknownOperationException"
"""What DynamoDB Local answers to requests for recovery and tags."""
KEYS: Any = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]


def create_ledger(
    client: DynamoDBClient, table: str, tags: Mapping[str, str], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Makes the table if it is missing, with these tags, waits until it can be used, and has AWS keep its past
    (point-in-time recovery). Harmless to repeat, and for several at once. Raises Refused where a table of that name is
    something else, ToolError where it does not come to be of use."""
    wanted: Any = [{"Key": key, "Value": value} for key, value in tags.items()]
    try:
        client.create_table(
            TableName=table,
            KeySchema=KEYS,
            AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in KEYS],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
            **({"Tags": wanted} if wanted else {}),
        )
    except ClientError as error:
        if error_code(error) != "ResourceInUseException":
            raise
        refuse_another(client, table)
        _tag(client, table, wanted)
    config: Any = {"Delay": LOOK_SECONDS, "MaxAttempts": READY_MINUTES * 60 // LOOK_SECONDS}
    try:
        client.get_waiter("table_exists").wait(TableName=table, WaiterConfig=config)
    except WaiterError as error:
        raise ToolError(
            f"The ledger {table} is not ACTIVE after {READY_MINUTES} minutes.",
            f"{error}. Nothing was changed.",
            "Look at that table in AWS, then repeat.",
        ) from error
    _keep_the_past(client, table, sleep)


def refuse_another(client: DynamoDBClient, table: str) -> None:
    """Raises Refused if the table of that name is not a ledger."""
    keys = client.describe_table(TableName=table)["Table"]["KeySchema"]
    if sorted(keys, key=lambda key: key["KeyType"]) != KEYS:
        names = ", ".join(key["AttributeName"] for key in keys)
        raise Refused(
            f"Table {table} is not a ledger.",
            f"It has the keys {names}; the ledger, for which the tool needs that name, has PK and SK.",
            "Rename that table, or set another tablePrefix in the stack file.",
        )


def _tag(client: DynamoDBClient, table: str, wanted: Any) -> None:
    """Gives a ledger that is there the tags that it lacks. A ledger without them works as well, so whoever may not do
    that goes on without."""
    if not wanted:
        return
    try:
        arn = client.describe_table(TableName=table)["Table"]["TableArn"]
        tags = [
            tag
            for page in client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
            for tag in page["Tags"]
        ]
        missing = [tag for tag in wanted if tag not in tags]
        if missing:
            client.tag_resource(ResourceArn=arn, Tags=missing)
    except ClientError as error:
        if error_code(error) not in {NO_SUCH_OPERATION, "AccessDeniedException", "ResourceInUseException"}:
            raise


def _keep_the_past(client: DynamoDBClient, table: str, sleep: Callable[[float], None]) -> None:
    try:
        found = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        if found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED":
            return
        # A table that was just made is not ready for it yet, for minutes at times.
        Retrying(
            retry=retry_if_exception(is_too_early),
            wait=wait_random_exponential(multiplier=0.05, max=10),
            stop=stop_after_delay(READY_MINUTES * 60),
            sleep=sleep,
            reraise=True,
        )(
            client.update_continuous_backups,
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    except ClientError as error:
        if is_too_early(error):
            raise ToolError(
                f"AWS does not yet keep the past of the ledger {table}.",
                f"It was asked for {READY_MINUTES} minutes, and says: {error}. No table of the schema was changed.",
                "Repeat in a while.",
            ) from error
        if error_code(error) != NO_SUCH_OPERATION:
            raise


def is_too_early(error: BaseException) -> bool:
    """Whether AWS cannot back up a table yet, because it was made or restored just now."""
    return isinstance(error, ClientError) and error_code(error) == "ContinuousBackupsUnavailableException"


def repeated(code: str, reason: str | None = None) -> Retrying:
    """Repeats a request while it fails with that code, and in a transaction only for that reason."""

    def passing(error: BaseException) -> bool:
        if not isinstance(error, ClientError) or error_code(error) != code:
            return False
        return reason is None or set(cancellations(error)) <= {reason, "None"}

    return Retrying(
        retry=retry_if_exception(passing),
        wait=wait_random_exponential(multiplier=0.05, max=2),
        stop=stop_after_attempt(8),
        reraise=True,
    )


def cancellations(error: ClientError) -> list[str]:
    """Why a transaction was cancelled, a reason for each part of it."""
    response: Any = error.response
    return [str(reason.get("Code")) for reason in response.get("CancellationReasons", [])]
