"""`./invoke migrate --stack local` on the real engine, from the pre-migration tables to a verified result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from subprocess import CompletedProcess
from typing import Any

import psutil
import pytest

from sitelogix.tables import SITELOGIX
from tests.checkouts import Checkout
from tests.faults.undisturbed import Undisturbed, kept

EXISTING = ["sitelogix-constraints", "sitelogix-personnel", "sitelogix-reports", "sitelogix-vendors"]
NEW = ["sitelogix-ai-analysis-cache", "sitelogix-work-logs"]
INDEXES = {
    "sitelogix-reports": {
        "GSI1-ProjectIndex": ["project_id", "report_date"],
        "GSI2-ManagerIndex": ["manager_id", "report_date"],
        "GSI3-StatusIndex": ["status", "timestamp"],
    },
    "sitelogix-personnel": {"GSI1-NameIndex": ["full_name"], "GSI2-StatusIndex": ["status", "dateLastSeen"]},
    "sitelogix-vendors": {"GSI1-CompanyIndex": ["company_name"], "GSI2-TypeIndex": ["vendor_type", "dateLastSeen"]},
    "sitelogix-constraints": {
        "GSI1-CategoryIndex": ["category", "dateIdentified"],
        "GSI2-StatusIndex": ["status", "severity"],
        "GSI3-ProjectDateIndex": ["project_id", "report_date"],
    },
    "sitelogix-work-logs": {
        "GSI1-ProjectDateIndex": ["project_id", "report_date"],
        "GSI2-TeamIndex": ["team_id", "report_date"],
    },
    "sitelogix-ai-analysis-cache": {
        "GSI1-TypeIndex": ["analysisType", "createdAt"],
        "GSI2-ModelIndex": ["modelUsed", "createdAt"],
    },
}
ADDED = {
    "sitelogix-reports": {"status", "timestamp"},
    "sitelogix-personnel": {"status", "dateLastSeen"},
    "sitelogix-vendors": {"vendor_type", "dateLastSeen"},
    "sitelogix-constraints": {"project_id", "report_date"},
}
Items = dict[tuple[str, str], dict[str, Any]]


@dataclass
class Migrated:
    """One whole migration: the checkout, what was there before, and what the run printed."""

    checkout: Checkout
    stack_file: str
    plan: dict[str, Any]
    before: dict[str, Items]
    tables: dict[str, Any]
    result: CompletedProcess[str]
    _after: dict[str, Items] | None = None

    @property
    def after(self) -> dict[str, Items]:
        if self._after is None:
            self._after = {name: self.checkout.items(name) for name in EXISTING}
        return self._after

    def table(self, name: str) -> Any:
        return self.checkout.client.describe_table(TableName=name)["Table"]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    checkout = Checkout.make(tmp_path_factory.mktemp("local") / "checkout")
    try:
        with kept(tmp_path_factory) as place:
            stack_file = (checkout.path / "Pulumi.local.yaml").read_text(encoding="utf-8")
            assert checkout.shell(["./invoke", "local.up"]).returncode == 0
            plan = json.loads(checkout.run("plan", "--stack", "local", "--json").stdout)
            before = {name: checkout.items(name) for name in EXISTING}
            tables = {name: checkout.client.describe_table(TableName=name)["Table"] for name in EXISTING}
            result = checkout.shell(["./invoke", "migrate", "--stack", "local"])
            if result.returncode == 0:
                place.put(Undisturbed.of(checkout))
        yield Migrated(checkout, stack_file, plan, before, tables, result)
    finally:
        checkout.run("local.down")
        left_over = checkout.processes()
        checkout.clean_up()
        assert left_over == [], "processes were left behind"


def test_the_run_succeeds_and_prints_plan_progress_and_summary(migrated: Migrated) -> None:
    assert migrated.result.returncode == 0, migrated.result.stderr
    assert "Stack local: 34 steps to do." in migrated.result.stderr
    assert "[34/34] verify" in migrated.result.stderr
    assert "8 `pulumi up`" in migrated.result.stdout
    assert "14 indexes of 14: the migration plan's 15 is a sum error." in migrated.result.stdout


def test_the_plan_before_names_every_step(migrated: Migrated) -> None:
    actions = [step["action"] for step in migrated.plan["steps"]]
    assert {action: actions.count(action) for action in dict.fromkeys(actions)} == {
        "backup": 4,
        "adopt": 1,
        "backfill": 4,
        "create-index": 4,
        "verify-index": 8,
        "create-tables": 1,
        "settle-capacity": 1,
        "late-writers": 4,
        "shadow-read": 4,
        "read-index": 1,
        "remove-index": 1,
        "verify": 1,
    }


def test_there_are_six_tables_and_the_ledger(migrated: Migrated) -> None:
    names = migrated.checkout.client.list_tables()["TableNames"]
    assert sorted(names) == sorted([*EXISTING, *NEW, "sitelogix-migration-ledger"])


@pytest.mark.parametrize("name", INDEXES)
def test_every_index_is_active_with_its_required_keys_and_no_other_is_there(migrated: Migrated, name: str) -> None:
    indexes = migrated.table(name)["GlobalSecondaryIndexes"]
    assert {index["IndexStatus"] for index in indexes} == {"ACTIVE"}
    assert {index["Projection"]["ProjectionType"] for index in indexes} == {"ALL"}
    assert {index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]] for index in indexes} == INDEXES[
        name
    ]


@pytest.mark.parametrize("name", INDEXES)
def test_every_table_has_stream_recovery_and_deletion_protection(migrated: Migrated, name: str) -> None:
    table = migrated.table(name)
    backups: Any = migrated.checkout.client.describe_continuous_backups(TableName=name)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["DeletionProtectionEnabled"] is True
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_the_cache_expires_its_items(migrated: Migrated) -> None:
    expiry = migrated.checkout.client.describe_time_to_live(TableName="sitelogix-ai-analysis-cache")
    assert expiry["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


@pytest.mark.parametrize("name", NEW)
def test_new_tables_are_encrypted_and_tagged(migrated: Migrated, name: str) -> None:
    table = migrated.table(name)
    tags = migrated.checkout.client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Project": "SiteLogix", "Stack": "local"}


@pytest.mark.parametrize("name", EXISTING)
def test_an_adopted_table_keeps_its_capacity(migrated: Migrated, name: str) -> None:
    units = ("ReadCapacityUnits", "WriteCapacityUnits")
    before, after = migrated.tables[name], migrated.table(name)
    assert [after["ProvisionedThroughput"][unit] for unit in units] == [
        before["ProvisionedThroughput"][unit] for unit in units
    ]
    for index in after["GlobalSecondaryIndexes"]:
        assert [index["ProvisionedThroughput"][unit] for unit in units] == [5, 5], index["IndexName"]


def test_each_existing_table_has_one_backup_named_as_required(migrated: Migrated) -> None:
    backups = migrated.checkout.client.list_backups()["BackupSummaries"]
    day = f"{datetime.now(UTC):%Y%m%d}"
    assert sorted(backup["BackupName"] for backup in backups) == [f"{name}-pre-migration-{day}" for name in EXISTING]
    assert {backup["BackupStatus"] for backup in backups} == {"AVAILABLE"}


@pytest.mark.parametrize("name", EXISTING)
def test_every_attribute_that_was_there_is_unchanged_in_every_item(migrated: Migrated, name: str) -> None:
    before, after = migrated.before[name], migrated.after[name]
    assert set(after) == set(before)
    for key, item in before.items():
        assert {attribute: after[key].get(attribute) for attribute in item} == item
        assert set(after[key]) - set(item) <= ADDED[name]


def test_every_report_has_status_and_timestamp(migrated: Migrated) -> None:
    clocks = set()
    for key, item in migrated.after["sitelogix-reports"].items():
        before = migrated.before["sitelogix-reports"][key]
        assert item["status"] == before.get("status", {"S": "published"})
        if "timestamp" not in before and "createdAt" not in before:
            clocks.add(item["timestamp"]["S"])
        else:
            assert item["timestamp"] == before.get("timestamp", before.get("createdAt"))
    assert len(clocks) == 1, "one clock reading a run"
    assert clocks.pop().endswith("Z")


@pytest.mark.parametrize(("name", "prefix"), [("sitelogix-personnel", "HISTORY#"), ("sitelogix-vendors", "DELIVERY#")])
def test_every_profile_was_last_seen_on_the_day_of_its_newest_record(
    migrated: Migrated, name: str, prefix: str
) -> None:
    before = migrated.before[name]
    newest: dict[str, datetime] = {}
    for partition_key, sort_key in before:
        if sort_key.startswith(prefix):
            time = datetime.fromisoformat(sort_key.split("#")[2]).astimezone(UTC)
            newest[partition_key] = max(time, newest.get(partition_key, time))
    profiles = 0
    for (partition_key, sort_key), item in migrated.after[name].items():
        old = before[(partition_key, sort_key)]
        if sort_key != "PROFILE":
            assert item == old
            continue
        profiles += 1
        fallback: Any = old.get("updatedAt", old.get("createdAt", {"S": "2025-01-01"}))
        seen = newest[partition_key].date().isoformat() if partition_key in newest else fallback["S"]
        assert item["dateLastSeen"] == old.get("dateLastSeen", {"S": seen})
        if name == "sitelogix-personnel":
            assert item["status"] == old.get("status", {"S": "active"})
        else:
            assert item["vendor_type"] == old.get("vendor_type", old.get("vendorType", {"S": "supplier"}))
    assert profiles > 100


def test_every_constraint_with_a_source_has_project_and_date(migrated: Migrated) -> None:
    left_out = 0
    for (partition_key, sort_key), item in migrated.after["sitelogix-constraints"].items():
        old = migrated.before["sitelogix-constraints"][(partition_key, sort_key)]
        in_key = {"S": partition_key.removeprefix("PROJECT#")} if partition_key.startswith("PROJECT#") else None
        expected = {
            "project_id": old.get("project_id", old.get("projectId", in_key)),
            "report_date": old.get("report_date", old.get("reportDate")),
        }
        assert {name: item.get(name) for name in expected} == expected
        left_out += None in expected.values()
    assert left_out == 3


def test_the_ledger_has_every_step_with_start_end_result_and_counts(migrated: Migrated) -> None:
    (run,) = json.loads(migrated.checkout.run("history", "--json").stdout)["events"]
    assert (run["what"], run["result"]) == ("migrate", "done")
    assert run["facts"]["schema"] == SITELOGIX.digest
    assert run["facts"]["code"].startswith("sha256:")
    assert run["at"] <= run["ended"]
    steps = json.loads(migrated.checkout.run("history", "--run", run["id"], "--json").stdout)["steps"]
    assert [step["number"] for step in steps] == list(range(1, 35))
    assert {step["result"] for step in steps} == {"done"}
    assert all(step["began"] <= step["ended"] for step in steps)
    filled = next(step for step in steps if step["name"] == "backfill reports")
    assert filled["facts"]["scanned"] == 2400


def test_the_ledger_can_be_restored_to_any_moment_and_is_held_by_nobody(migrated: Migrated) -> None:
    ledger = "sitelogix-migration-ledger"
    backups: Any = migrated.checkout.client.describe_continuous_backups(TableName=ledger)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert ("CONTROL", "LEASE") not in migrated.checkout.items(ledger)


def test_the_stack_file_is_as_committed(migrated: Migrated) -> None:
    assert (migrated.checkout.path / "Pulumi.local.yaml").read_text(encoding="utf-8") == migrated.stack_file


def test_a_second_run_has_nothing_to_do_and_writes_nothing(migrated: Migrated) -> None:
    def everything() -> tuple[Any, Any]:
        ledger = migrated.checkout.items("sitelogix-migration-ledger")
        state = migrated.checkout.path / ".local" / "state"
        return ledger, {path: path.stat().st_mtime_ns for path in state.rglob("*") if path.is_file()}

    before = everything()
    result = migrated.checkout.run("migrate", "--stack", "local")
    assert result.returncode == 0
    assert result.stdout.startswith("Nothing to do: stack local is at schema")
    assert everything() == before


def test_a_narrowed_run_speaks_of_its_table_only(migrated: Migrated) -> None:
    result = migrated.checkout.run("migrate", "--table", "vendors")
    assert (result.returncode, result.stdout) == (0, "Nothing to do for vendors on stack local.\n")


def test_the_plan_after_is_empty(migrated: Migrated) -> None:
    plan = json.loads(migrated.checkout.run("plan", "--stack", "local", "--json").stdout)
    assert {finding["accepted"] for finding in plan.pop("lint")} == {"the migration plan asks for 5 write units"}
    assert plan == {"stack": "local", "steps": [], "blocked": [], "left_alone": [], "findings": []}


def test_the_preview_after_shows_no_change_and_writes_nothing(migrated: Migrated) -> None:
    state = migrated.checkout.path / ".local" / "state"
    before = {path: path.stat().st_mtime_ns for path in state.rglob("*")}
    result = migrated.checkout.run("preview", "--stack", "local")
    assert (result.returncode, result.stdout) == (0, "No change: Pulumi's state of stack local is as declared.\n")
    assert {path: path.stat().st_mtime_ns for path in state.rglob("*")} == before


def test_verify_and_status_agree(migrated: Migrated) -> None:
    checks = json.loads(migrated.checkout.run("verify", "--json").stdout)["checks"]
    states = json.loads(migrated.checkout.run("status", "--json").stdout)["states"]
    assert [check for check in checks if not check["holds"]] == []
    assert {state["state"] for state in states} == {"active", "read-ready", "retired"}
    ready = [state for state in states if state["index"] and state["state"] in {"active", "read-ready"}]
    assert len(ready) == SITELOGIX.index_count


def test_a_plain_pulumi_up_by_hand_declares_the_same_and_changes_nothing(migrated: Migrated) -> None:
    exports = 'eval "$(./invoke env --stack local)" && '

    def declared() -> dict[str, Any]:
        state = migrated.checkout.shell(["sh", "-c", exports + "pulumi stack export --stack local"])
        resources = json.loads(state.stdout)["deployment"]["resources"]
        return {resource["urn"]: (resource.get("inputs"), resource.get("resourceHooks")) for resource in resources}

    before = declared()
    up = "pulumi up --yes --skip-preview --expect-no-changes --stack local --non-interactive"
    result = migrated.checkout.shell(["sh", "-c", exports + up])
    assert result.returncode == 0, result.stdout + result.stderr
    assert declared() == before
    assert len(before) == 1 + 1 + 7 + 6 + 14 + 2 + 47, "stack, provider, components, tables, indexes, monitors, alarms"


def test_a_server_that_died_is_recognised_and_only_the_local_state_starts_afresh(migrated: Migrated) -> None:
    checkout = migrated.checkout
    another = checkout.path / ".local" / "another-stack"
    another.mkdir()
    (another / "state.json").write_text("{}", encoding="utf-8")
    neighbour = checkout.path / ".local" / "state" / ".pulumi" / "stacks" / "sitelogix" / "localish.json"
    neighbour.write_text("{}", encoding="utf-8")
    record = json.loads((checkout.path / ".local" / "server.json").read_text(encoding="utf-8"))
    server = psutil.Process(record["pid"])
    server.kill()
    server.wait(10)
    result = checkout.run("plan", "--json")
    assert result.returncode == 0, result.stderr
    assert "starting it and its Pulumi state afresh" in result.stderr
    assert json.loads(result.stdout)["steps"] == migrated.plan["steps"]
    assert (another / "state.json").exists()
    assert neighbour.exists()
