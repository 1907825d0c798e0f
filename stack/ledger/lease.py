"""One run a stack: a lease in the ledger, which its holder keeps renewing, and a dead holder does not.

    A: put if absent ── renew ── renew ── (killed, or its laptop sleeps)
    B:        refused ──────── refused ───────────── lease over: put if still as last seen ── renew ──
    A:                                                                 (wakes up) check ── LeaseLost

Times are AWS's own, from the Date of its answers, so that clocks of machines may differ.

Record: PK `CONTROL`  SK `LEASE`
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from dynamo.errors import error_code
from schema.errors import LeaseLost, Refused, ToolError
from stack.aws import translated_errors
from stack.file.config import StackConfig
from stack.ledger.authors import Author
from stack.ledger.holder import Holder
from stack.ledger.table import refuse_another
from stack.processes import Process, host

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEY: dict[str, Any] = {"PK": {"S": "CONTROL"}, "SK": {"S": "LEASE"}}
RENEWALS = 4
"""Renewals within one lease: three may fail before it runs out."""
_NOT_HELD = {"ConditionalCheckFailedException", "ResourceNotFoundException"}
"""What AWS answers when the record is another's, or is gone with its table."""


class Lease:
    """The lease of one stack, taken by at most one run at a time, in the name of `author`. Safe to use from several
    threads. `on_lost` is told, by another thread, that it is another's, or was not renewed for as long as it lasts."""

    def __init__(self, client: DynamoDBClient, config: StackConfig, author: Author) -> None:
        self._client = client
        self.on_lost: Callable[[], None] = lambda: None
        self._config = config
        self.author = author
        self._table = config.ledger_name
        self._seconds = config.settings.lease_seconds
        self._lock = threading.Lock()
        self._own: Holder | None = None
        self._lost = False
        self._renewed = (0.0, 0.0)
        self._ahead = 0.0

    @property
    def token(self) -> str:
        """What the lease's record is known by while this process holds it; empty while it holds none."""
        return self._own.token if self._own else ""

    def holder(self) -> Holder | None:
        """Who holds the stack, whether alive or dead; None if nobody does. Raises ToolError."""
        with translated_errors(self._config):
            try:
                answer: Any = self._client.get_item(TableName=self._table, Key=KEY, ConsistentRead=True)
            except ClientError as error:
                if error_code(error) == "ValidationException":
                    refuse_another(self._client, self._table)
                if error_code(error) == "ResourceNotFoundException":
                    return None
                raise
        self._learn_time(answer)
        found = answer.get("Item")
        if found is None:
            return None
        return Holder.of(found)

    def is_over(self, holder: Holder) -> bool:
        """Whether the holder is dead: not renewed for a whole lease, or a process of this machine that has ended."""
        return holder.process.is_gone or self._now() - holder.renewed > holder.seconds

    def refuse_if_held(self) -> None:
        """Raises Refused, with who holds it and how to break it, while somebody does."""
        found = self.holder()
        if found is not None and not self.is_over(found):
            raise self._refusal(found)

    def refusal(self) -> Refused:
        """What others are told while this process holds the lease."""
        return self._refusal(self._own)

    @contextmanager
    def held(self, command: str) -> Iterator[Holder | None]:
        """Takes the lease, renews it while the block runs, and gives it back. Gives the dead holder that it was taken
        over from, if there was one. Raises Refused when somebody else holds it."""
        before = self._take(command)
        ended = threading.Event()
        renewing = threading.Thread(target=self._keep_renewing, args=(ended,), daemon=True)
        renewing.start()
        try:
            yield before
        finally:
            ended.set()
            renewing.join()
            self._give_back()

    def check(self) -> None:
        """Raises LeaseLost unless this process still holds the lease, or holds none. Goes before each write: it costs a
        request only when the last renewal is long ago, as after a sleep."""
        if self._own is None:
            return
        with self._lock:
            if not self._lost and self._age() > self._seconds / 2:
                self._renew()
            if self._lost:
                raise LeaseLost(
                    f"This run has lost its lease on stack {self._config.stack}.",
                    "It did not renew its lease in time, or somebody broke it; another run may be at work. "
                    "It writes nothing more.",
                    f"Run: ./invoke history --stack {self._config.stack}",
                )

    def fence(self) -> dict[str, Any] | None:
        """The part of a transaction that fails it once the lease is not ours; None while this process holds none."""
        if self._own is None:
            return None
        return {"ConditionCheck": {"TableName": self._table, "Key": KEY, **_while_held_by(self._own.token)}}

    def lose(self) -> None:
        """Notes that the lease is another's now."""
        self._lost = True

    def break_it(self, held: Holder) -> bool:
        """Takes the lease from that holder, who finds out at its next renewal at the latest. Returns whether it still
        had it."""
        with translated_errors(self._config):
            return self._delete(held.token)

    def _take(self, command: str) -> Holder | None:
        before = self.holder()
        if before is not None and not self.is_over(before):
            raise self._refusal(before)
        now, began = self._now(), _clocks()
        own = Holder(
            token=secrets.token_hex(8),
            revision=secrets.token_hex(4),
            command=command,
            author=self.author,
            since=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            renewed=now,
            seconds=self._seconds,
            process=Process.current(),
        )
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(PK)"}
        if before is not None:
            condition = _while_held_by(before.token, revision=before.revision)
        with translated_errors(self._config):
            try:
                self._client.put_item(TableName=self._table, Item={**KEY, **own.record()}, **condition)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                # Refused by our own record, if the answer to the first try of this request was lost.
                found = self.holder()
                if found is None or found.token != own.token:
                    raise self._refusal(found or before) from None
        self._own, self._lost, self._renewed = own, False, began
        return before

    def _keep_renewing(self, ended: threading.Event) -> None:
        while not ended.wait(self._seconds / RENEWALS):
            # An unanswered renewal is repeated at the next turn; `check` decides what may still be written.
            with suppress(ToolError, ClientError, BotoCoreError), self._lock:
                self._renew()
            if self._lost or self._age() > self._seconds:
                self.on_lost()
            if self._lost:
                return

    def _renew(self) -> None:
        assert self._own is not None
        began = _clocks()
        renewed = {":renewed": {"N": f"{self._now():.3f}"}, ":new": {"S": secrets.token_hex(4)}}
        condition = _while_held_by(self._own.token)
        condition["ExpressionAttributeValues"] |= renewed
        with translated_errors(self._config):
            try:
                answer: Any = self._client.update_item(
                    TableName=self._table,
                    Key=KEY,
                    UpdateExpression="SET renewed = :renewed, revision = :new",
                    **condition,
                )
            except ClientError as error:
                if error_code(error) not in _NOT_HELD:
                    raise
                self._lost = True
                return
        self._learn_time(answer)
        self._renewed = began

    def _give_back(self) -> None:
        own, self._own = self._own, None
        assert own is not None
        # Whatever ended the run matters more; unreturned, the lease runs out by itself.
        with suppress(ClientError, BotoCoreError):
            self._delete(own.token)

    def _delete(self, token: str) -> bool:
        try:
            self._client.delete_item(TableName=self._table, Key=KEY, **_while_held_by(token))
        except ClientError as error:
            if error_code(error) not in _NOT_HELD:
                raise
            return False
        return True

    def _refusal(self, holder: Holder | None) -> Refused:
        stack = self._config.stack
        if holder is None:
            return Refused(
                f"Another run took stack {stack} in this moment.",
                "One run at a time.",
                f"Run: ./invoke status --stack {stack}",
            )
        silent = max(0, round(self._now() - holder.renewed))
        here = holder.author.by.endswith(f"@{host()}")
        where = f", process {holder.process.pid}" if here else ""
        job = f" Its job: {holder.author.job}" if holder.author.job else ""
        return Refused(
            f"Another run is at work on stack {stack}: {holder.command}, by {holder.who}{where}, since {holder.since}.",
            f"Its lease was renewed {silent} s ago, and runs out by itself after {holder.seconds} s without renewal."
            f"{job}",
            f"Wait for it, or stop it: ./invoke pause --stack {stack}. "
            f"If it is dead and that is too long: ./invoke unlock --stack {stack}",
        )

    def _learn_time(self, answer: Mapping[str, Any]) -> None:
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date:
            self._ahead = parsedate_to_datetime(date).timestamp() - time.time()

    def _now(self) -> float:
        """AWS's time: seconds since 1970."""
        return time.time() + self._ahead

    def _age(self) -> float:
        """Seconds since the last renewal was asked for, by whichever clock says more: one may have stood still."""
        return max(now - then for now, then in zip(_clocks(), self._renewed, strict=True))


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.time()


def _while_held_by(token: str, **unchanged: str) -> dict[str, Any]:
    """The condition that the record is still that holder's, and has these other texts."""
    texts = {"token": token, **unchanged}
    return {
        "ConditionExpression": " AND ".join(f"#{name} = :{name}" for name in texts),
        "ExpressionAttributeNames": {f"#{name}": name for name in texts},
        "ExpressionAttributeValues": {f":{name}": {"S": text} for name, text in texts.items()},
    }
