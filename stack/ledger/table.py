"""The table of the ledger: made once, never another's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from dynamo.errors import error_code
from schema.errors import Refused

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEYS: Any = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]


def create_ledger(client: DynamoDBClient, table: str) -> None:
    """Makes the table if it is missing, waits until it can be used, and has AWS keep its past (point-in-time recovery).
    Harmless to repeat, and for several at once. Raises Refused where a table of that name is something else."""
    try:
        client.create_table(
            TableName=table,
            KeySchema=KEYS,
            AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in KEYS],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
        )
    except ClientError as error:
        if error_code(error) != "ResourceInUseException":
            raise
        refuse_another(client, table)
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    _keep_the_past(client, table)


def refuse_another(client: DynamoDBClient, table: str) -> None:
    """Raises Refused if the table of that name is no ledger."""
    keys = client.describe_table(TableName=table)["Table"]["KeySchema"]
    if sorted(keys, key=lambda key: key["KeyType"]) != KEYS:
        names = ", ".join(key["AttributeName"] for key in keys)
        raise Refused(
            f"Table {table} is no ledger.",
            f"It has the keys {names}; the ledger, for which the tool needs that name, has PK and SK.",
            "Rename that table, or set another tablePrefix in the stack file.",
        )


def _keep_the_past(client: DynamoDBClient, table: str) -> None:
    try:
        found = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        if found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED":
            return
        # A table that was just made is sometimes not ready for it yet.
        repeated("ContinuousBackupsUnavailableException")(
            client.update_continuous_backups,
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    except ClientError as error:
        # DynamoDB Local has no such thing.
        if error_code(error) != "UnknownOperationException":
            raise


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
