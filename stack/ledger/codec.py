"""Between a record and the attributes that the ledger's table holds of it.

A record is a frozen dataclass. Fields that stand in its key are marked with KEY and are not stored twice. Reading is
strict: an attribute that no field explains was written by another version of this tool, and is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from schema.clock import at_present
from schema.errors import Refused

KEY: Mapping[str, bool] = {"key": True}
"""Marks a field that stands in the record's key: `field(metadata=KEY)`."""
COMMON = frozenset({"PK", "SK", "run", "table"})
"""Attributes of any record: its key, the run that wrote it, and, for a reader of the table, the table that it is of."""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, kw_only=True)
class Record:
    """What all records have in common. OLD_NAMES gives the field for an attribute that older versions wrote."""

    OLD_NAMES: ClassVar[Mapping[str, str]] = {}


R = TypeVar("R", bound=Record)


def now() -> datetime:
    """The time in UTC, in whole seconds."""
    return at_present().replace(microsecond=0)


def written(time: datetime) -> str:
    """That time in UTC as ISO 8601 with whole seconds and `Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def attributes(record: Record) -> dict[str, Any]:
    """The attributes that are stored of a record. A field that holds its default is left out."""
    return {
        each.name: plain(value)
        for each in fields(record)
        if not each.metadata.get("key") and not _is_default(each, value := getattr(record, each.name))
    }


def decoded(kind: type[R], item: Mapping[str, Any], **key_fields: Any) -> R:
    """The record that an item holds. Raises Refused for one of another version, by the attribute's name."""
    stored = {kind.OLD_NAMES.get(name, name): value for name, value in item.items() if name not in COMMON}
    try:
        found: R = _adapter(kind).validate_python({**stored, **key_fields})
    except ValidationError as error:
        fault = error.errors()[0]
        raise Refused(
            f"The ledger's record {item.get('PK')} / {item.get('SK')} is not one that this version reads.",
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}.",
            "Use the version of this tool that wrote it: ./invoke history names the code of each run.",
        ) from None
    return found


def plain(value: Any) -> Any:
    """A value as DynamoDB's serializer takes it: times as text, fractions as decimals, tuples as lists,
    dataclasses as maps."""
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {written(name) if isinstance(name, datetime) else name: plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return value


def _adapter(kind: type[Record]) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


_ADAPTERS: dict[type[Record], TypeAdapter[Any]] = {}
"""Made once for each kind: making one takes milliseconds."""


def _is_default(each: Field[Any], value: Any) -> bool:
    return value is None or (each.default is not MISSING and value == each.default)
