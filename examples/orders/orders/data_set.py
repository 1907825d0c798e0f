"""The items with which the local stack begins: always the same, with values that a careless copy would lose."""

from collections.abc import Callable, Iterator
from typing import Any

from orders.tables import REGIONS

Item = dict[str, dict[str, Any]]

CUSTOMERS = 240
ORDERS = 90
_COUNTRIES = tuple(REGIONS)
_STATES = ("sent", "sent", "returned", "new", "sent", "packed", "sent", "returned")
_NAMES = ("Ana Sousa", "Zoë Krüger", "Søren Ødegård", "Ștefan Șerban", "O'Neil, Pat", "王小明")


def before_migration() -> dict[str, Callable[[], Iterator[Item]]]:
    """The items of each existing table, by its name in the schema."""
    return {"customers": _customers, "orders": _lines}


def _customers() -> Iterator[Item]:
    for number in range(CUSTOMERS):
        item = {
            "customerId": _s(f"c-{number:04}"),
            "name": _s(f"{_NAMES[number % len(_NAMES)]} {number}"),
            "email": _s(f"customer{number}@example.com"),
            "country": _s(_COUNTRIES[number % len(_COUNTRIES)]),
        }
        if number % 4:
            item["createdAt"] = _s(_time(number))
        if number % 10 == 0:
            # Written by new code already; every other one has only one of the two attributes.
            item["region"] = _s("vip")
            if number % 20 == 0:
                item["joinedOn"] = _s("2024-12-31")
        if number % 60 == 7:
            item.update(_awkward())
        # Two of them can have no region: a number, and a country that no region has.
        if number == 101:
            item["country"] = {"N": "49"}
        if number == 102:
            item["country"] = _s("ATL")
        yield item


def _lines() -> Iterator[Item]:
    for number in range(ORDERS):
        for line in range(1 + number % 5):
            item = {
                "orderId": _s(f"o-{number:04}"),
                "line": {"N": ("-1", "0", "2.5", "1E+3", "12345678901234567890123456789012345678")[line]},
                "customerId": _s(f"c-{number * 7 % CUSTOMERS:04}"),
                "placedAt": _s(_time(number)),
                "price": {"N": f"{number}.{line}9"},
            }
            if number % 9:
                item["state"] = _s(_STATES[(number + line) % len(_STATES)])
            if number % 15 == 0:
                item["fulfilment"] = _s("parked")
            yield item
    # A line that nobody can date.
    yield {"orderId": _s("o-undated"), "line": {"N": "1"}, "customerId": _s("c-0000"), "state": _s("new")}


def _awkward() -> Item:
    return {
        "empty text": _s(""),
        "nothing": {"NULL": True},
        "small": {"N": "-1.2345678901234567890123456789012345678E-100"},
        "raw": {"B": b"\x00\xff"},
        "tags": {"SS": ["a", "ß"]},
        "has#odd:name.": {"M": {"list": {"L": [{"BOOL": False}, _s("☔")]}}},
    }


def _time(number: int) -> str:
    return f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:30:00Z"


def _s(value: str) -> dict[str, Any]:
    return {"S": value}
