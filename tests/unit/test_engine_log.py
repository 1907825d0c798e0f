"""What is kept of Pulumi's words: masked, and bounded in size and number."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pulumi.automation.events import OpType, StepEventMetadata

from migration.engine import log as engine_log
from migration.engine.log import FOLDER, MOST_RUNS, SECRET_VARIABLES, EngineLog, secrets_of
from migration.session.engine import change_of
from stack.allowed_changes import ResourceChange
from stack.file.config import StackConfig
from stack.world.managed import SUBSCRIPTION_TYPE, TABLE_TYPE
from tests.worlds import settings

HOOK = "https://hooks.example.com/services/T0/B0/let-anybody-post"


def kept(checkout: Path, run: str) -> str:
    return (checkout / FOLDER / f"{run}.log").read_text(encoding="utf-8")


def test_a_run_has_a_log_of_its_own_that_only_its_user_reads(tmp_path: Path) -> None:
    log = EngineLog(tmp_path, [])
    log.note("before any run")
    log.begin("run-1")
    log.note("Updating (local)")
    log.end()
    log.note("after it")
    assert kept(tmp_path, "run-1").rstrip().endswith("Z Updating (local)")
    assert len(kept(tmp_path, "run-1").splitlines()) == 1
    assert log.path == FOLDER / "run-1.log"
    assert stat.S_IMODE((tmp_path / FOLDER / "run-1.log").stat().st_mode) == 0o600


def test_secrets_keys_and_addresses_are_masked(tmp_path: Path) -> None:
    log = EngineLog(tmp_path, ["a-secret-of-ours", HOOK])
    log.begin("run")
    log.note(
        f"error: AKIAIOSFODNN7EXAMPLE with a-secret-of-ours cannot post to {HOOK}, "
        "tell ana.b+c@example.com of test-reports"
    )
    log.end()
    (line,) = kept(tmp_path, "run").splitlines()
    said = "error: [masked] with [masked] cannot post to [masked], tell [masked] of test-reports"
    assert line.partition(" ")[2] == said


def test_short_secrets_of_the_configuration_are_masked_and_dummy_credentials_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRET_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    config = StackConfig(
        stack="test",
        checkout=tmp_path,
        settings=settings(),
        region="us-east-1",
        project="sitelogix",
        secret_key="test",
        session_token="a-session-token",
        secrets=frozenset({"s3cr"}),
    )
    found = list(secrets_of(config, {"AWS_SECRET_ACCESS_KEY": "test", "PULUMI_ACCESS_TOKEN": "pul-0123456789"}))
    assert sorted(found) == ["a-session-token", "pul-0123456789", "s3cr"]


def test_a_change_of_a_subscription_that_is_named_after_its_address_does_not_show_it(tmp_path: Path) -> None:
    def change(type: str) -> ResourceChange | None:
        urn = f"urn:pulumi:prod::sitelogix::{type}::subscription/https/{HOOK}"
        step = StepEventMetadata(op=OpType.DELETE, urn=urn, type=type, provider="")
        return change_of(step, EngineLog(tmp_path, [HOOK]).masked)

    assert change(SUBSCRIPTION_TYPE) == ResourceChange("delete", "subscription/https/[masked]", SUBSCRIPTION_TYPE)
    # The names of tables are compared with the schema's.
    assert change(TABLE_TYPE) == ResourceChange("delete", f"subscription/https/{HOOK}", TABLE_TYPE)


def test_only_the_newest_logs_are_kept(tmp_path: Path) -> None:
    log = EngineLog(tmp_path, [])
    for number in range(MOST_RUNS + 5):
        log.begin(f"run-{number:03}")
        log.note("x")
    log.end()
    names = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert names == [f"run-{number:03}.log" for number in range(5, MOST_RUNS + 5)]


def test_a_log_is_no_longer_than_twice_its_bound_and_keeps_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_log, "MOST_BYTES", 1000)
    log = EngineLog(tmp_path, [])
    log.begin("run")
    for number in range(200):
        log.note(f"line {number}")
    log.end()
    files = sorted((tmp_path / FOLDER).iterdir())
    assert [path.name for path in files] == ["run.log", "run.log.1"]
    assert all(path.stat().st_size <= 1000 for path in files)
    assert kept(tmp_path, "run").rstrip().endswith("line 199")


def test_where_nothing_can_be_written_there_is_no_log_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / ".local").write_text("a file", encoding="utf-8")
    log = EngineLog(tmp_path, [])
    log.begin("run")
    log.note("x")
    log.end()
    assert log.path is None
