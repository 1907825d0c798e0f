"""The small parts of tables and indexes: key attributes, projections, capacity. Each refuses what DynamoDB could not
honour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MAXIMUM_INCLUDED_ATTRIBUTES = 20
"""Attributes that an INCLUDE projection may name (AWS service quota)."""


class SchemaError(ValueError):
    """A schema that cannot be: the message says what is wrong and where."""


def refuse_repeats(what: str, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise SchemaError(f"{what} {', '.join(repeated)} is named more than once")


class AttributeType(StrEnum):
    """The scalar types that a key attribute may have."""

    STRING = "S"
    NUMBER = "N"
    BINARY = "B"


class BillingMode(StrEnum):
    """How a table's capacity is paid for."""

    PROVISIONED = "PROVISIONED"
    ON_DEMAND = "PAY_PER_REQUEST"


class ProjectionType(StrEnum):
    """Which attributes an index copies from its table."""

    ALL = "ALL"
    KEYS_ONLY = "KEYS_ONLY"
    INCLUDE = "INCLUDE"


@dataclass(frozen=True)
class Attribute:
    """A key attribute: its name (1 to 255 bytes) and scalar type."""

    name: str
    type: AttributeType = AttributeType.STRING

    def __post_init__(self) -> None:
        if not 1 <= len(self.name.encode()) <= 255:
            raise SchemaError(f"key attribute {self.name!r}: a name is 1 to 255 bytes long")
        if not isinstance(self.type, AttributeType):
            raise SchemaError(f"key attribute {self.name}: its type is an AttributeType, not {self.type!r}")


@dataclass(frozen=True)
class Throughput:
    """Provisioned capacity in read and write units a second."""

    read: int
    write: int

    def __post_init__(self) -> None:
        if self.read < 1 or self.write < 1:
            raise SchemaError(f"capacity {self.read}/{self.write}: both figures are at least 1")


@dataclass(frozen=True)
class Projection:
    """What an index copies: everything, its keys only, or the keys and the named attributes."""

    type: ProjectionType = ProjectionType.ALL
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.type is ProjectionType.INCLUDE and not self.attributes:
            raise SchemaError("an INCLUDE projection names the attributes that it includes")
        if self.type is not ProjectionType.INCLUDE and self.attributes:
            raise SchemaError(f"a projection of {self.type} names no attributes, not {', '.join(self.attributes)}")
        if len(self.attributes) > MAXIMUM_INCLUDED_ATTRIBUTES:
            raise SchemaError(f"an INCLUDE projection names at most {MAXIMUM_INCLUDED_ATTRIBUTES} attributes")
        refuse_repeats("the projection", self.attributes)


EVERYTHING = Projection()
"""The projection of an index that copies all attributes."""
