"""Who does something to a stack: a user on a machine, an AWS identity, and in CI a person and a job."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stack.processes import who

LONGEST = 500
"""Characters that are kept of what CI says of itself."""


@dataclass(frozen=True)
class Author:
    """The user and machine (`by`, such as `deploy@build-7`), the ARN of the AWS identity (`caller`), and, as GitHub or
    GitLab say, the person who started the job (`actor`) and the URL of the `job`. What is not known is empty."""

    by: str
    caller: str = ""
    actor: str = ""
    job: str = ""

    @staticmethod
    def here(caller: str = "", environment: Mapping[str, str] = os.environ) -> Author:
        """Whoever runs this process, as AWS's identity `caller`."""
        return Author(who(), caller, _actor(environment)[:LONGEST], _job(environment)[:LONGEST])

    def facts(self) -> dict[str, str]:
        """What is known besides user and machine, by name."""
        known = {"caller": self.caller, "actor": self.actor, "job": self.job}
        return {name: text for name, text in known.items() if text}


def _actor(environment: Mapping[str, str]) -> str:
    # Who started this attempt: a job that was started again may be somebody else's.
    names = ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN")
    return next((environment[name] for name in names if environment.get(name)), "")


def _job(environment: Mapping[str, str]) -> str:
    server, repository, run = (environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return environment.get("CI_JOB_URL", "")
