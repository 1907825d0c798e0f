"""The pre-migration data set: deterministic, realistic, and with the awkward values that real tables hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Item = dict[str, dict[str, Any]]

SEED = 20251104
REPORTS = 2400
PEOPLE = 300
SUPPLIERS = 140
ISSUES = 1200
PROJECTS = 24
MANAGERS = 12
UNDATED_ISSUES = 2
STRAY_ISSUES = 1
"""Constraints items that name no project anywhere; with UNDATED_ISSUES, what the backfill has to report."""

_START = datetime(2025, 1, 6, 6, 0, tzinfo=UTC)
_NAMES = ("Ana Souza", "Zoë Krüger", "李小龙", "O'Neil, Pat", "Мария Иванова", "Søren Å. Ødegård", "🦺 Site Crew")
_WORDS = (
    "concrete",
    "rebar",
    "scaffold",
    "inspection",
    "delay",
    "crane",
    "permit",
    "façade",
    "水道",
    "Fußweg",
    "☔ rain",
)


def before_migration() -> dict[str, Callable[[], Iterator[Item]]]:
    """The items of each existing table, by the table's name in the schema."""
    return {"reports": _reports, "personnel": _personnel, "vendors": _vendors, "constraints": _constraints}


def _reports() -> Iterator[Item]:
    chance = random.Random(SEED)
    for number in range(REPORTS):
        created = _time(chance, number)
        item = {
            **_key(f"REPORT#rpt_{number:05}", "METADATA"),
            "project_id": _s(f"proj_{number % PROJECTS:03}"),
            "manager_id": _s(f"mgr_{number % MANAGERS:02}"),
            "report_date": _s(created[:10]),
            "summary": _s(_prose(chance, 320)),
            "weather": {"M": {"degrees": _n(chance.randint(-20, 40)), "notes": {"L": [_s("☀"), {"NULL": True}]}}},
        }
        if number % 7:
            item["createdAt"] = _s(created)
        # One in five was written by new code already; of those, half have only one of the two attributes.
        if number % 5 == 0:
            item["status"] = _s(chance.choice(("published", "draft", "review")))
            if number % 2 == 0:
                item["timestamp"] = _s(created)
        if number % 97 == 0:
            item.update(_awkward(chance))
        if number == 1234:
            item["photo"] = {"B": chance.randbytes(389_000)}
        yield item


def _personnel() -> Iterator[Item]:
    chance = random.Random(SEED + 1)
    for number in range(PEOPLE):
        partition_key = f"PERSON#per_{number:04}"
        item = {
            **_key(partition_key, "PROFILE"),
            "full_name": _s(f"{_NAMES[number % len(_NAMES)]} {number}"),
            "project_id": _s(f"proj_{number % PROJECTS:03}"),
            "phone": _s(f"+1 555 {number:07}"),
            "email": _s(f"person{number}@example.com"),
            "skills": {"SS": sorted(chance.sample(_WORDS, 3))},
        }
        if number % 3:
            item["createdAt"] = _s(_time(chance, number))
        if number % 4 == 0:
            item["updatedAt"] = _s(_time(chance, number + 500))
        if number % 11 == 0:
            item["status"] = _s("inactive")
        if number % 22 == 0:
            item["dateLastSeen"] = _s("2025-02-02")
        yield item
        # The newest record is seldom the last one by sort key: that starts with the report's id.
        for _ in range(chance.choice((0, 0, 3, 7, 12))):
            report = chance.randrange(REPORTS)
            yield {
                **_key(partition_key, f"HISTORY#rpt_{report:05}#{_record_time(chance)}"),
                "role": _s(chance.choice(_WORDS)),
                "hours": _n(f"{chance.randint(1, 12)}.{chance.randint(0, 99):02}"),
                "notes": _s(_prose(chance, 40)),
            }


def _vendors() -> Iterator[Item]:
    chance = random.Random(SEED + 2)
    for number in range(SUPPLIERS):
        partition_key = f"VENDOR#ven_{number:04}"
        item = {
            **_key(partition_key, "PROFILE"),
            "company_name": _s(f"{chance.choice(_WORDS).title()} & Søns {number}"),
            "contacts": {"L": [{"M": {"name": _s(_NAMES[number % len(_NAMES)]), "primary": {"BOOL": True}}}]},
        }
        if number % 3 == 0:
            item["vendorType"] = _s(chance.choice(("subcontractor", "rental", "supplier")))
        if number % 7 == 0:
            item["vendor_type"] = _s("inspector")
        if number % 2:
            item["createdAt"] = _s(_time(chance, number))
        yield item
        for _ in range(chance.choice((0, 2, 6, 9))):
            report = chance.randrange(REPORTS)
            yield {
                **_key(partition_key, f"DELIVERY#rpt_{report:05}#{_record_time(chance)}"),
                "quantity": _n(chance.randint(1, 10**6)),
                "checksum": {"B": chance.randbytes(32)},
            }


def _constraints() -> Iterator[Item]:
    chance = random.Random(SEED + 3)
    for number in range(ISSUES):
        project = f"proj_{number % PROJECTS:03}"
        found = _time(chance, number)
        item = {
            **_key(f"PROJECT#{project}", f"CONSTRAINT#con_{number:05}"),
            "category": _s(chance.choice(("safety", "weather", "material", "labor"))),
            "dateIdentified": _s(found[:10]),
            "status": _s(chance.choice(("open", "resolved"))),
            "severity": _s(chance.choice(("low", "medium", "high"))),
            "details": _s(_prose(chance, 350)),
        }
        if number >= UNDATED_ISSUES:
            item["reportDate"] = _s(found[:10])
        if number % 3:
            item["projectId"] = _s(project)
        if number % 8 == 0 and number >= UNDATED_ISSUES:
            item["project_id"] = _s(project)
        yield item
    for number in range(STRAY_ISSUES):
        yield {
            **_key(f"UNFILED#{number}", f"CONSTRAINT#con_{ISSUES + number:05}"),
            "category": _s("safety"),
            "dateIdentified": _s("2025-03-03"),
            "status": _s("open"),
            "severity": _s("high"),
            "reportDate": _s("2025-03-03"),
        }


def _awkward(chance: random.Random) -> Item:
    """Legal values that a careless copy loses: every type, deep nesting, 38 digits, odd attribute names."""
    return {
        "big": _n("12345678901234567890123456789012345678"),
        "small": _n("-1.2345678901234567890123456789012345678E-100"),
        "raw": {"B": chance.randbytes(64)},
        "raws": {"BS": [b"\x00\xff", b"\x01"]},
        "levels": {"NS": ["-3", "0", "2.5"]},
        "empty text": _s(""),
        "empty list": {"L": []},
        "empty map": {"M": {}},
        "nothing": {"NULL": True},
        "has#odd:name.": {"BOOL": False},
        "deep": {"M": {"a": {"L": [{"M": {"b": {"L": [{"M": {"ключ": _s("ценность\n\t\u200d")}}]}}}]}}},
    }


def _key(partition_key: str, sort_key: str) -> Item:
    return {"PK": _s(partition_key), "SK": _s(sort_key)}


def _s(value: str) -> dict[str, Any]:
    return {"S": value}


def _n(value: int | str) -> dict[str, Any]:
    return {"N": str(value)}


def _time(chance: random.Random, number: int) -> str:
    time = _START + timedelta(hours=3 * number, minutes=chance.randint(0, 59))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _record_time(chance: random.Random) -> str:
    """A record's time, in the forms that three generations of writers left behind."""
    time = _START + timedelta(minutes=chance.randint(0, 400_000))
    style = chance.randrange(3)
    if style == 0:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ")
    if style == 1:
        return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{chance.randint(0, 999):03}Z"
    return (time + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")


def _prose(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words))
