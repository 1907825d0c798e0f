"""An approval is written into a stack file, and nothing else of the file changes."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.errors import UsageError
from sitelogix.project import PROJECT
from stack.file.approving import approve, with_approval
from stack.file.settings import Approval
from stack.file.strict_yaml import read
from terminal.results.settings import ApprovalResult
from tests.configured import configured

CHECKOUT = Path(__file__).resolve().parents[2]
RESOURCE = "personnel/GSI2-ProjectIndex"
KEY = "sitelogix:approvals"
GIVEN = {"applicationUpdated": True, "testsPassed": True, "by": "Jane Doe", "at": "2026-11-22T08:09:10Z"}
APPROVAL = Approval.model_validate(GIVEN)
RECORD = """\
    personnel/GSI2-ProjectIndex:
      applicationUpdated: true
      testsPassed: true
      by: "Jane Doe"
      at: "2026-11-22T08:09:10Z"
"""
NEW = f"  sitelogix:approvals:\n{RECORD}"
GOOD = """\
config:
  aws:region: us-east-1
  sitelogix:account: "123456789012"
  sitelogix:tablePrefix: 'sitelogix-'
  sitelogix:backend: file://.local/state
"""
ENDPOINTS = """\
  aws:endpoints:
    - dynamodb: http://127.0.0.1:1
      sts: http://127.0.0.1:1
"""
OTHER = """\
    vendors/Old:
      applicationUpdated: false   # not yet
      testsPassed: true
      by: 'somebody  else'
      at: 2025-11-04
"""


def committed(stack: str) -> str:
    return (CHECKOUT / f"Pulumi.{stack}.yaml").read_bytes().decode()


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_a_stack_file_gets_the_approval_and_keeps_every_byte_besides(stack: str) -> None:
    before = committed(stack)
    after = with_approval(before, KEY, RESOURCE, APPROVAL)
    assert after.count(NEW) == 1
    assert after.replace(NEW, "") == before


def test_an_approval_that_is_there_is_replaced_in_its_place() -> None:
    before = committed("local")
    beginning, name, rest = before.partition(f"    {RESOURCE}:\n")
    salt = rest[rest.index("encryptionsalt") :]
    assert name
    assert with_approval(before, KEY, RESOURCE, APPROVAL) == beginning + RECORD + salt


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_writing_it_twice_is_writing_it_once(stack: str) -> None:
    once = with_approval(committed(stack), KEY, RESOURCE, APPROVAL)
    assert with_approval(once, KEY, RESOURCE, APPROVAL) == once


def test_another_approval_and_its_comments_stay() -> None:
    before = f"{GOOD}  sitelogix:approvals:\n    # Reviewed in spring.\n{OTHER}secretsprovider: awskms://x  # the key\n"
    after = with_approval(before, KEY, RESOURCE, APPROVAL)
    assert after == before.replace("secretsprovider", f"{RECORD}secretsprovider")


@pytest.mark.parametrize("empty", ["", " {}"])
def test_an_empty_map_of_approvals_is_filled(empty: str) -> None:
    after = with_approval(f"{GOOD}  sitelogix:approvals:{empty}\n{ENDPOINTS}", KEY, RESOURCE, APPROVAL)
    assert after == f"{GOOD}{NEW}{ENDPOINTS}"


def test_lists_as_pulumi_writes_them_stay() -> None:
    before = GOOD + ENDPOINTS.replace("    - d", "  - d").replace("      sts", "    sts")
    assert with_approval(before, KEY, RESOURCE, APPROVAL) == before + NEW


def test_a_file_without_a_last_line_end_gets_none() -> None:
    assert with_approval(GOOD.removesuffix("\n"), KEY, RESOURCE, APPROVAL) == f"{GOOD}{NEW}".removesuffix("\n")


def test_a_time_elsewhere_is_written_as_utc() -> None:
    at = datetime.fromisoformat("2026-11-22T10:09:10+02:00")
    assert NEW in with_approval(GOOD, KEY, RESOURCE, APPROVAL.model_copy(update={"at": at}))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("config: [\n", "The file is not YAML"),
        ("name: sitelogix\n", "The file has no `config:` section"),
        ("", "The file has no `config:` section"),
        (f"{GOOD}  sitelogix:approvals: [a]\n", "Its sitelogix:approvals is no map"),
        (GOOD.replace("\n", "\r\n"), "The file has spaces, quotes or line ends that would change"),
        (GOOD.replace(": us-", ":    us-"), "The file has spaces, quotes or line ends that would change"),
        (GOOD.replace("us-east-1", "us-east-1 "), "The file has spaces, quotes or line ends that would change"),
        (f"{GOOD}  sitelogix:tags: {{a: b,   c: d}}\n", "The file has spaces, quotes or line ends that would change"),
    ],
)
def test_a_file_in_which_other_lines_would_change_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        with_approval(text, KEY, RESOURCE, APPROVAL)
    assert refused.value.why.startswith(why)


comments = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20)
scalars = st.one_of(
    st.integers().map(str),
    comments.map(lambda text: "'" + text.replace("'", "''") + "'"),
    st.from_regex(r"[a-z][a-z0-9/.-]{0,80}", fullmatch=True),
    st.just('"yes"'),
)


@given(
    st.lists(st.tuples(st.sampled_from(["", "  # ", "\n  #", "# "]), comments, scalars), max_size=8),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1).filter(str.strip),
)
def test_whatever_else_the_file_holds_stays(settings: list[tuple[str, str, str]], by: str) -> None:
    lines = [
        (f"{beginning}{comment}.\n" if beginning else "") + f"  other:key{number}: {value}\n"
        for number, (beginning, comment, value) in enumerate(settings)
    ]
    before = f"# {len(lines)} more\n{GOOD}{''.join(lines)}encryptionsalt: v1:x\n"
    after = with_approval(before, KEY, RESOURCE, APPROVAL.model_copy(update={"by": by.strip()}))
    added = after[after.index("  sitelogix:approvals:") : after.index("encryptionsalt")]
    assert after.replace(added, "") == before
    assert read(after)["config"]["sitelogix:approvals"] == {RESOURCE: {**GIVEN, "by": by.strip()}}


def test_it_stands_under_the_namespace_of_the_project() -> None:
    text = GOOD.replace("sitelogix:", "orders:")
    assert with_approval(text, "orders:approvals", RESOURCE, APPROVAL) == f"{text}  orders:approvals:\n{RECORD}"


def approved_in(checkout: Path, **changes: str | bool | None) -> str:
    arguments = {"by": "Jane Doe", "application_updated": True, "tests_passed": True, **changes}
    table, index = arguments.pop("table", "personnel"), arguments.pop("index", "GSI2-ProjectIndex")
    approved = approve(PROJECT, checkout, "test", table, index, **arguments)  # type: ignore[arg-type]
    return "\n".join(map(str, ApprovalResult("test", approved).text()))


FILES = ["Pulumi.test.yaml", "Pulumi.yaml"]
COMMIT, CHECK_RUN = "012345678901", "20260101T000000000-1f3a"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: sitelogix\n", encoding="utf-8")
    (tmp_path / "Pulumi.test.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def test_what_was_approved_is_what_the_stack_reads(checkout: Path) -> None:
    file = checkout / "Pulumi.test.yaml"
    file.chmod(0o640)
    before = datetime.now(UTC) - timedelta(seconds=1)
    told = approved_in(checkout, by="  Zoë 12: # on  ")
    (approval,) = configured("test", checkout, PROJECT).settings.approvals.values()
    assert (approval.application_updated, approval.tests_passed, approval.by) == (True, True, "Zoë 12: # on")
    assert before < approval.at <= datetime.now(UTC)
    assert (stat.S_IMODE(file.stat().st_mode), names(checkout)) == (0o640, FILES)
    assert "./invoke preview --stack test " in told


def test_a_run_of_the_checks_stands_in_the_place_of_a_typed_yes(checkout: Path) -> None:
    told = approved_in(checkout, tests_passed=False, commit=COMMIT, check_run=CHECK_RUN)
    (approval,) = configured("test", checkout, PROJECT).settings.approvals.values()
    assert (approval.commit, approval.check_run, approval.tests_passed) == (COMMIT, CHECK_RUN, False)
    text = (checkout / "Pulumi.test.yaml").read_text(encoding="utf-8")
    assert f'      commit: "{COMMIT}"\n      checkRun: "{CHECK_RUN}"\n' in text
    assert "testsPassed" not in text
    assert "now lets personnel/GSI2-ProjectIndex go" in told


def test_a_typed_yes_is_replaced_by_a_run_and_the_run_by_a_typed_yes(checkout: Path) -> None:
    file = checkout / "Pulumi.test.yaml"
    approved_in(checkout)
    approved_in(checkout, tests_passed=False, commit=COMMIT, check_run=CHECK_RUN)
    assert "testsPassed" not in file.read_text(encoding="utf-8")
    approved_in(checkout)
    assert "checkRun" not in file.read_text(encoding="utf-8")
    (approval,) = configured("test", checkout, PROJECT).settings.approvals.values()
    assert approval.tests_passed


@pytest.mark.parametrize("by", ["on", "12", "null", "~", "2025-11-04", "- x", "a: b", "it's", 'say "x"', "\\n"])
def test_a_name_is_read_back_as_it_was_given(checkout: Path, by: str) -> None:
    approved_in(checkout, by=by)
    (approval,) = configured("test", checkout, PROJECT).settings.approvals.values()
    assert approval.by == by


@pytest.mark.parametrize(
    ("changes", "what", "why"),
    [
        ({"tests_passed": False}, "--tests-passed is not stated.", "its tests passed"),
        ({"application_updated": False}, "--application-updated is not stated.", "no longer reads GSI2-ProjectIndex"),
        (
            {"application_updated": False, "tests_passed": False},
            "--application-updated and --tests-passed are not stated.",
            "its tests passed",
        ),
        ({"tests_passed": False, "commit": COMMIT}, "--commit and --check-run go together.", "./invoke check"),
        ({"tests_passed": False, "check_run": CHECK_RUN}, "--commit and --check-run go together.", "./invoke check"),
        (
            {"commit": COMMIT, "check_run": CHECK_RUN},
            "--tests-passed and --check-run exclude each other.",
            "The run shows it.",
        ),
        (
            {"tests_passed": False, "commit": "main", "check_run": CHECK_RUN},
            "--commit 'main' is none.",
            "./invoke check prints both.",
        ),
        ({"by": None}, "--by names nobody.", ""),
        ({"by": " "}, "--by names nobody.", ""),
        ({"by": "a\nb"}, "--by names nobody.", ""),
        ({"index": None}, "No index is named.", ""),
        ({"index": "GSI1-NameIndex"}, "personnel/GSI1-NameIndex is no retired index.", RESOURCE),
        ({"table": "persons"}, "persons/GSI2-ProjectIndex is no retired index.", RESOURCE),
    ],
)
def test_an_approval_that_says_too_little_changes_nothing(
    checkout: Path, changes: dict[str, str | bool | None], what: str, why: str
) -> None:
    with pytest.raises(UsageError) as refused:
        approved_in(checkout, **changes)
    assert refused.value.what == what
    assert why in refused.value.why
    assert (checkout / "Pulumi.test.yaml").read_text(encoding="utf-8") == GOOD


def test_a_file_that_can_not_be_written_stays_as_it_was(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A test that runs as root may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"Pulumi.test.yaml cannot be written\."):
        approved_in(checkout)
    assert (checkout / "Pulumi.test.yaml").read_text(encoding="utf-8") == GOOD
    assert names(checkout) == FILES


def test_an_approval_for_another_project_s_stack_changes_nothing(checkout: Path) -> None:
    with pytest.raises(UsageError) as refused:
        approve(
            PROJECT,
            checkout,
            "organization/orders/test",
            "personnel",
            "GSI2-ProjectIndex",
            "Jane Doe",
            application_updated=True,
            tests_passed=True,
        )
    assert refused.value.what.startswith("Stack test is asked for in project orders")
    assert (checkout / "Pulumi.test.yaml").read_text(encoding="utf-8") == GOOD
