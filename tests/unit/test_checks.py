"""Style and types are checked by the same commands wherever they are checked."""

from __future__ import annotations

from pathlib import Path

from stack.file.strict_yaml import read

CHECKOUT = Path(__file__).resolve().parents[2]


def test_a_commit_is_checked_as_ci_checks_it() -> None:
    config = read((CHECKOUT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repository,) = config["repos"]
    (hook,) = repository["hooks"]
    assert repository["repo"] == "local", "another repository would be fetched, in a version of its own"
    assert (hook["entry"], hook["language"]) == ("./invoke lint", "system")
    assert (hook["pass_filenames"], hook["always_run"]) == (False, True)
    assert hook["entry"] in (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
