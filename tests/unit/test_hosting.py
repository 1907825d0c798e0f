"""The tasks with which a job tells GitHub how another task ended, against a stand-in for GitHub's API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hosting.outputs import tell
from migration.change.document import Change, PlannedChange
from migration.plan.result import Blocked
from migration.promotion.attesting import Attested
from migration.run.runner import FinishedStep, Summary
from migration.steps.stack.wait import Wait
from schema.references import IndexRef
from sitelogix.tables import SITELOGIX
from stack.ledger.records import AttestationProof
from stack.promotion.rules import Judged
from terminal.main import Invoke, main
from terminal.results.change import ChangeResult
from terminal.results.plan import RunResult
from terminal.results.promotion import AttestResult
from tests.github_server import PERSON, REPOSITORY, TOKEN, GitHubServer, github_server

CHECKOUT = Path(__file__).resolve().parents[2]
HEAD, MERGE = "a" * 40, "b" * 40
MARK = "<!-- keyshift: sitelogix/staging -->"
JOB = f"https://github.com/{REPOSITORY}/actions/runs/99"
FOOT = f"*Done, or nothing to do (exit code 0). Made of commit {HEAD[:12]} by [this job]({JOB}).*"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with github_server() as server:
        yield server


@pytest.fixture(autouse=True)
def job(github: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a job for pull request 7; the folder holds its files."""
    event = {"pull_request": {"number": 7, "head": {"sha": HEAD}, "base": {"ref": "main"}}}
    (tmp_path / "event.json").write_text(json.dumps(event), encoding="utf-8")
    (tmp_path / "change.md").write_text("## Stack staging\nsafe\n", encoding="utf-8")
    variables = {
        "TOKEN": TOKEN,
        "API_URL": github.url,
        "REPOSITORY": REPOSITORY,
        "SHA": MERGE,
        "SERVER_URL": "https://github.com",
        "RUN_ID": "99",
        "EVENT_PATH": str(tmp_path / "event.json"),
        "WORKSPACE": str(CHECKOUT),
        "STEP_SUMMARY": str(tmp_path / "summary.md"),
        "OUTPUT": str(tmp_path / "output"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    monkeypatch.setattr("hosting.github.FIRST_WAIT_SECONDS", 0.0)
    monkeypatch.chdir(CHECKOUT)
    return tmp_path


def ran(*arguments: str | Path) -> int:
    """The exit code of a task."""
    try:
        Invoke(name="./invoke", binary="./invoke").run(["./invoke", *map(str, arguments)])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def commented(job: Path, *more: str, code: str = "0") -> int:
    return ran("github.comment", "--stack", "staging", "--file", job / "change.md", "--code", code, *more)


class TestComment:
    def test_a_stack_s_first_comment_is_made(self, github: GitHubServer, job: Path) -> None:
        assert commented(job) == 0
        assert github.bodies(7) == [f"{MARK}\n\n## Stack staging\nsafe\n\n\n{FOOT}\n"]

    def test_the_next_one_takes_its_place_also_behind_hundreds_of_others(self, github: GitHubServer, job: Path) -> None:
        for number in range(250):
            github.comment(7, f"comment {number}", PERSON)
        mine = github.comment(7, f"{MARK}\nwhat was")
        assert commented(job) == 0
        assert len(github.comments[7]) == 251
        assert github.comments[7][-1]["id"] == mine
        assert github.bodies(7)[-1].startswith(f"{MARK}\n\n## Stack staging\nsafe\n")
        assert github.requests[-4:-1] == [("GET", f"/repos/{REPOSITORY}/issues/7/comments")] * 3

    def test_another_stack_s_comment_and_a_person_s_quotation_are_left_alone(
        self, github: GitHubServer, job: Path
    ) -> None:
        before = ["<!-- keyshift: sitelogix/prod -->\nprod", f"{MARK}\nforged", f"See:\n{MARK}"]
        github.comment(7, before[0])
        github.comment(7, before[1], PERSON)
        github.comment(7, before[2])
        assert commented(job) == 0
        assert github.bodies(7)[:3] == before
        assert len(github.bodies(7)) == 4

    def test_a_document_that_was_not_made_replaces_the_older_one(self, github: GitHubServer, job: Path) -> None:
        github.comment(7, f"{MARK}\nsafe")
        (job / "change.md").unlink()
        assert commented(job, code="2") == 0
        (body,) = github.bodies(7)
        assert "**There is no document of this run.** Wrong usage or configuration (exit code 2)." in body
        assert "safe" not in body

    def test_a_document_that_is_too_long_is_cut_at_a_line_and_keeps_its_beginning_and_its_foot(
        self, github: GitHubServer, job: Path
    ) -> None:
        (job / "change.md").write_text("verdict\n" + "a line of the document\n" * 10_000, encoding="utf-8")
        assert commented(job) == 0
        (body,) = github.bodies(7)
        assert len(body) <= 65_536
        assert body.startswith(f"{MARK}\n\nverdict\na line of the document\n")
        cut = "a line of the document\n\n*The rest does not fit into a comment. The whole is among the artifacts"
        assert f"{cut} of the job.*\n\n\n{FOOT}\n" in body

    def test_what_is_open_where_a_document_is_cut_is_closed_before_its_foot(
        self, github: GitHubServer, job: Path
    ) -> None:
        folded = "verdict\n<details><summary>all</summary>\n\n```diff\n"
        (job / "change.md").write_text(folded + "+ a line of the document\n" * 10_000, encoding="utf-8")
        assert commented(job) == 0
        (body,) = github.bodies(7)
        assert len(body) <= 65_536
        assert "+ a line of the document\n```\n\n</details>\n\n*The rest does not fit into a comment." in body
        assert body.endswith(f"{FOOT}\n")

    def test_an_issue_is_commented_where_there_is_no_pull_request(self, github: GitHubServer, job: Path) -> None:
        (job / "event.json").write_text("{}", encoding="utf-8")
        assert commented(job, "--issue", "12") == 0
        assert len(github.bodies(12)) == 1
        assert MERGE[:12] in github.bodies(12)[0]
        assert ("POST", "/graphql") not in github.requests

    def test_without_pull_request_and_issue_it_is_refused(self, job: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (job / "event.json").write_text("{}", encoding="utf-8")
        assert commented(job) == 2
        assert capsys.readouterr().err.startswith("There is nothing to comment on.\n")


class TestOtherPullRequests:
    def test_one_that_changes_the_stack_s_file_or_a_named_path_is_named_by_its_number(
        self, github: GitHubServer, job: Path
    ) -> None:
        github.files = {
            7: ["Pulumi.staging.yaml"],
            9: ["README.md", "Pulumi.staging.yaml"],
            8: ["sitelogix/tables.py"],
            6: ["Pulumi.prod.yaml", "sitelogix.txt", "docs/Pulumi.staging.yaml"],
        }
        assert commented(job, "--paths", "sitelogix/") == 0
        assert "> **Also changing this stack: #8, #9.**" in github.bodies(7)[0]

    def test_those_of_every_page_are_found(self, github: GitHubServer, job: Path) -> None:
        github.files = {number: ["README.md"] for number in range(100, 240)}
        github.files[9] = ["Pulumi.staging.yaml"]
        assert commented(job) == 0
        assert "> **Also changing this stack: #9.**" in github.bodies(7)[0]

    def test_what_was_not_looked_at_is_said(self, github: GitHubServer, job: Path) -> None:
        github.files = {number: ["README.md"] for number in range(100, 700)}
        github.files[100] = [f"docs/{number}.md" for number in range(101)]
        assert commented(job) == 0
        body = github.bodies(7)[0]
        assert "> Not known of #100: only a part of its files was looked at.\n" in body
        assert "> Not every open pull request was looked at, only those that were changed last.\n" in body

    def test_a_refused_query_is_an_error(
        self, github: GitHubServer, job: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        github.base = "another"
        assert commented(job) == 1
        assert capsys.readouterr().err.startswith("GitHub refused a query.\nCould not resolve to a Repository\n")


class TestConclude:
    @pytest.mark.parametrize(
        ("code", "conclusion", "ends"),
        [
            ("0", "success", 0),
            ("1", "failure", 1),
            ("2", "failure", 2),
            ("3", "neutral", 0),
            ("4", "failure", 4),
            ("5", "failure", 5),
            ("6", "failure", 6),
            ("77", "failure", 77),
            ("130", "cancelled", 130),
            ("", "failure", 1),
        ],
    )
    def test_an_exit_code_has_its_conclusion_and_the_job_ends_with_it_unless_it_waits(
        self, github: GitHubServer, code: str, conclusion: str, ends: int
    ) -> None:
        assert ran("github.conclude", "--name", "preview staging", "--code", code) == ends
        assert [check["conclusion"] for check in github.checks] == [conclusion]

    def test_the_check_run_is_on_the_commit_that_people_see_and_holds_the_document(
        self, github: GitHubServer, job: Path
    ) -> None:
        task = ("github.conclude", "--name", "preview staging", "--code", "3", "--file", job / "change.md")
        assert ran(*task) == 0
        assert github.checks == [
            {
                "name": "preview staging",
                "head_sha": HEAD,
                "status": "completed",
                "conclusion": "neutral",
                "details_url": JOB,
                "output": {
                    "title": "Waiting (exit code 3)",
                    "summary": f"\n## Stack staging\nsafe\n\n[The job]({JOB})",
                },
            }
        ]
        assert (job / "summary.md").read_text(encoding="utf-8") == "## Stack staging\nsafe\n\n"

    def test_without_a_pull_request_it_is_on_the_commit_of_the_run(self, github: GitHubServer, job: Path) -> None:
        (job / "event.json").write_text('{"schedule": "17 3 * * *"}', encoding="utf-8")
        assert ran("github.conclude", "--name", "migrate prod", "--code", "0") == 0
        assert github.checks[0]["head_sha"] == MERGE

    def test_a_long_document_is_cut(self, github: GitHubServer, job: Path) -> None:
        (job / "change.md").write_text("line\n" * 20_000, encoding="utf-8")
        assert ran("github.conclude", "--name", "p", "--code", "0", "--file", job / "change.md") == 0
        assert len(github.checks[0]["output"]["summary"]) <= 65_535

    @pytest.mark.parametrize("code", ["x", "-1", "256", "1.0"])
    def test_what_is_no_exit_code_is_refused(self, github: GitHubServer, code: str) -> None:
        assert ran("github.conclude", "--name", "p", f"--code={code}") == 2
        assert github.requests == []


class TestGitHub:
    def test_what_passes_is_tried_again_where_that_does_no_harm(self, github: GitHubServer, job: Path) -> None:
        github.comment(7, f"{MARK}\nwhat was")
        github.plant = {"GET": [502, 503, 429], "PATCH": [500]}
        assert commented(job) == 0
        assert len(github.bodies(7)) == 1

    def test_what_makes_something_is_not_tried_again(self, github: GitHubServer) -> None:
        github.plant = {"POST": [502]}
        assert ran("github.conclude", "--name", "p", "--code", "0") == 1
        assert github.requests == [("POST", f"/repos/{REPOSITORY}/check-runs")]

    def test_a_refusal_says_what_was_asked_and_which_permission_is_missing_and_never_the_token(
        self, github: GitHubServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        github.plant = {"POST": [403]}
        assert ran("github.conclude", "--name", "p", "--code", "0") == 1
        out, err = capsys.readouterr()
        assert err.splitlines() == [
            f"GitHub answered 403 to POST /repos/{REPOSITORY}/check-runs.",
            "Resource not accessible by integration",
            "If it is a right that is missing, give the job `permissions: checks: write`.",
        ]
        assert TOKEN not in out + err

    def test_a_redirect_is_not_followed_because_the_token_would_go_along(self, github: GitHubServer, job: Path) -> None:
        github.plant = {"GET": [302]}
        assert commented(job) == 1
        assert ("GET", "/elsewhere") not in github.requests

    def test_an_unencrypted_connection_is_refused(self, github: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_API_URL", "http://github.example.com/api/v3")
        assert ran("github.conclude", "--name", "p", "--code", "0") == 2

    def test_an_api_that_cannot_be_reached_is_an_error_without_details_of_the_request(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
        assert ran("github.conclude", "--name", "p", "--code", "0") == 1
        err = capsys.readouterr().err
        assert err.startswith(f"GitHub cannot be reached for POST /repos/{REPOSITORY}/check-runs.\n")
        assert TOKEN not in err

    @pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REPOSITORY"])
    def test_outside_of_a_job_it_is_refused(
        self, github: GitHubServer, monkeypatch: pytest.MonkeyPatch, missing: str
    ) -> None:
        monkeypatch.delenv(missing)
        assert ran("github.conclude", "--name", "p", "--code", "0") == 2
        assert github.requests == []

    def test_a_repository_s_name_that_would_change_the_path_is_refused(
        self, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GITHUB_REPOSITORY", "team/things/../others")
        assert ran("github.conclude", "--name", "p", "--code", "0") == 2
        assert github.requests == []

    def test_an_answer_of_another_form_is_an_error(self, github: GitHubServer, job: Path) -> None:
        github.comments[7] = [{"number": 1}]
        assert commented(job) == 1


class TestOutputs:
    @pytest.mark.parametrize(("arguments", "code"), [(["--list"], 0), (["no-such-task"], 2)])
    def test_every_task_tells_its_exit_code_to_the_steps_after_it(
        self, job: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int
    ) -> None:
        monkeypatch.setattr("sys.argv", ["./invoke", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        assert (job / "output").read_text(encoding="utf-8") == f"exit-code={code}\n"

    def test_what_a_result_tells_besides_is_one_line_each(self, job: Path) -> None:
        tell({"commit": "a\nexit-code=0", "steps": 3})
        assert (job / "output").read_text(encoding="utf-8") == "commit=a exit-code=0\nsteps=3\n"

    def test_a_run_tells_how_many_steps_it_did(self) -> None:
        steps = [FinishedStep(Wait(names=("reports",)), 1.0, {})] * 2
        assert RunResult("staging", SITELOGIX, Summary("id", done=steps)).outputs()["steps"] == 2
        assert RunResult("staging", SITELOGIX, Summary()).outputs()["steps"] == 0

    def test_a_run_that_waits_tells_whether_new_indexes_do_or_only_old_ones(self) -> None:
        old, new = IndexRef("personnel", "GSI2-ProjectIndex"), IndexRef("personnel", "GSI2-StatusIndex")
        told = {
            waiting: RunResult("staging", SITELOGIX, Summary("id", blocked=waiting)).outputs()["read-ready"]
            for waiting in ((), (Blocked(old, ()),), (Blocked(old, ()), Blocked(new, (), is_new=True)))
        }
        assert list(told.values()) == ["true", "true", "false"]

    def test_an_attestation_tells_its_commit_and_a_refusal_tells_none(self) -> None:
        time = datetime(2026, 1, 1, tzinfo=UTC)
        attested = AttestationProof(
            subject="stack",
            stack="staging",
            account="111111111111",
            code="sha256:c0de",
            schema="5f2c",
            lock="sha256:10c4",
            commit=HEAD,
            verified=time,
            verified_by="a run",
            clean_since=time,
            attested=time,
            by="ana@host",
        )
        judged = Judged((), {})
        assert AttestResult("staging", Attested(judged, attested), "").outputs() == {"commit": HEAD}
        assert AttestResult("staging", Attested(judged), "").outputs() == {}

    @pytest.mark.parametrize(("expect", "count", "code"), [(True, 1, 5), (True, 0, 0), (False, 1, 0)])
    def test_a_preview_that_expects_no_change_fails_for_one(self, expect: bool, count: int, code: int) -> None:
        planned = PlannedChange(operation="update", resource="reports", type="aws:dynamodb/table:Table", loses=False)
        change = Change(stack="staging", at="2026-01-01T00:00:00Z", verdict="safe", changes=(planned,) * count)
        shown = ChangeResult(change, expect_no_change=expect)
        assert (shown.exit_code, shown.outputs()) == (code, {"steps": 0})

    def test_a_file_that_cannot_be_written_changes_no_exit_code(
        self, job: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("GITHUB_OUTPUT", str(job / "missing" / "output"))
        monkeypatch.setattr("sys.argv", ["./invoke", "no-such-task"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert "The job is told nothing of this task" in capsys.readouterr().err
