"""Backfills, rollbacks, pause and resume, as a user runs them on the local stack, one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.checkouts import Checkout, running
from tests.limits import HANGS

REPORTS, CONSTRAINTS = "sitelogix-reports", "sitelogix-constraints"
LEDGER = "sitelogix-migration-ledger"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout whose local stack is up and not migrated."""
    with running(tmp_path_factory.mktemp("backfills") / "checkout") as made:
        yield made


def test_a_dry_run_counts_and_writes_nothing(checkout: Checkout) -> None:
    before = checkout.items(REPORTS)
    result = checkout.run("backfill", "--dry-run", "--table", "reports", "--json")
    assert result.returncode == 0
    found = json.loads(result.stdout)["tables"]["reports"]
    missing = [item for item in before.values() if not {"status", "timestamp"} <= set(item)]
    assert (found["scanned"], found["would_change"]) == (len(before), len(missing))
    assert 0 < len(found["examples"]) <= 5
    assert found["spread"]["GSI3-StatusIndex"]["top"]["published"] > 0.5
    assert checkout.items(REPORTS) == before
    assert LEDGER not in checkout.client.list_tables()["TableNames"]


def test_a_backfill_alone_can_be_rolled_back_and_is_then_planned_again(checkout: Checkout) -> None:
    before = checkout.items(CONSTRAINTS)
    filled = checkout.run("backfill", "--table", "constraints", "--json")
    assert filled.returncode == 0
    (backup, backfill) = json.loads(filled.stdout)["steps"]
    assert (backup["step"], backfill["step"]) == ("backup constraints", "backfill constraints")
    changed = backfill["facts"]["changed"]
    assert changed > 1000
    assert sum("project_id" in item for item in checkout.items(CONSTRAINTS).values()) > changed - 10
    violations = checkout.path / ".local" / "violations-local-constraints.jsonl"
    assert len(violations.read_text(encoding="utf-8").splitlines()) == 3
    assert violations.stat().st_mode & 0o077 == 0

    asked = checkout.run("rollback", "--backfill", "constraints")
    assert (asked.returncode, asked.stderr.splitlines()[0]) == (2, "Nothing was changed.")
    undone = checkout.run("rollback", "--backfill", "constraints", "--yes", "--json")
    assert json.loads(undone.stdout) == {"stack": "local", "table": "constraints", "back": changed, "kept": 0}
    assert checkout.items(CONSTRAINTS) == before
    steps = json.loads(checkout.run("plan", "--json").stdout)["steps"]
    assert {"backfill"} <= {step["action"] for step in steps if step["tables"] == ["constraints"]}
    again = checkout.run("rollback", "--backfill", "constraints", "--yes")
    assert (again.returncode, again.stderr.splitlines()[0]) == (4, "There is nothing to roll back on constraints.")


def test_a_pause_from_another_terminal_stops_a_backfill(checkout: Checkout) -> None:
    # At this rate it would take more than a minute.
    running = checkout.start("backfill", "--table", "reports", "--rate", "20", "--json")
    assert running.stderr is not None
    line = next(line for line in running.stderr if '"progress"' in line)
    progress = json.loads(line)
    assert progress["total"] == 2400
    assert {"done", "rate", "left", "changed", "raced", "skipped"} <= set(progress)
    assert checkout.run("pause").returncode == 0
    output, _ = running.communicate(timeout=HANGS)
    assert running.returncode == 3
    assert json.loads(output)["error"]["next"] == "Run: ./invoke resume --stack local"
    partly = sum("timestamp" in item for item in checkout.items(REPORTS).values())
    assert 0 < partly < 2000


def test_what_is_paused_stays_so_until_it_is_resumed(checkout: Checkout) -> None:
    before = checkout.items(REPORTS)
    refused = checkout.run("migrate")
    assert (refused.returncode, refused.stderr.splitlines()[-3]) == (3, "Stack local is paused.")
    assert checkout.items(REPORTS) == before
    resumed = checkout.run("resume", "--json")
    assert resumed.returncode == 0, resumed.stderr
    steps = {step["step"]: step["facts"] for step in json.loads(resumed.stdout)["steps"]}
    # Gone on with, so it is not begun again: what was scanned before the pause counts.
    assert steps["backfill reports"]["remaining"] == 0
    assert all({"status", "timestamp"} <= set(item) for item in checkout.items(REPORTS).values())


def test_after_the_index_is_built_its_backfill_is_not_rolled_back(checkout: Checkout) -> None:
    refused = checkout.run("rollback", "--backfill", "reports", "--yes")
    assert refused.returncode == 4
    assert "GSI3-StatusIndex is built on it" in refused.stderr


def test_a_check_finds_what_has_gone_stale_and_mends_it(checkout: Checkout) -> None:
    key = {"PK": {"S": "REPORT#rpt_00000"}, "SK": {"S": "METADATA"}}
    checkout.client.update_item(
        TableName=REPORTS,
        Key=key,
        UpdateExpression="SET createdAt = :new",
        ExpressionAttributeValues={":new": {"S": "2025-06-06T06:06:06Z"}},
    )
    found = json.loads(checkout.run("backfill", "--check", "--table", "reports", "--json").stdout)
    assert found["tables"]["reports"]["would_change"] == 1
    (example,) = found["tables"]["reports"]["examples"]
    assert (example["key"], example["values"]) == (key, {"timestamp": "2025-06-06T06:06:06Z"})
    mended = checkout.run("backfill", "--check", "--mend", "--table", "reports")
    assert "1 have gone stale, 1 of them mended" in mended.stdout
    item = checkout.client.get_item(TableName=REPORTS, Key=key)["Item"]
    assert item["timestamp"] == {"S": "2025-06-06T06:06:06Z"}


def test_an_index_and_the_new_tables_are_rolled_back_and_migrate_brings_them_again(checkout: Checkout) -> None:
    asked = checkout.run("rollback", "--table", "reports", "--index", "GSI3-StatusIndex")
    assert asked.returncode == 2
    assert asked.stderr.splitlines()[-5:-2] == [
        "Removes index reports/GSI3-StatusIndex. Items stay as they are; `migrate` builds it again.",
        "What reads it fails from then on: workflow queue.",
        "Nothing was changed.",
    ]
    done = checkout.run("rollback", "--table", "reports", "--index", "GSI3-StatusIndex", "--yes")
    assert (done.returncode, done.stdout.splitlines()[0].partition(" Run ")[0]) == (
        0,
        "Index reports/GSI3-StatusIndex is removed. AWS, Pulumi's state and the plan agree.",
    ), done.stderr
    removed = checkout.run("rollback", "--new-tables", "--yes", "--json")
    assert removed.returncode == 0, removed.stderr
    document = json.loads(removed.stdout)
    assert document["removed"] == ["work-logs", "ai-analysis-cache"]
    assert json.loads(checkout.run("history", "--json").stdout)["events"][0]["what"] == "rollback of the new tables"
    again = checkout.run("migrate", "--json")
    assert again.returncode == 0, again.stderr
    assert [step["step"] for step in json.loads(again.stdout)["steps"]] == document["ahead"]


def test_a_table_is_restored_beside_the_live_one_and_compared(checkout: Checkout) -> None:
    found = checkout.run("rollback", "--table", "reports", "--from-backup", "latest", "--yes", "--json")
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout)
    assert document["restored"] == f"{REPORTS}-restored"
    # What was filled since the backup, and what the test of stale values has changed.
    assert (document["compared"]["only_live"], document["compared"]["only_restored"]) == (0, 0)
    assert set(document["compared"]["attributes"]) == {"status", "timestamp", "createdAt"}
    assert {difference["what"] for difference in document["definition"]} >= {"stream", "index GSI3-StatusIndex"}
