"""The whole migration ends the same with the stand-in and with the plugin that KEYSHIFT_AWS_PLUGIN names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from stack.world.managed import INDEX_TYPE, TABLE_TYPE
from tests.checkouts import Checkout
from tests.conformance.lab import without_marks

PLUGIN = "KEYSHIFT_AWS_PLUGIN"


@pytest.mark.skipif(not os.environ.get(PLUGIN), reason="needs a real plugin: ./invoke conformance --plugin PATH")
def test_the_migration_ends_the_same_with_both_plugins(tmp_path: Path) -> None:
    assert ending(tmp_path / "real", os.environ[PLUGIN]) == ending(tmp_path / "stand-in", "")


def ending(directory: Path, plugin: str) -> dict[str, Any]:
    """What a migration with that plugin leaves: its summary, items, definitions, state inputs, and a clean preview."""
    checkout = Checkout.make(directory)
    # Without monitors: the real plugin's SDK speaks a protocol to CloudWatch that moto does not know. And without
    # alarms the gate of the retired index stays shut, so the run ends waiting.
    stack_file = checkout.path / "Pulumi.local.yaml"
    lines = stack_file.read_text(encoding="utf-8").splitlines(keepends=True)
    stack_file.write_text("".join(line for line in lines if "sns:" not in line), encoding="utf-8")
    environment = {PLUGIN: plugin}
    try:
        result = checkout.run("migrate", "--json", environment=environment)
        assert result.returncode == 3, result.stderr
        preview = json.loads(checkout.run("preview", "--json", environment=environment).stdout)
        exports = 'eval "$(./invoke env --stack local)" && pulumi stack export --stack local'
        state = json.loads(checkout.shell(["sh", "-c", exports], environment=environment).stdout)
        tables = [name for name in checkout.client.list_tables()["TableNames"] if "ledger" not in name]
        return {
            "steps": [step["step"] for step in json.loads(result.stdout)["steps"]],
            "preview": preview["changes"],
            "items": {name: without_clock(checkout.items(name)) for name in tables},
            "tables": {name: definition(checkout, name) for name in tables},
            "inputs": {
                one["urn"].rsplit("::", 1)[1]: without_marks(one["inputs"])
                for one in state["deployment"]["resources"]
                if one["type"] in {TABLE_TYPE, INDEX_TYPE}
            },
        }
    finally:
        checkout.run("local.down")
        checkout.clean_up()


def definition(checkout: Checkout, name: str) -> Any:
    """A table's definition without what is different each time: ARNs, ids, times."""
    table: Any = checkout.client.describe_table(TableName=name)["Table"]
    described = {
        key: value for key, value in table.items() if not key.startswith(("Table", "LatestStream", "Creation"))
    }
    described.get("SSEDescription", {}).pop("KMSMasterKeyArn", None)
    described["AttributeDefinitions"] = sorted(table["AttributeDefinitions"], key=str)
    described["GlobalSecondaryIndexes"] = sorted(table["GlobalSecondaryIndexes"], key=str)
    return json.loads(json.dumps(described, default=str))


def without_clock(items: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The items; a timestamp that came from the run's clock is as good as any other."""
    return {
        key: {name: value for name, value in item.items() if name != "timestamp" or "createdAt" in item}
        for key, item in items.items()
    }
