"""The ledger: a DynamoDB table of the tool's own, outside the Pulumi stack, that holds what has been proven and done.

stack/ledger/records.py lists every kind of record in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from dynamo.errors import error_code
from schema.errors import Refused
from schema.references import Subject
from stack.aws import translated_errors
from stack.file.config import StackConfig
from stack.ledger.authors import Author
from stack.ledger.codec import attributes, decoded, now, plain
from stack.ledger.lease import Lease
from stack.ledger.proofs import Proofs, proof_of
from stack.ledger.records import STACK, LeastVersionProof, P, Pause, Proof, sort_key
from stack.ledger.table import cancellations, create_ledger, refuse_another, repeated
from stack.ledger.versions import greatest, is_too_old, too_old
from stack.processes import who

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Facts = Mapping[str, Any]
"""What is noted of a step or a run, for a reader: numbers, texts, lists and maps of them. Nothing is decided by it."""


class Ledger:
    """Reads and writes one stack's ledger, whose physical name is `table`. Reading works, and finds nothing, while
    there is no such table.

    While this process holds the `lease`, nothing is written any more once it is lost. `run` is the id of the run that
    is being recorded, and stands in all that it writes: its record says who (`author`), with which code and schema.
    """

    def __init__(self, client: DynamoDBClient, config: StackConfig) -> None:
        self.author = Author(who())
        self.lease = Lease(client, config, self.author)
        self.run: str | None = None
        self._client = client
        self._config = config
        self.table = config.ledger_name
        self._serialize = TypeSerializer().serialize
        self._deserialize = TypeDeserializer().deserialize

    def act_as(self, author: Author) -> None:
        """Says who it is whose doings are recorded from now on."""
        self.author = self.lease.author = author

    def create(self) -> None:
        """Makes the table if it is missing. Harmless to repeat. Raises Refused where its name is another table's."""
        with translated_errors(self._config):
            create_ledger(self._client, self.table, self._config.settings.tags)

    def proofs(self) -> Proofs:
        """Everything that has been proven. Raises Refused for a proof that this version does not understand, with the
        version that does where the ledger names one."""
        items = list(self.records("PROOF"))
        try:
            return Proofs.of(map(proof_of, items))
        except Refused as error:
            key = sort_key(LeastVersionProof, STACK)
            least = next((str(item.get("version")) for item in items if item["SK"] == key), None)
            if least is None or not is_too_old(least):
                raise
            raise too_old(self._config.stack, least) from error

    def needs_newer_code(self, proofs: Proofs) -> bool:
        """Whether only a newer version of this tool than this one may change the stack."""
        proof = proofs.get(LeastVersionProof, STACK)
        return proof is not None and is_too_old(proof.version)

    def refuse_older_code(self, proofs: Proofs) -> None:
        """Raises Refused where only a newer version of this tool may change the stack."""
        proof = proofs.get(LeastVersionProof, STACK)
        if proof is not None and is_too_old(proof.version):
            raise too_old(self._config.stack, proof.version)

    def refuse_by_hand(self) -> None:
        """Raises Refused for a change that is no run's, while a run is at work, or of an older version than needed."""
        self.lease.refuse_if_held()
        self.refuse_older_code(self.proofs())

    def note_version(self) -> None:
        """Has the ledger name the least version that may go on from here. Raises Refused where that is a newer one than
        this, LeaseLost."""
        proofs = self.proofs()
        self.refuse_older_code(proofs)
        proof = proofs.get(LeastVersionProof, STACK)
        noted = proof.version if proof is not None else None
        if greatest(noted) != noted:
            self.prove(LeastVersionProof(subject=STACK, version=greatest(noted)))

    def proof(self, kind: type[P], subject: Subject) -> P | None:
        """One proof as it is now, or None."""
        item = self.get("PROOF", sort_key(kind, subject))
        return decoded(kind, item, subject=subject) if item is not None else None

    def prove(self, proof: Proof) -> None:
        """Records a proof, with the time; an older one of its subject is replaced. Raises LeaseLost."""
        stamped = replace(proof, at=now())
        self._transact({"PK": "PROOF", "SK": proof.key, **attributes(stamped)}, {})

    def disprove(self, kind: type[Proof], subject: Subject) -> None:
        """Takes a proof back. Harmless when there is none."""
        self.remove("PROOF", sort_key(kind, subject))

    def append(self, partition: str, sort: str, facts: Facts) -> None:
        """Writes a record that is never changed again. Raises LeaseLost."""
        self._transact({"PK": partition, "SK": sort, **facts}, {"ConditionExpression": "attribute_not_exists(PK)"})

    def pause(self) -> None:
        """Asks whatever runs on this stack to stop at the next safe point."""
        self.put("CONTROL", "PAUSE", attributes(Pause(by=self.author.by, at=now())))

    def resume(self) -> bool:
        """Takes the pause back. Returns whether there was one."""
        return self.remove("CONTROL", "PAUSE")

    def paused(self) -> Pause | None:
        """Who asked for a pause and when, or None."""
        item = self.get("CONTROL", "PAUSE")
        return decoded(Pause, item) if item is not None else None

    def put(self, partition: str, sort: str, facts: Facts) -> None:
        """Writes one record; an older one is replaced. Raises LeaseLost."""
        self.lease.check()
        with translated_errors(self._config):
            self._client.put_item(TableName=self.table, Item=self._serialized({"PK": partition, "SK": sort, **facts}))

    def get(self, partition: str, sort: str) -> Facts | None:
        """One record, or None."""
        with translated_errors(self._config):
            try:
                found = self._client.get_item(TableName=self.table, Key=_key(partition, sort), ConsistentRead=True)
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    return None
                raise
        return self._facts(found["Item"]) if "Item" in found else None

    def remove(self, partition: str, sort: str) -> bool:
        """Deletes one record. Returns whether there was one. Raises LeaseLost."""
        self.lease.check()
        with translated_errors(self._config):
            try:
                old = self._client.delete_item(TableName=self.table, Key=_key(partition, sort), ReturnValues="ALL_OLD")
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    return False
                raise
        return "Attributes" in old

    def records(self, partition: str, *, newest_first: bool = False) -> Iterator[Facts]:
        """The records of one partition in the order of their sort keys, a page in memory at a time."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self.table,
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
                if error_code(error) == "ValidationException":
                    refuse_another(self._client, self.table)
                if error_code(error) != "ResourceNotFoundException":
                    raise

    def _transact(self, item: Mapping[str, Any], condition: dict[str, Any]) -> None:
        """Writes one record and, in the same moment, makes sure that the lease is still ours, if it ever was."""
        self.lease.check()
        put: Any = {"Put": {"TableName": self.table, "Item": self._serialized(item), **condition}}
        fence: Any = self.lease.fence()
        request: Any = [fence, put] if fence else [put]
        with translated_errors(self._config):
            try:
                # It meets the renewal of the lease now and then.
                repeated("TransactionCanceledException", "TransactionConflict")(
                    self._client.transact_write_items, TransactItems=request
                )
            except ClientError as error:
                if fence and cancellations(error)[:1] == ["ConditionalCheckFailed"]:
                    self.lease.lose()
                    self.lease.check()
                raise

    def _serialized(self, item: Mapping[str, Any]) -> dict[str, Any]:
        written_by = {"run": self.run} if self.run else {}
        return {name: self._serialize(plain(value)) for name, value in {**item, **written_by}.items()}

    def _facts(self, item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._deserialize(value) for name, value in item.items()}


def _key(partition: str, sort: str) -> dict[str, Any]:
    return {"PK": {"S": partition}, "SK": {"S": sort}}
