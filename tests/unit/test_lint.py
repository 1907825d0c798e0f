"""The lint of a checkout: lines, acceptances, what is refused, and how findings are told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from rich.text import Text

from schema.errors import Refused, UsageError
from schema.model import Index, Table
from schema.parts import Attribute, BillingMode
from schema.project import Project
from sitelogix.project import PROJECT
from stack.file.document import read_stack_file
from stack.lint.changes import changed_at
from stack.lint.finding import Finding, Severity
from stack.lint.linting import config_as_written, findings, lint, refuse_errors
from stack.lint.places import Declarations, Place, line_of
from terminal.main import Invoke
from terminal.results.lint import LintResult, annotation
from tests.lint_examples import APPROVAL, EXAMPLES, GOOD, NEW, OLD, PLAIN, Case, schema

CHECKOUT = Path(__file__).resolve().parents[2]
WITHOUT_UNITS = Index("ByPhase", Attribute("phase"), existing=False)
PATTERNS = """\
from schema.model import AccessPattern, Schema
from shop.tables import ORDERS

SHOP = Schema((ORDERS,), (AccessPattern("orders/ByPhase", "orders", "ByPhase"),))
"""
TABLES = """\
from schema.model import Index, RetiredIndex, Table
from schema.parts import Attribute


def _index(name):
    return Index(name, Attribute("phase"))


ORDERS = Table(
    name="orders",
    indexes=(
        _index("ByPhase"),
    ),
    retired=(RetiredIndex(_index("ByState"), replaced_by="ByPhase"),),
)
"""
FINDING = Finding(
    "L101",
    Severity.ERROR,
    "a: title, and more",
    "account",
    "100 % wrong.\r",
    "Why,\nthen: so.",
    "Edit it.",
    "a,b:c.py",
    7,
)


def checkout(folder: Path, case: Case) -> Project:
    """The case's files in a folder, with the Python files that would declare its schema."""
    case.found(folder)
    (folder / "shop").mkdir()
    (folder / "shop" / "tables.py").write_text(TABLES, encoding="utf-8")
    (folder / "shop" / "patterns.py").write_text(PATTERNS, encoding="utf-8")
    return Project("shop", case.schema)


def only(found: dict[str, tuple[Finding, ...]], code: str) -> list[Finding]:
    return [one for each in found.values() for one in each if one.code == code]


def test_a_finding_in_the_schema_has_the_line_of_the_declaration(tmp_path: Path) -> None:
    project = checkout(tmp_path, EXAMPLES["L003"].bad)
    (found,) = only(lint(project, tmp_path), "L003")
    assert (found.subject, found.file, found.line) == (NEW, "shop/tables.py", 12)


def test_a_finding_about_a_pattern_has_the_line_of_the_pattern(tmp_path: Path) -> None:
    declared = Declarations.of(checkout_of(tmp_path), PLAIN)
    assert declared.of_subject("orders") == Place("shop/tables.py", 9, 15)
    assert declared.of_subject(OLD) == Place("shop/tables.py", 14, 14)
    assert declared.of_subject("orders/Unknown") == Place("shop/tables.py", 9, 15)
    assert declared.of_subject("carts") == Place("Pulumi.yaml", 1, 1)


def checkout_of(folder: Path) -> Path:
    checkout(folder, Case())
    return folder


def test_neither_tests_nor_another_project_s_folder_is_looked_through(tmp_path: Path) -> None:
    checkout(tmp_path, Case())
    for other in ("tests", "example", ".hidden"):
        (tmp_path / other).mkdir()
        (tmp_path / "shop" / "tables.py").replace(tmp_path / other / "tables.py")
        if other == "example":
            (tmp_path / other / "Pulumi.yaml").write_text("name: another\n", encoding="utf-8")
        assert Declarations.of(tmp_path, PLAIN).of_subject("orders") == Place("Pulumi.yaml", 1, 1)
        (tmp_path / other / "tables.py").replace(tmp_path / "shop" / "tables.py")
    assert Declarations.of(tmp_path, PLAIN).of_subject("orders").file == "shop/tables.py"


def test_a_file_that_is_no_python_has_no_declarations(tmp_path: Path) -> None:
    checkout(tmp_path, Case())
    (tmp_path / "shop" / "tables.py").write_text('from schema import (\nTable("orders"', encoding="utf-8")
    assert Declarations.of(tmp_path, PLAIN).of_subject("orders") == Place("Pulumi.yaml", 1, 1)


def test_a_finding_in_a_stack_file_has_the_line_of_the_setting(tmp_path: Path) -> None:
    project = checkout(tmp_path, EXAMPLES["L107"].bad)
    (found,) = only(lint(project, tmp_path), "L107")
    assert (found.file, found.line) == ("Pulumi.staging.yaml", 10)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("shop:tags",), 6),
        (("shop:tags", "Team"), 6),
        (("shop:subscriptions", "0"), 8),
        (("shop:subscriptions", "0", "endpoint"), 9),
        (("shop:subscriptions", "7"), 7),
        (("shop:absent", "key"), 1),
    ],
)
def test_the_line_of_a_setting_is_as_near_as_the_file_has_it(path: tuple[str, ...], line: int) -> None:
    assert line_of(GOOD, path) == line


def test_our_own_project_has_nothing_but_what_a_team_fills_in() -> None:
    left = {
        (name, one.code, one.subject)
        for name, found in lint(PROJECT, CHECKOUT).items()
        for one in found
        if one.accepted is None
    }
    assert left == {
        ("prod", "L101", "account"),
        ("prod", "L112", "subscriptions"),
        ("staging", "L101", "account"),
        ("staging", "L112", "subscriptions"),
    }


def test_the_example_project_has_nothing_that_it_does_not_accept() -> None:
    from orders.project import PROJECT as ORDERS

    found = lint(ORDERS, CHECKOUT / "examples" / "orders")["local"]
    assert [(one.code, one.file, one.line) for one in found] == [("L019", "orders/tables.py", 77)]
    assert found[0].accepted


def accepted(case: Case, code: str, subject: str) -> Case:
    return replace(case, text=f"{case.text}  shop:acceptedFindings: {{{code}: {{{subject}: it is meant so}}}}\n")


def test_an_accepted_finding_is_shown_with_its_reason_and_refuses_nothing(tmp_path: Path) -> None:
    bad = accepted(EXAMPLES["L013"].bad, "L013", "by phase")
    project = checkout(tmp_path, bad)
    result = LintResult(lint(project, tmp_path))
    assert result.exit_code == 0
    (told,) = result.document()["findings"]
    assert (told["code"], told["accepted"]) == ("L013", {"staging": "it is meant so"})
    assert "  Accepted by staging: it is meant so" in list(result.text())
    refuse_errors(project, config_as_written(project, read_stack_file("staging", tmp_path, project), "staging"))


def test_a_finding_is_accepted_of_its_own_subject_only(tmp_path: Path) -> None:
    project = checkout(tmp_path, accepted(EXAMPLES["L013"].bad, "L013", "by another"))
    config = config_as_written(project, read_stack_file("staging", tmp_path, project), "staging")
    with pytest.raises(Refused, match="L013"):
        refuse_errors(project, config)
    assert [one.code for one in lint(project, tmp_path)["staging"] if one.accepted is None] == ["L013", "L119"]


def test_an_error_is_refused_before_a_run_and_by_the_task(tmp_path: Path) -> None:
    project = checkout(tmp_path, EXAMPLES["L013"].bad)
    assert LintResult(lint(project, tmp_path)).exit_code == 4
    config = config_as_written(project, read_stack_file("staging", tmp_path, project), "staging")
    with pytest.raises(Refused) as refused:
        refuse_errors(project, config)
    assert refused.value.what == "L013: Access pattern 'by phase' needs name, which orders/ByPhase does not copy."
    assert refused.value.next.endswith("The lines: ./invoke schema.lint --stack staging")


def refused(folder: Path, case: Case) -> bool:
    """Whether a run of the stack is refused because of the lint."""
    project = checkout(folder, case)
    try:
        refuse_errors(project, config_as_written(project, read_stack_file("staging", folder, project), "staging"))
    except Refused:
        return True
    return False


def test_the_id_of_an_access_key_whose_secret_is_encrypted_refuses_nothing(tmp_path: Path) -> None:
    keys = "  aws:accessKey: AKIAIOSFODNN7EXAMPLE\n  aws:secretKey: {secure: AAABAPY}\n"
    assert not refused(tmp_path, Case(text=GOOD + keys))


@pytest.mark.parametrize("key", ["aws:region", "shop:account", "shop:tablePrefix"])
def test_a_stack_whose_environment_says_where_its_tables_are_is_not_taken_for_the_same(
    tmp_path: Path, key: str
) -> None:
    here = GOOD.replace("eu-central-1", "us-east-1").replace("tablePrefix: shop-", 'tablePrefix: ""')
    there = "".join(line for line in here.splitlines(keepends=True) if not line.startswith(f"  {key}:"))
    assert refused(tmp_path, Case(text=here, beside={"prod": f"environment: [shop/prod]\n{here}"}))
    (tmp_path / "Pulumi.prod.yaml").write_text(f"environment: [shop/prod]\n{there}", encoding="utf-8")
    project = Project("shop", PLAIN)
    refuse_errors(project, config_as_written(project, read_stack_file("staging", tmp_path, project), "staging"))


def test_a_run_does_not_wait_for_the_history_of_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("stack.lint.linting.changed_at", lambda folder, place: asked.append(place.file))
    project = checkout(tmp_path, Case(text=GOOD + APPROVAL.format(at="2026-01-30")))
    config = config_as_written(project, read_stack_file("staging", tmp_path, project), "staging")
    refuse_errors(project, config)
    assert asked == []
    findings(project, config)
    assert asked == ["shop/tables.py"] * 2


def test_a_warning_refuses_nothing(tmp_path: Path) -> None:
    project = checkout(tmp_path, EXAMPLES["L003"].bad)
    config = config_as_written(project, read_stack_file("staging", tmp_path, project), "staging")
    refuse_errors(project, config)
    assert [one.code for one in findings(project, config)] == ["L003"]
    assert LintResult(lint(project, tmp_path)).exit_code == 0


def test_a_finding_of_several_stacks_is_told_once(tmp_path: Path) -> None:
    bad = EXAMPLES["L003"].bad
    project = checkout(tmp_path, replace(bad, beside={"prod": bad.text.replace("shop-", "shop-prod-")}))
    result = LintResult(lint(project, tmp_path))
    told = {found["code"]: found["stacks"] for found in result.document()["findings"]}
    assert told == {"L003": ["prod", "staging"], "L110": ["prod"], "L120": ["prod"]}
    assert list(result.text())[-1] == "Linted prod, staging: 0 errors, 3 warnings, 0 notes."


def test_an_annotation_is_escaped_as_github_s_toolkit_does() -> None:
    assert annotation(FINDING, PurePosixPath("sub")) == (
        "::error file=sub/a%2Cb%3Ac.py,line=7,title=L101 a%3A title%2C and more"
        "::100 %25 wrong.%0D Why,%0Athen: so. To do: Edit it."
    )


def test_severities_are_github_s_commands_and_accepted_findings_are_no_annotations() -> None:
    each = tuple(replace(FINDING, severity=severity, code=f"L{n}") for n, severity in enumerate(Severity))
    result = LintResult({"a": (*each, replace(FINDING, accepted="known"))}, PurePosixPath("."))
    assert [str(line).partition(" ")[0] for line in result.text()] == ["::error", "::warning", "::notice"]


def test_what_an_esc_environment_may_give_is_not_asked_for(tmp_path: Path) -> None:
    text = "environment: [team/dev]\nconfig:\n  shop:backend: https://api.pulumi.com\n"
    project = checkout(tmp_path, Case())
    (tmp_path / "Pulumi.prod.yaml").write_text(text, encoding="utf-8")
    assert lint(project, tmp_path, "prod") == {"prod": ()}


def test_defaults_of_the_project_file_count(tmp_path: Path) -> None:
    project = checkout(tmp_path, Case())
    declared = "name: shop\nconfig:\n  quietMinutes: {default: 0}\n  shop:brownOutMinutes: 3\n"
    (tmp_path / "Pulumi.yaml").write_text(declared, encoding="utf-8")
    assert [one.code for one in lint(project, tmp_path)["staging"]] == ["L106"]


def test_another_stack_s_broken_file_is_told_when_it_is_linted(tmp_path: Path) -> None:
    project = checkout(tmp_path, Case())
    (tmp_path / "Pulumi.broken.yaml").write_text("config: [\n", encoding="utf-8")
    assert lint(project, tmp_path, "staging") == {"staging": ()}
    with pytest.raises(UsageError, match=r"Pulumi.broken.yaml: it is not YAML"):
        lint(project, tmp_path)


def test_a_folder_without_stacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no stack to lint"):
        lint(Project("shop", PLAIN), tmp_path)


def git(folder: Path, *arguments: str, at: datetime | None = None) -> None:
    named = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    dated = ("--date", at.isoformat()) if at else ()
    command = ["git", "-C", str(folder), *named, *arguments, *dated]
    subprocess.run(command, check=True, capture_output=True)


def test_an_approval_is_compared_with_the_lines_that_declare_its_indexes(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    project = checkout(repository, Case(text=GOOD + APPROVAL.format(at="2026-01-20T00:00:00Z")))
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "all", at=datetime(2026, 1, 10, tzinfo=UTC))
    assert lint(project, repository) == {"staging": ()}
    tables = repository / "shop" / "tables.py"
    tables.write_text(
        tables.read_text(encoding="utf-8").replace('_index("ByPhase"),', '_index("ByPhase"),  # new'), "utf-8"
    )
    git(repository, "commit", "-qam", "change", at=datetime(2026, 1, 25, tzinfo=UTC))
    (found,) = lint(project, repository)["staging"]
    assert (found.code, found.file, found.line) == ("L102", "Pulumi.staging.yaml", 11)
    assert "was changed at 2026-01-25T00:00:00Z" in found.what

    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", str(shallow))
    assert lint(project, shallow) == {"staging": ()}


def test_lines_that_are_not_committed_were_changed_now(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("one\n", encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a", at=datetime(2026, 1, 1, tzinfo=UTC))
    (tmp_path / "a.py").write_text("one\ntwo\n", encoding="utf-8")
    assert changed_at(tmp_path, Place("a.py", 1, 1)) == datetime(2026, 1, 1, tzinfo=UTC)
    now = changed_at(tmp_path, Place("a.py", 1, 2))
    assert now is not None
    assert now > datetime.now(UTC) - timedelta(hours=1)
    assert changed_at(tmp_path, Place("b.py", 1, 1)) is None


def test_nothing_is_known_of_changes_where_there_is_no_git(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\n", encoding="utf-8")
    assert changed_at(tmp_path, Place("a.py", 1, 1)) is None


TASKS = """\
from pathlib import Path
from shop.tables import PROJECT
from terminal.collection import collection

ns = collection(PROJECT, Path(__file__).parent)
"""
PROJECT_FILE = """\
from schema.model import Index, Schema, Table
from schema.parts import Attribute, BillingMode
from schema.project import Project

INDEXES = (Index("ByPhase", Attribute("KEY")),)
ORDERS = Table("orders", Attribute("id"), billing_mode=BillingMode.ON_DEMAND, indexes=INDEXES)
PROJECT = Project("shop", Schema((ORDERS,)))
"""


def test_the_schema_is_compared_with_that_of_another_commit_as_its_own_code_tells_it(tmp_path: Path) -> None:
    project = tmp_path / "a repository" / "apps" / "shop"
    (project / "shop").mkdir(parents=True)
    (project / "tasks.py").write_text(TASKS, encoding="utf-8")
    (project / "shop" / "tables.py").write_text(PROJECT_FILE.replace("KEY", "day"), encoding="utf-8")
    git(tmp_path / "a repository", "init", "-q", "-b", "main")
    (tmp_path / "a repository" / "README.md").write_text("", encoding="utf-8")
    git(tmp_path / "a repository", "add", ".")
    git(project, "commit", "-qm", "before")
    changed = schema(Table("orders", Attribute("id"), billing_mode=BillingMode.ON_DEMAND, indexes=(WITHOUT_UNITS,)))
    Case(changed).found(project)
    (project / "shop" / "tables.py").write_text(PROJECT_FILE.replace("KEY", "phase"), encoding="utf-8")
    (found,) = lint(Project("shop", changed), project, against="main")["staging"]
    assert (found.code, found.subject, found.file, found.line) == ("L006", NEW, "shop/tables.py", 5)
    assert found.what == "orders/ByPhase is phase (S), ALL, and was day (S), ALL at main."
    with pytest.raises(UsageError, match="The schema at --output=x cannot be read"):
        lint(Project("shop", changed), project, against="--output=x")
    git(project, "rm", "-q", "--cached", "-r", ".")
    git(project, "commit", "-qm", "none", "--allow-empty")
    with pytest.raises(UsageError) as refused:
        lint(Project("shop", changed), project, against="HEAD")
    assert refused.value.why == "The folder apps/shop is not in it."


def test_a_commit_whose_code_does_not_run_is_refused_with_its_last_words(tmp_path: Path) -> None:
    project = checkout(tmp_path, Case())
    (tmp_path / "tasks.py").write_text("raise ValueError('too old')", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "all")
    with pytest.raises(UsageError) as refused:
        lint(project, tmp_path, against="HEAD")
    assert (refused.value.what, refused.value.why) == ("The schema at HEAD cannot be read.", "ValueError: too old.")


def test_git_and_the_code_of_a_commit_are_given_up_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = checkout(tmp_path, Case())
    (tmp_path / "tasks.py").write_text("while True: pass", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "all")
    real = subprocess.run

    for given_up in (sys.executable, "git"):

        def run(command: list[str], given_up: str = given_up, **options: Any) -> Any:
            if command[0] == given_up:
                raise subprocess.TimeoutExpired(command, options["timeout"])
            return real(command, **options)

        monkeypatch.setattr(subprocess, "run", run)
        with pytest.raises(UsageError) as refused:
            lint(project, tmp_path, against="HEAD")
        assert refused.value.why == f"{Path(given_up).name} gave no answer in 120 seconds."


def test_what_is_accepted_of_a_change_is_not_in_vain_without_one(tmp_path: Path) -> None:
    assert accepted(Case(), "L006", NEW).found(tmp_path) == []


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code: object = 0
    try:
        Invoke(name="./invoke", binary="./invoke").run(["./invoke", *arguments])
    except SystemExit as ended:
        code = ended.code
    assert isinstance(code, int)
    return code, str(capsys.readouterr().out)


def test_the_task_lints_every_stack_or_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CHECKOUT)
    # It needs no engine.
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    code, out = run(capsys, "schema.lint", "--json")
    assert (code, json.loads(out)["stacks"]) == (0, ["local", "prod", "staging"])
    code, out = run(capsys, "schema.lint", "--stack", "organization/sitelogix/staging")
    assert (code, out.splitlines()[-1]) == (0, "Linted staging: 0 errors, 2 warnings, 0 notes.")


def test_annotations_name_files_from_the_root_of_the_repository(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(CHECKOUT.parent))
    code, out = run(capsys, "schema.lint", "--stack", "staging", "--github")
    first = f"::warning file={CHECKOUT.name}/Pulumi.staging.yaml,line=4,title=L101 placeholder account::"
    assert (code, out.splitlines()[0].startswith(first)) == (0, True)
    monkeypatch.setenv("GITHUB_WORKSPACE", "/elsewhere")
    assert run(capsys, "schema.lint", "--stack", "staging", "--github")[1].startswith("::warning file=Pulumi.staging")
    assert run(capsys, "schema.lint", "--github", "--json")[0] == 2


def test_a_finding_is_told_with_where_what_why_and_what_to_do() -> None:
    shown = [line.plain if isinstance(line, Text) else line for line in LintResult({"a": (FINDING,)}).text()]
    assert shown == [
        "a,b:c.py:7: L101 error: a: title, and more",
        "  100 % wrong.\r",
        "  Why,\nthen: so.",
        "  To do: Edit it.",
        "Linted a: 1 error, 0 warnings, 0 notes.",
    ]
