"""`examples/orders`, a second project on the same code: its whole local migration, from its own folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from orders.data_set import before_migration
from tests.checkouts import Checkout

PORT = "127.0.0.1:5996"
INDEXES = {
    "shop-customers": {"ByEmail": ["email"], "ByRegion": ["region", "joinedOn"]},
    "shop-orders": {"ByCustomer": ["customerId", "placedAt"], "ByFulfilment": ["fulfilment", "placedOn"]},
    "shop-shipments": {"ByCarrier": ["carrier", "weight"]},
}
REGIONS = {"alps": "AT CH", "central": "DE PL", "north": "DK SE", "south": "ES PT", "west": "FR IE", "east": "CZ HU"}
REGION_OF = {country: region for region, countries in REGIONS.items() for country in countries.split()}
OPEN = {"new", "packed"}
Item = dict[str, dict[str, Any]]


@dataclass
class Migrated:
    """The migrated project: its own folder as a checkout, the tool's folder, and what the run printed."""

    checkout: Checkout
    tool: Path
    first: CompletedProcess[str]
    days: set[str]

    def run(self, *arguments: str) -> CompletedProcess[str]:
        """Runs the project's own `./invoke`."""
        return self.checkout.shell(["./invoke", *arguments])

    def items(self, table: str, *keys: str) -> dict[tuple[str, ...], Item]:
        """Every item of a physical table by the values of its keys."""
        pages = self.checkout.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        items: list[Any] = [item for page in pages for item in page["Items"]]
        return {key_of(item, *keys): item for item in items}

    def table(self, name: str) -> Any:
        return self.checkout.client.describe_table(TableName=name)["Table"]

    def indexes(self, name: str) -> dict[str, Any]:
        return {index["IndexName"]: index for index in self.table(name)["GlobalSecondaryIndexes"]}


def key_of(item: Item, *keys: str) -> tuple[str, ...]:
    return tuple(next(iter(item[key].values())) for key in keys)


def before(table: str, *keys: str) -> dict[tuple[str, ...], Item]:
    """The items with which the local stack began."""
    return {key_of(item, *keys): item for item in before_migration()[table]()}


def today() -> str:
    return datetime.now(UTC).date().isoformat()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    whole = Checkout.make(tmp_path_factory.mktemp("second") / "checkout")
    checkout = replace(whole, path=whole.path / "examples" / "orders")
    stack_file = checkout.path / "Pulumi.local.yaml"
    text = stack_file.read_text(encoding="utf-8")
    assert text.count(PORT) == 6
    stack_file.write_text(text.replace(PORT, f"127.0.0.1:{whole.port}"), encoding="utf-8")
    try:
        began = today()
        first = checkout.shell(["./invoke", "migrate", "--stack", "local"])
        yield Migrated(checkout, whole.path, first, {began, today()})
    finally:
        checkout.shell(["./invoke", "local.down"])
        left_over = checkout.processes()
        checkout.clean_up()
        assert left_over == [], "processes were left behind"


def test_the_run_takes_the_stack_to_a_verified_result(migrated: Migrated) -> None:
    assert migrated.first.returncode == 0, migrated.first.stderr
    assert "Stack local: 19 steps to do." in migrated.first.stderr
    verified = migrated.run("verify", "--json")
    assert verified.returncode == 0, verified.stderr
    assert len(json.loads(verified.stdout)["checks"]) == 27


def test_a_second_run_has_nothing_to_do(migrated: Migrated) -> None:
    again = migrated.run("migrate", "--stack", "local")
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("Nothing to do: stack local is at schema ")
    assert "3 tables and 5 indexes, all verified." in again.stdout


@pytest.mark.parametrize("name", INDEXES)
def test_every_index_is_active_with_its_keys_and_no_other_is_there(migrated: Migrated, name: str) -> None:
    indexes = migrated.indexes(name)
    assert {index["IndexStatus"] for index in indexes.values()} == {"ACTIVE"}
    keys = {index: [key["AttributeName"] for key in found["KeySchema"]] for index, found in indexes.items()}
    assert keys == INDEXES[name]


def test_an_index_has_the_capacity_of_its_table_s_kind_and_its_projection(migrated: Migrated) -> None:
    region = migrated.indexes("shop-customers")["ByRegion"]
    assert region["Projection"]["ProjectionType"] == "INCLUDE"
    assert sorted(region["Projection"]["NonKeyAttributes"]) == ["email", "name"]
    fulfilment = migrated.indexes("shop-orders")["ByFulfilment"]
    assert fulfilment["Projection"] == {"ProjectionType": "ALL"}
    provisioned = fulfilment["ProvisionedThroughput"]
    assert (provisioned["ReadCapacityUnits"], provisioned["WriteCapacityUnits"]) == (5, 5)
    modes = {name: migrated.table(name)["BillingModeSummary"]["BillingMode"] for name in INDEXES}
    assert modes == {
        "shop-customers": "PAY_PER_REQUEST",
        "shop-orders": "PROVISIONED",
        "shop-shipments": "PAY_PER_REQUEST",
    }


def test_customers_get_exactly_their_region_and_the_day_on_which_they_joined(migrated: Migrated) -> None:
    old, new = before("customers", "customerId"), migrated.items("shop-customers", "customerId")
    assert new.keys() == old.keys()
    for key, item in old.items():
        country = item["country"].get("S")
        expected = {**item}
        if "region" not in item and country in REGION_OF:
            expected["region"] = {"S": REGION_OF[country]}
        if "joinedOn" not in item:
            created = item.get("createdAt", new[key]["joinedOn"])["S"]
            expected["joinedOn"] = {"S": created[:10]}
            assert "createdAt" in item or created in migrated.days
        assert new[key] == expected
    assert sorted(key for (key,), item in new.items() if "region" not in item) == ["c-0101", "c-0102"]


def test_order_lines_get_exactly_their_fulfilment_and_the_day_on_which_they_were_placed(migrated: Migrated) -> None:
    keys = ("orderId", "line")
    old, new = before("orders", *keys), migrated.items("shop-orders", *keys)
    assert new.keys() == old.keys()
    for key, item in old.items():
        expected = {**item}
        if "fulfilment" not in item:
            expected["fulfilment"] = {"S": "open" if item.get("state", {}).get("S", "new") in OPEN else "done"}
        if "placedAt" in item:
            expected["placedOn"] = {"S": item["placedAt"]["S"][:10]}
        assert new[key] == expected
    assert [key for key, item in new.items() if "placedOn" not in item] == [("o-undated", "1")]


def test_everything_of_it_lies_in_its_own_folder(migrated: Migrated) -> None:
    assert not (migrated.tool / ".local").exists()
    states = migrated.checkout.path / ".local" / "state" / ".pulumi" / "stacks"
    assert sorted(path.name for path in states.iterdir()) == ["orders"]
    names = migrated.checkout.client.list_tables()["TableNames"]
    assert sorted(names) == sorted([*INDEXES, "shop-migration-ledger"])


def test_it_has_the_tasks_for_a_stack_and_not_those_for_the_tool_itself(migrated: Migrated) -> None:
    listed = migrated.run("--list").stdout
    assert "migrate " in listed
    assert "conformance" not in listed


def test_an_error_names_the_project_s_own_file_and_namespace(migrated: Migrated) -> None:
    text = (migrated.checkout.path / "Pulumi.local.yaml").read_text(encoding="utf-8")
    wrong = migrated.checkout.path / "Pulumi.wrong.yaml"
    wrong.write_text(text.replace("orders:backfill", "orders:backfil"), encoding="utf-8")
    refused = migrated.run("plan", "--stack", "wrong")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[0] == "Pulumi.wrong.yaml: unknown config key orders:backfil."
    wrong.unlink()


def test_a_plain_pulumi_preview_by_hand_plans_no_change(migrated: Migrated) -> None:
    preview = "pulumi preview --expect-no-changes --stack local --non-interactive"
    result = migrated.checkout.shell(["sh", "-c", f'eval "$(./invoke env --stack local)" && {preview}'])
    assert result.returncode == 0, result.stdout + result.stderr
    assert "30 unchanged" in result.stdout


def test_the_last_a_rollback_removes_its_index_and_leaves_the_items(migrated: Migrated) -> None:
    items = migrated.items("shop-customers", "customerId")
    back = migrated.run("rollback", "--table", "customers", "--index", "ByRegion", "--yes")
    assert back.returncode == 0, back.stderr
    assert list(migrated.indexes("shop-customers")) == ["ByEmail"]
    assert migrated.items("shop-customers", "customerId") == items
    assert "`migrate` would now do: create-index customers/ByRegion, verify-index customers/ByRegion" in back.stdout
