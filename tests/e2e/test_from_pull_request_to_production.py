"""A change on its way from a pull request over staging to prod: the very scripts of the workflows, on two local stacks
of examples/orders. Days pass by a moved clock; no setting is lowered for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.checkouts import Checkout
from tests.github_server import GitHubServer, github_server
from tests.moved_clock import MovedClock
from tests.pipeline import Pipeline, Ran

STAGING, PROD = "local-staging", "local-prod"
RETIRED = "orders/ByState"
PROMOTION = """\
  orders:promotesFrom:
    stack: local-staging
    cleanHours: 24
"""
CHECKS = """\
  orders:checks:
    integration: python -c "print('all passed')"
"""
OVERRIDE = """\
  orders:overrides:
    - rule: load-test
      reason: latency on a test's machine says nothing
      by: ana
      at: "2026-01-01"
      commit: {commit}
"""


@dataclass
class Team:
    """The team's repository, with its two stacks, its jobs and the clock."""

    pipeline: Pipeline
    clock: MovedClock
    github: GitHubServer

    @property
    def folder(self) -> Path:
        return self.pipeline.checkout.path

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a task, and all that it printed."""
        done = self.pipeline.checkout.shell(["./invoke", *arguments])
        return done.returncode, done.stdout + done.stderr

    def indexes(self, table: str) -> set[str]:
        """The names of a table's indexes, as AWS has them."""
        described = self.pipeline.checkout.client.describe_table(TableName=table)["Table"]
        return {index["IndexName"] for index in described["GlobalSecondaryIndexes"]}

    def open_pull_request(self, number: int, title: str) -> None:
        """Commits what the working tree holds on a branch of its own."""
        self.pipeline.git("switch", "-qc", f"pull-{number}")
        self.pipeline.commit(title)
        self.pipeline.pull_request = number
        self.github.files[number] = self.pipeline.git("diff", "--name-only", "main", "HEAD").splitlines()

    def merge(self) -> None:
        """Merges the open pull request."""
        number, self.pipeline.pull_request = self.pipeline.pull_request, None
        assert number is not None
        self.pipeline.git("switch", "-q", "main")
        self.pipeline.git("merge", "-q", "--ff-only", f"pull-{number}")
        del self.github.files[number]


def write_stack_files(folder: Path, port: int, commit: str) -> None:
    """Two stacks made of the local one's file. Neither approves a removal yet. `commit` is that of the code."""
    text = (folder / "Pulumi.local.yaml").read_text(encoding="utf-8").replace("127.0.0.1:5996", f"127.0.0.1:{port}")
    approvals = text[text.index("  orders:approvals:\n") : text.index("encryptionsalt:")]
    text = text.replace(approvals, "")
    of_staging = CHECKS + OVERRIDE.format(commit=commit)
    for stack, prefix, more in ((STAGING, "shop-staging-", of_staging), (PROD, "shop-prod-", PROMOTION)):
        made = text.replace("tablePrefix: shop-\n", f"tablePrefix: {prefix}\n{more}")
        file = folder / f"Pulumi.{stack}.yaml"
        file.write_text(made.replace("Stack: local", f"Stack: {stack}"), encoding="utf-8")


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    clock = MovedClock(tmp_path / "clock")
    whole = Checkout.make(tmp_path / "checkout")
    checkout = replace(whole, path=whole.path / "examples" / "orders", environment=clock.environment)
    with github_server() as github:
        pipeline = Pipeline(checkout, github, tmp_path / "runner")
        try:
            pipeline.git("init", "-q", "-b", "main", str(whole.path))
            pipeline.commit("The team's tables")
            write_stack_files(checkout.path, checkout.port, pipeline.git("rev-parse", "HEAD"))
            pipeline.commit("Two stacks")
            yield Team(pipeline, clock, github)
        finally:
            checkout.shell(["./invoke", "local.down"])
            left_over = checkout.processes()
            for process in left_over:
                process.kill()
            assert left_over == []


def deletions(ran: Ran) -> list[str]:
    """The tables and indexes that the change document of a job says would be deleted or replaced."""
    return [change["resource"] for change in ran.change["changes"] if change["loses"] and "Alarm" not in change["type"]]


def test_a_change_goes_from_a_pull_request_over_staging_to_production(team: Team) -> None:
    job, github = team.pipeline.job, team.github

    # A pull request shows what would be done, in one comment for each stack.
    (team.folder / "NOTES.md").write_text("The new indexes.\n", encoding="utf-8")
    team.open_pull_request(7, "The new indexes")
    shown = job("pull-request", "preview", "staging")
    assert shown.codes == {"Preview": 3, "Comment": 0, "Conclude": 0}
    # All is safe; the old index waits for an approval.
    assert (shown.change["verdict"], deletions(shown)) == ("waiting", [])
    job("pull-request", "preview", "staging")
    (comment,) = github.bodies(7)
    assert comment.startswith(f"<!-- keyshift: orders/{STAGING} -->")
    assert "builds 2 new indexes" in comment
    team.merge()

    # Staging is migrated. Its old index waits for an approval, which holds up nothing.
    migrated = job("migrate", "staging")
    assert migrated.outputs["migrate"] == {"steps": "17", "read-ready": "true", "exit-code": "3"}
    assert github.checks[-1]["conclusion"] == "neutral"

    # Prod is refused: nothing is attested. Staging is not attested yet: its bake time runs.
    code, printed = team.run("migrate", "--stack", PROD)
    assert code == 4
    assert f"Stack {PROD} promotes from stack {STAGING}, which has no matching attestation." in printed
    assert job("migrate", "checks").codes == {"The application's own checks": 0}
    assert job("migrate", "attest").codes == {"Attest": 3, "Conclude": 0}
    assert github.checks[-1]["conclusion"] == "neutral"
    team.clock.move(timedelta(hours=25))
    attested = job("migrate", "attest")
    assert attested.codes == {"Attest": 0, "Conclude": 0}
    assert attested.outputs["attest"]["commit"] == team.pipeline.git("rev-parse", "HEAD")

    # Promoted. The old index of prod waits at its gate.
    code, printed = team.run("promote", "--from", STAGING, "--to", PROD, "--yes", "--no-watch")
    assert code == 3, printed
    assert "ByState" in team.indexes("shop-prod-orders")
    assert "ByFulfilment" in team.indexes("shop-prod-orders")

    # A pull request approves its removal, and shows the deletion of just that index.
    person = ("--by", "Ana", "--application-updated", "--tests-passed")
    assert team.run("approve", "--stack", PROD, "--table", "orders", "--index", "ByState", *person)[0] == 0
    team.open_pull_request(8, "Remove an index that nobody reads")
    approval = job("pull-request", "preview", "prod")
    assert approval.codes == {"Preview": 0, "Comment": 0, "Conclude": 0}
    assert (approval.change["verdict"], deletions(approval)) == ("safe", [RETIRED])
    assert [each["index"] for each in approval.change["approvals"]["added"]] == [RETIRED]
    assert RETIRED in github.bodies(8)[0]
    team.merge()

    # It is removed: what is attested is the code, and no code has changed.
    assert job("migrate", "prod").outputs["migrate"] == {"steps": "3", "read-ready": "true", "exit-code": "0"}
    assert team.indexes("shop-prod-orders") == {"ByCustomer", "ByFulfilment"}

    # The new commit is checked, and staging attested again.
    assert job("migrate", "attest").codes == {"Attest": 4, "Conclude": 4}
    assert job("migrate", "checks").codes == {"The application's own checks": 0}
    assert job("migrate", "attest").outputs["attest"]["commit"] == team.pipeline.git("rev-parse", "HEAD")
