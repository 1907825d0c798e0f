"""Tables to read from both sides: a table of meetings by room, and a client that answers wrongly on purpose."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dynamo.reader import Reader
from dynamo.units import UNLIMITED
from local.stack import create_table, put_items
from migration.shadow.reads import shadow_reads
from migration.shadow.result import ShadowResult
from schema.model import AccessPattern, Index, Table
from schema.parts import Attribute, AttributeType, BillingMode, Projection
from tests.conftest import EmulatedStack
from tests.limits import EXPECTED

BY_ROOM = Index("ByRoom", Attribute("room"), Attribute("starts"))
MEETINGS = Table(
    "meetings", Attribute("PK"), Attribute("SK"), billing_mode=BillingMode.ON_DEMAND, indexes=(BY_ROOM,), existing=True
)
Query = Callable[..., Any]


def by_room(sort_type: AttributeType | None = AttributeType.STRING, projection: Projection | None = None) -> Table:
    """The table, with an index of another sort key type (None: no sort key) or projection."""
    starts = Attribute("starts", sort_type) if sort_type else None
    index = replace(BY_ROOM, sort_key=starts, projection=projection or Projection())
    return replace(MEETINGS, indexes=(index,))


def meeting(number: int, room: str = "blue", starts: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A meeting that starts in the order of its number, unless said otherwise."""
    key = {"PK": {"S": f"MEETING#{number % 97}"}, "SK": {"S": f"{number:05}"}}
    return {**key, "room": {"S": room}, "starts": starts or {"S": f"{number:05}"}, **more}


@dataclass
class Shadowed:
    """A table of meetings on an emulator."""

    stack: EmulatedStack
    table: Table = MEETINGS

    @property
    def physical(self) -> str:
        return self.stack.config.physical_name(self.table.name)

    def create(self, items: list[dict[str, Any]]) -> None:
        """The table with its index, then the items."""
        create_table(self.stack.client, self.physical, self.table)
        put_items(self.stack.client, self.physical, items)

    def create_before_its_index(self, items: list[dict[str, Any]]) -> None:
        """The table, then the items, then the index: it leaves out what does not fit."""
        client, index = self.stack.client, self.table.indexes[0]
        create_table(client, self.physical, replace(self.table, indexes=()))
        put_items(client, self.physical, items)
        keys = [*self.table.keys, *index.keys]
        definition: Any = {
            "IndexName": index.name,
            "KeySchema": [
                {"AttributeName": key.name, "KeyType": kind}
                for key, kind in zip(index.keys, ("HASH", "RANGE"), strict=False)
            ],
            "Projection": {"ProjectionType": index.projection.type.value},
        }
        client.update_table(
            TableName=self.physical,
            AttributeDefinitions=[{"AttributeName": key.name, "AttributeType": key.type.value} for key in keys],
            GlobalSecondaryIndexUpdates=[{"Create": definition}],
        )
        deadline = time.monotonic() + EXPECTED
        while True:
            (found,) = client.describe_table(TableName=self.physical)["Table"]["GlobalSecondaryIndexes"]
            if found["IndexStatus"] == "ACTIVE":
                return
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def read(self, *patterns: AccessPattern, client: Any = None, rate: float = UNLIMITED) -> ShadowResult:
        """Its shadow reads."""
        reader = Reader.paced(client or self.stack.client, self.physical, rate)
        return shadow_reads(reader, self.table, self.table.indexes[0], patterns, Silent())


class Silent:
    """Shows no progress."""

    def progress(self, done: int, total: int, text: str) -> None:
        """Nothing."""


class Tampered:
    """A client whose Query answers what `tamper` makes of each page's items, given the number of the query."""

    def __init__(self, client: Any, tamper: Callable[[list[dict[str, Any]], int], list[dict[str, Any]]]) -> None:
        self._client = client
        self._tamper = tamper
        self._queries = 0

    def query(self, **parameters: Any) -> Any:
        answer = self._client.query(**parameters)
        self._queries += 1
        return {**answer, "Items": self._tamper(list(answer["Items"]), self._queries)}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
