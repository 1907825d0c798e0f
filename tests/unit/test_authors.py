"""Who a run says that it is of: on a laptop, in CI, and in a container whose user has no name."""

from __future__ import annotations

import getpass
import os
import pwd
import re

import pytest

from stack.ledger.authors import LONGEST, Author
from stack.ledger.holder import Holder
from stack.processes import Process, host, named, user, who

CALLER = "arn:aws:sts::123456789012:assumed-role/deploy/ci"
GITHUB = {
    "GITHUB_ACTOR": "ana",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "team/tables",
    "GITHUB_RUN_ID": "4711",
}
GITLAB = {"GITLAB_USER_LOGIN": "ben", "CI_JOB_URL": "https://gitlab.com/team/tables/-/jobs/12"}


def test_a_laptop_has_a_user_and_a_machine_and_no_job() -> None:
    assert Author.here(CALLER, {}) == Author(who(), CALLER, "", "")
    assert Author.here("", {}).facts() == {}


def test_a_job_of_github_is_named_by_its_actor_and_its_url() -> None:
    author = Author.here(CALLER, GITHUB)
    assert (author.actor, author.job) == ("ana", "https://github.com/team/tables/actions/runs/4711")
    assert author.facts() == {"caller": CALLER, "actor": "ana", "job": author.job}


def test_a_job_that_somebody_else_has_started_again_is_theirs() -> None:
    assert Author.here("", {**GITHUB, "GITHUB_TRIGGERING_ACTOR": "cid"}).actor == "cid"


def test_a_job_of_gitlab_is_named_by_its_user_and_its_url() -> None:
    assert Author.here("", GITLAB) == Author(who(), "", "ben", "https://gitlab.com/team/tables/-/jobs/12")


def test_half_of_a_url_is_none() -> None:
    assert Author.here("", {**GITHUB, "GITHUB_REPOSITORY": ""}).job == ""


def test_what_ci_says_is_kept_only_so_far() -> None:
    assert len(Author.here("", {"GITHUB_ACTOR": "a" * 5000}).actor) == LONGEST


@pytest.mark.parametrize("missing", [KeyError("uid not found: 12345"), OSError("No username set")])
def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch, missing: Exception) -> None:
    def nobody() -> str:
        raise missing

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert user() == f"uid-{os.getuid()}"
    assert re.fullmatch(rf"uid-\d+@{re.escape(host())}", who())


def test_pulumi_is_told_a_name_for_a_user_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named() == {}

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/work")
    assert named() == {"USER": f"uid-{os.getuid()}", "HOME": "/work"}


def test_a_holder_is_read_as_it_was_written_and_one_of_version_0_1_0_too() -> None:
    holder = Holder(
        "t", "r", "migrate", Author.here(CALLER, GITHUB), "2026-01-02T03:04:05Z", 5.25, 60, Process("m", 7, 1.5)
    )
    record = holder.record()
    assert Holder.of(record) == holder
    assert str(holder) == f"migrate by {who()} (ana), since 2026-01-02T03:04:05Z"
    older = {name: value for name, value in record.items() if name not in {"caller", "actor", "job"}}
    assert Holder.of(older).author == Author(who())
