"""The ledger: a DynamoDB table of the tool's own, outside the Pulumi stack, that holds what has been proven.

Items:
    PK `PROOF`         SK `<kind>#<subject>`          one fact that later steps rely on, newest reading only
    PK `RUN#<run id>`  SK `RUN`                       one run: who, when, with which schema, how it ended
    PK `RUN#<run id>`  SK `STEP#<number>#<name>`      one step of it: start, end, result, counts
    PK `CONTROL`       SK `PAUSE`                     somebody asked running backfills to stop

Further records are a backfill's own: backfills/checkpoint.py and backfills/journal.py name them.
"""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from stack.aws import error_code, translated_errors
from stack.config import StackConfig
from stack.errors import ToolError
from stack.live import Live, LiveTable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Facts = Mapping[str, Any]
"""What is recorded with a proof or a step: numbers, texts, lists and maps of them."""


@dataclass(frozen=True)
class Proofs:
    """All proofs of a stack, by `<kind>#<subject>`."""

    facts: Mapping[str, Facts]

    def of(self, kind: str, subject: str) -> Facts | None:
        """The facts of one proof, or None: not proven."""
        return self.facts.get(f"{kind}#{subject}")

    def about(self, live: Live) -> Proofs:
        """Without the proofs about tables that were restored since: they say nothing of the new one."""

        def holds(proof: Facts) -> bool:
            table = live.get(str(proof.get("table")))
            return table is None or proof.get("table_id") in {None, table.id}

        return Proofs({name: proof for name, proof in self.facts.items() if holds(proof)})


def now() -> str:
    """The time in UTC as ISO 8601 with whole seconds and `Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Ledger:
    """Reads and writes one stack's ledger. Reading works, and finds nothing, while the table does not exist."""

    def __init__(self, client: DynamoDBClient, config: StackConfig) -> None:
        self._client = client
        self._config = config
        self._table = config.ledger_name
        self._serialize = TypeSerializer().serialize
        self._deserialize = TypeDeserializer().deserialize

    @property
    def table(self) -> str:
        """Its physical name."""
        return self._table

    def create(self) -> None:
        """Makes the table if it is missing, and waits until it can be used. Harmless to repeat."""
        with translated_errors(self._config):
            try:
                self._client.create_table(
                    TableName=self._table,
                    KeySchema=[
                        {"AttributeName": "PK", "KeyType": "HASH"},
                        {"AttributeName": "SK", "KeyType": "RANGE"},
                    ],
                    AttributeDefinitions=[
                        {"AttributeName": "PK", "AttributeType": "S"},
                        {"AttributeName": "SK", "AttributeType": "S"},
                    ],
                    BillingMode="PAY_PER_REQUEST",
                    DeletionProtectionEnabled=True,
                )
            except ClientError as error:
                if error_code(error) != "ResourceInUseException":
                    raise
            self._client.get_waiter("table_exists").wait(TableName=self._table, WaiterConfig={"Delay": 1})

    def proofs(self) -> Proofs:
        """Everything that has been proven."""
        return Proofs({str(item["SK"]): item for item in self.records("PROOF")})

    def prove(self, kind: str, subject: str, facts: Facts) -> None:
        """Records a proof with the time; an older one of the same subject is replaced."""
        self._put({"PK": "PROOF", "SK": f"{kind}#{subject}", **facts, "at": now()})

    def prove_of(self, kind: str, subject: str, table: LiveTable, facts: Facts) -> None:
        """Records a proof that holds for this very table only, not for one that is restored under its name."""
        self.prove(kind, subject, {**facts, "table": table.name, "table_id": table.id})

    def disprove(self, kind: str, subject: str) -> None:
        """Takes a proof back. Harmless when there is none."""
        self.remove("PROOF", f"{kind}#{subject}")

    def start_run(self, command: str, schema_digest: str) -> str:
        """Records that a run began and returns its id, which sorts by time."""
        run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        self._put(
            {
                "PK": f"RUN#{run}",
                "SK": "RUN",
                "command": command,
                "schema": schema_digest,
                "by": _who(),
                "started": now(),
            }
        )
        return run

    def end_run(self, run: str, result: str) -> None:
        """Records how a run ended: `done`, `waiting`, or what failed."""
        with translated_errors(self._config):
            self._client.update_item(
                TableName=self._table,
                Key={"PK": {"S": f"RUN#{run}"}, "SK": {"S": "RUN"}},
                UpdateExpression="SET #ended = :ended, #result = :result",
                ExpressionAttributeNames={"#ended": "ended", "#result": "result"},
                ExpressionAttributeValues={":ended": {"S": now()}, ":result": {"S": result}},
            )

    @contextmanager
    def recording(self, command: str, schema_digest: str) -> Iterator[str]:
        """Records a run of a single step around the block, with how it ended, and gives its id."""
        run = self.start_run(command, schema_digest)
        try:
            yield run
        except BaseException as error:
            self.end_run(run, error.what if isinstance(error, ToolError) else type(error).__name__)
            raise
        self.end_run(run, "done")

    def record_step(self, run: str, number: int, name: str, started: str, result: str, facts: Facts) -> None:
        """Records one step of a run with its start, end, result and what it counted."""
        self._put(
            {
                "PK": f"RUN#{run}",
                "SK": f"STEP#{number:03}#{name}",
                "started": started,
                "ended": now(),
                "result": result,
                "facts": dict(facts),
            }
        )

    def steps(self, run: str) -> list[dict[str, Any]]:
        """The recorded steps of one run, in order."""
        return [dict(item) for item in self.records(f"RUN#{run}") if item["SK"] != "RUN"]

    def pause(self) -> None:
        """Asks whatever runs on this stack to stop at the next safe point."""
        self.put("CONTROL", "PAUSE", {"by": _who(), "at": now()})

    def resume(self) -> bool:
        """Takes the pause back. Returns whether there was one."""
        return self.remove("CONTROL", "PAUSE")

    def paused(self) -> Facts | None:
        """Who asked for a pause and when (`by`, `at`), or None."""
        return self.get("CONTROL", "PAUSE")

    def put(self, partition: str, sort: str, facts: Facts) -> None:
        """Writes one record; an older one is replaced."""
        self._put({"PK": partition, "SK": sort, **facts})

    def get(self, partition: str, sort: str) -> Facts | None:
        """One record, or None."""
        with translated_errors(self._config):
            try:
                found = self._client.get_item(TableName=self._table, Key=_key(partition, sort), ConsistentRead=True)
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    return None
                raise
        return self._facts(found["Item"]) if "Item" in found else None

    def remove(self, partition: str, sort: str) -> bool:
        """Deletes one record. Returns whether there was one."""
        with translated_errors(self._config):
            try:
                old = self._client.delete_item(TableName=self._table, Key=_key(partition, sort), ReturnValues="ALL_OLD")
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    return False
                raise
        return "Attributes" in old

    def records(self, partition: str, *, newest_first: bool = False) -> Iterator[Facts]:
        """The records of one partition in the order of their sort keys, a page in memory at a time."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
            ScanIndexForward=not newest_first,
        )
        with translated_errors(self._config):
            try:
                for page in pages:
                    yield from map(self._facts, page["Items"])
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise

    def _put(self, item: Mapping[str, Any]) -> None:
        with translated_errors(self._config):
            self._client.put_item(
                TableName=self._table, Item={name: self._serialize(value) for name, value in item.items()}
            )

    def _facts(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._deserialize(value) for name, value in item.items()}


def _key(partition: str, sort: str) -> dict[str, Any]:
    return {"PK": {"S": partition}, "SK": {"S": sort}}


def _who() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"
