"""The digest of what decides what a migration does: the same wherever that is the same, and another where it is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from stack.promotion import code
from stack.promotion.code import clean_commit, code_digest, commit_of, is_same_code

AUTHOR = ["-c", "user.name=a test", "-c", "user.email=test@example.com"]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tool and its project in one folder."""
    made = tmp_path / "checkout"
    for name, text in {
        "schema/model.py": "A = 1\n",
        "shop/tables.py": "B = 2\n",
        "tests/test_a.py": "",
        "local/stack.py": "",
        "requirements.lock": "boto3==1\n",
        "README.md": "",
    }.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(code, "TOOL", made)
    return made


def write(checkout: Path, name: str, text: str) -> None:
    path = checkout / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def git(checkout: Path, *arguments: str) -> str:
    command = ["git", "-C", str(checkout), *AUTHOR, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tests/test_a.py", "changed = True\n"),
        ("local/stack.py", "changed = True\n"),
        ("README.md", "changed\n"),
        ("Pulumi.prod.yaml", "config: {}\n"),
        (".venv/lib/x.py", "changed = True\n"),
        ("schema/model.py", "A = 1\r\n"),
    ],
)
def test_what_decides_nothing_does_not_change_it(checkout: Path, name: str, text: str) -> None:
    before = code_digest(checkout)
    write(checkout, name, text)
    assert code_digest(checkout) == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("schema/model.py", "A = 2\n"),
        ("shop/tables.py", "B = 3\n"),
        ("shop/more.py", ""),
        ("shop/tests/rules.py", "C = 3\n"),
        ("__main__.py", "D = 4\n"),
    ],
)
def test_a_file_that_would_run_changes_it_also_when_git_does_not_know_it(checkout: Path, name: str, text: str) -> None:
    before = code_digest(checkout)
    write(checkout, name, text)
    assert code_digest(checkout) != before


def test_it_does_not_depend_on_where_the_checkout_is(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest(checkout)
    elsewhere = checkout.rename(checkout.with_name("elsewhere"))
    monkeypatch.setattr(code, "TOOL", elsewhere)
    assert code_digest(elsewhere) == before


def test_a_project_in_a_folder_of_its_own_counts_with_the_tool(checkout: Path, tmp_path: Path) -> None:
    project = tmp_path / "orders"
    write(project, "orders/rules.py", "E = 5\n")
    before = code_digest(project)
    assert before != code_digest(checkout)
    write(project, "orders/rules.py", "E = 6\n")
    after = code_digest(project)
    assert after != before
    write(checkout, "schema/model.py", "A = 3\n")
    assert code_digest(project) not in {before, after}


def test_a_text_cannot_pass_for_another_file_s(checkout: Path) -> None:
    write(checkout, "shop/a.py", "1")
    write(checkout, "shop/b.py", "2")
    before = code_digest(checkout)
    write(checkout, "shop/a.py", "12")
    write(checkout, "shop/b.py", "")
    assert code_digest(checkout) != before


def test_a_commit_is_known_where_no_tracked_file_differs_from_it(checkout: Path) -> None:
    assert (commit_of(checkout), clean_commit(checkout)) == ("", None)
    git(checkout, "init", "--quiet")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "one")
    commit = git(checkout, "rev-parse", "HEAD")
    assert (commit_of(checkout), clean_commit(checkout)) == (commit, commit)
    write(checkout, "schema/model.py", "A = 2\n")
    assert (commit_of(checkout), clean_commit(checkout)) == (f"{commit}-dirty", None)


def test_the_code_of_a_commit_is_the_same_until_code_changes(checkout: Path) -> None:
    assert not is_same_code(checkout, "0" * 40)
    git(checkout, "init", "--quiet")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "one")
    commit = git(checkout, "rev-parse", "HEAD")
    write(checkout, "Pulumi.prod.yaml", "config: {}\n")
    write(checkout, "tests/test_a.py", "changed = True\n")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "an override")
    assert is_same_code(checkout, commit[:12])
    write(checkout, "shop/tables.py", "B = 3\n")
    assert not is_same_code(checkout, commit)


def committed(checkout: Path) -> str:
    git(checkout, "init", "--quiet")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "one")
    return git(checkout, "rev-parse", "HEAD")


def test_a_file_that_git_does_not_know_is_not_of_that_commit(checkout: Path) -> None:
    commit = committed(checkout)
    write(checkout, ".venv/lib/x.py", "")
    write(checkout, "tests/test_b.py", "")
    assert is_same_code(checkout, commit)
    write(checkout, "shop/more.py", "C = 3\n")
    assert not is_same_code(checkout, commit)
    # Not even where git is told to look away.
    write(checkout, ".gitignore", "more.py\n")
    assert not is_same_code(checkout, commit)


def test_the_project_file_counts_for_it_holds_what_is_set_where_a_stack_sets_nothing(checkout: Path) -> None:
    write(checkout, "Pulumi.yaml", "name: shop\n")
    before, commit = code_digest(checkout), committed(checkout)
    write(checkout, "Pulumi.yaml", "name: shop\nconfig: {shop:brownOutMinutes: {default: 0}}\n")
    assert code_digest(checkout) != before
    assert not is_same_code(checkout, commit)


def test_code_behind_a_link_counts_as_it_would_run(checkout: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    write(shared, "rules.py", "F = 6\n")
    (checkout / "shop" / "shared").symlink_to(shared)
    before = code_digest(checkout)
    write(shared, "rules.py", "F = 7\n")
    assert code_digest(checkout) != before


def test_a_link_to_a_folder_around_it_is_no_endless_way(checkout: Path) -> None:
    before = code_digest(checkout)
    (checkout / "shop" / "around").symlink_to(checkout)
    assert code_digest(checkout) == before


def test_a_commit_is_not_known_where_a_file_that_would_run_is_not_of_it(checkout: Path) -> None:
    commit = committed(checkout)
    write(checkout, "tests/test_b.py", "")
    write(checkout, "notes.txt", "")
    assert clean_commit(checkout) == commit
    write(checkout, "scratch.py", "")
    assert clean_commit(checkout) is None


def test_a_link_within_the_checkout_is_of_the_commit_and_one_out_of_it_is_not(checkout: Path, tmp_path: Path) -> None:
    (checkout / "linked").symlink_to(checkout / "shop")
    commit = committed(checkout)
    assert (clean_commit(checkout), is_same_code(checkout, commit)) == (commit, True)
    write(tmp_path / "shared", "rules.py", "")
    (checkout / "shared").symlink_to(tmp_path / "shared")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "two")
    assert clean_commit(checkout) is None
