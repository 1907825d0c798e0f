"""What the workflows of .github/workflows promise: each claim looks at all of them, and asserts."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from tests.workflow_conditions import CONDITIONS
from tests.workflows import Situation, Workflows, jobs, runs

Job = tuple[str, str]
STAGING, PROD = "migrate-staging", "migrate-prod"


def triggers_are_these(found: Workflows) -> None:
    assert {name: workflow["on"] for name, workflow in found.items()} == {
        "pull-request": {"pull_request": None},
        "migrate": {
            "push": {"branches": ["main"]},
            "schedule": [{"cron": "17 */2 * * *"}],
            "workflow_dispatch": {
                "inputs": {
                    "stack": {
                        "description": "Which stack to migrate",
                        "type": "choice",
                        "options": ["staging", "prod"],
                        "required": True,
                    }
                }
            },
        },
        "nightly": {"schedule": [{"cron": "41 2 * * *"}], "workflow_dispatch": None},
    }


READ = {"contents": "read"}
AWS = {**READ, "id-token": "write"}
CONCLUDING = {**AWS, "checks": "write"}
PERMISSIONS: dict[Job, dict[str, str]] = {
    ("pull-request", "tests"): READ,
    ("pull-request", "preview"): {**CONCLUDING, "pull-requests": "write"},
    ("migrate", "staging"): CONCLUDING,
    ("migrate", "checks"): AWS,
    ("migrate", "loadtest"): AWS,
    ("migrate", "attest"): CONCLUDING,
    ("migrate", "prod-change"): CONCLUDING,
    ("migrate", "prod"): CONCLUDING,
    ("migrate", "prod-watch"): CONCLUDING,
    ("nightly", "conformance"): READ,
    ("nightly", "faults"): READ,
    ("nightly", "long"): READ,
    ("nightly", "drift"): {**CONCLUDING, "issues": "write"},
}


def each_job_has_the_permissions_that_it_needs_and_no_other(found: Workflows) -> None:
    assert {name: workflow["permissions"] for name, workflow in found.items()} == {name: {} for name in found}
    assert {(name, job): body["permissions"] for name, job, body in jobs(found)} == PERMISSIONS


def one_job_at_a_time_works_on_a_stack_and_none_is_cancelled_for_another(found: Workflows) -> None:
    waiting = {"cancel-in-progress": False}
    preview = {"group": "preview-${{ matrix.stack }}", **waiting, "queue": "max"}
    assert {(name, job): body["concurrency"] for name, job, body in jobs(found) if "concurrency" in body} == {
        ("pull-request", "tests"): {"group": "tests-${{ github.ref }}", "cancel-in-progress": True},
        ("pull-request", "preview"): preview,
        ("nightly", "drift"): preview,
        ("migrate", "prod-change"): {**preview, "group": "preview-prod"},
        ("migrate", "staging"): {"group": STAGING, **waiting},
        ("migrate", "prod"): {"group": PROD, **waiting},
    }
    assert [name for name, workflow in found.items() if "concurrency" in workflow] == []


def whoever_may_write_to_a_stack_is_in_its_environment(found: Workflows) -> None:
    assert {(name, job): body["environment"] for name, job, body in jobs(found) if "environment" in body} == {
        ("migrate", "staging"): "staging",
        ("migrate", "checks"): "staging",
        ("migrate", "loadtest"): "staging",
        ("migrate", "attest"): "staging",
        ("migrate", "prod"): "prod",
    }


def every_role_is_the_least_one(found: Workflows) -> None:
    def role(job: Any) -> str:
        given = [step["with"]["role-to-assume"] for step in job["steps"] if "configure-aws" in step.get("uses", "")]
        return " ".join(given)

    previews = [
        {"stack": "staging", "role": "${{ vars.PREVIEW_ROLE_STAGING }}"},
        {"stack": "prod", "role": "${{ vars.PREVIEW_ROLE_PROD }}"},
    ]
    assert {(name, job): role(body) for name, job, body in jobs(found) if role(body)} == {
        ("pull-request", "preview"): "${{ matrix.role }}",
        ("nightly", "drift"): "${{ matrix.role }}",
        ("migrate", "staging"): "${{ vars.MIGRATE_ROLE_STAGING }}",
        ("migrate", "checks"): "${{ vars.MIGRATE_ROLE_STAGING }}",
        ("migrate", "loadtest"): "${{ vars.LOADTEST_ROLE_STAGING }}",
        ("migrate", "attest"): "${{ vars.MIGRATE_ROLE_STAGING }}",
        ("migrate", "prod-change"): "${{ vars.PREVIEW_ROLE_PROD }}",
        ("migrate", "prod"): "${{ vars.MIGRATE_ROLE_PROD }}",
        ("migrate", "prod-watch"): "${{ vars.WATCH_ROLE_PROD }}",
    }
    for name, job in (("pull-request", "preview"), ("nightly", "drift")):
        assert found[name]["jobs"][job]["strategy"] == {"fail-fast": False, "matrix": {"include": previews}}


def no_job_hangs_and_none_is_killed_while_its_task_has_time_left(found: Workflows) -> None:
    limits = {(name, job): body["timeout-minutes"] for name, job, body in jobs(found)}
    assert limits == {
        ("pull-request", "tests"): 60,
        ("pull-request", "preview"): 30,
        ("migrate", "staging"): 345,
        ("migrate", "checks"): 120,
        ("migrate", "loadtest"): 60,
        ("migrate", "attest"): 30,
        ("migrate", "prod-change"): 30,
        ("migrate", "prod"): 345,
        ("migrate", "prod-watch"): 280,
        ("nightly", "conformance"): 120,
        ("nightly", "faults"): 240,
        ("nightly", "long"): 120,
        ("nightly", "drift"): 30,
    }
    for name, job, body in jobs(found):
        given = re.search(r"--for (\d+)(m|h)", str([step.get("run") for step in body["steps"]]))
        if given:
            minutes = int(given[1]) * {"m": 1, "h": 60}[given[2]]
            lasting = next(
                int(step["with"].get("role-duration-seconds", 3600))
                for step in body["steps"]
                if "aws-region" in step.get("with", {})
            )
            assert minutes < limits[name, job] < 360
            assert lasting >= limits[name, job] * 60


def no_other_job_has_a_condition(found: Workflows) -> None:
    assert {(name, job) for name, job, body in jobs(found) if "if" in body} == {
        ("pull-request", "preview"),
        *(("migrate", job) for job in ("staging", "checks", "loadtest", "attest", "prod-change", "prod", "prod-watch")),
    }


def each_job_waits_for_those_whose_answers_it_needs(found: Workflows) -> None:
    assert {(name, job): body["needs"] for name, job, body in jobs(found) if "needs" in body} == {
        ("migrate", "checks"): ["staging"],
        ("migrate", "loadtest"): ["staging"],
        ("migrate", "attest"): ["staging", "checks", "loadtest"],
        ("migrate", "prod-change"): ["attest"],
        ("migrate", "prod"): ["attest", "prod-change"],
        ("migrate", "prod-watch"): ["attest", "prod"],
    }
    for name, job, body in jobs(found):
        asked = set(re.findall(r"needs\.([\w-]+)\.", str(body)))
        assert asked <= set(body.get("needs", [])), (name, job)
        for before, output in re.findall(r"needs\.([\w-]+)\.outputs\.([\w-]+)", str(body)):
            assert output in found[name]["jobs"][before]["outputs"], (name, job)


ALSO_AFTER_A_FAILURE = {
    "Keep the change document",
    "Keep the result",
    "Comment",
    "What is left",
    "Lint of schema and stack files",
}
ALWAYS = {"Conclude", "Keep report and change document"}


def what_came_of_a_task_is_shown_however_it_ended(found: Workflows) -> None:
    wanted = {"vars.DRIFT_ISSUE": "12"}
    endings = [Situation(wanted), Situation(wanted, failed=True), Situation(wanted, cancelled=True)]
    for name, job, body in jobs(found):
        for step in body["steps"]:
            title = step.get("name", "")
            expected = [True, title in ALSO_AFTER_A_FAILURE | ALWAYS, title in ALWAYS]
            assert [runs(step.get("if"), each) for each in endings] == expected, (name, job, title)
    (drift,) = (step for step in found["nightly"]["jobs"]["drift"]["steps"] if step.get("name") == "Comment")
    assert not runs(drift["if"], Situation())


def a_task_whose_exit_code_is_concluded_does_not_end_its_job_and_no_other_step_may_fail_unseen(
    found: Workflows,
) -> None:
    for name, job, body in jobs(found):
        concluded = re.findall(r"steps\.([\w-]+)\.outputs\.exit-code", str(body["steps"]))
        unseen = [step for step in body["steps"] if step.get("continue-on-error")]
        assert {step["id"] for step in unseen if "id" in step} == set(concluded), (name, job)
        assert [step["name"] for step in unseen if "id" not in step] in ([], ["What is left"]), (name, job)
        looked = [step for step in body["steps"] if step.get("name") == "What is left"]
        assert [step["continue-on-error"] for step in looked] == [True] * len(looked)
        ids = {step["id"] for step in body["steps"] if step.get("id")}
        assert ids == set(concluded), (name, job)
        assert "continue-on-error" not in body
        last = body["steps"][-1]
        assert not concluded or last["run"].startswith("exec ./invoke github.conclude "), (name, job)
        assert "continue-on-error" not in last


def prod_gets_the_attested_commit(found: Workflows) -> None:
    def reference(job: Any) -> str:
        (checkout,) = (step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@"))
        assert checkout["with"]["persist-credentials"] is False
        return str(checkout["with"].get("ref", ""))

    attested = "${{ needs.attest.outputs.commit }}"
    assert {(name, job): reference(body) for name, job, body in jobs(found) if reference(body)} == {
        ("migrate", job): attested for job in ("prod-change", "prod", "prod-watch")
    }


def what_compares_commits_has_all_of_them(found: Workflows) -> None:
    for name, job, body in jobs(found):
        (checkout,) = (step for step in body["steps"] if step.get("uses", "").startswith("actions/checkout@"))
        # A lint, an approval, an override and an attestation each name a commit or the age of a line.
        whole = (name, job) not in {("nightly", each) for each in ("conformance", "faults", "long")}
        assert checkout["with"].get("fetch-depth") == (0 if whole else None), (name, job)


def no_expression_stands_in_a_script_and_a_task_replaces_its_shell(found: Workflows) -> None:
    for name, job, body in jobs(found):
        for step in body["steps"]:
            if "run" in step:
                assert "${{" not in step["run"], (name, job)
                assert step["run"].strip().splitlines()[-1].startswith("exec "), (name, job)


def each_job_runs_the_tasks_that_a_person_runs(found: Workflows) -> None:
    def run_by(job: Any) -> list[str]:
        scripts = [step["run"].strip().splitlines()[-1] for step in job["steps"] if "run" in step]
        return [re.sub(r"^exec (\./invoke )?([\w./-]+).*", r"\2", script) for script in scripts]

    assert {(name, job): run_by(body) for name, job, body in jobs(found)} == {
        ("pull-request", "tests"): [".ci/run", "schema.lint"],
        ("pull-request", "preview"): ["preview", "github.comment", "github.conclude"],
        ("migrate", "staging"): ["migrate", "preview", "github.conclude"],
        ("migrate", "checks"): ["check"],
        ("migrate", "loadtest"): ["loadtest"],
        ("migrate", "attest"): ["attest", "github.conclude"],
        ("migrate", "prod-change"): ["preview", "github.conclude"],
        ("migrate", "prod"): ["migrate", "preview", "github.conclude"],
        ("migrate", "prod-watch"): ["watch", "github.conclude"],
        ("nightly", "conformance"): ["pulumi", "conformance"],
        ("nightly", "faults"): ["test"],
        ("nightly", "long"): ["test"],
        ("nightly", "drift"): ["preview", "github.comment", "github.conclude"],
    }


def what_a_task_told_is_handed_on_as_it_was(found: Workflows) -> None:
    values = {
        "GITHUB_TOKEN": "${{ github.token }}",
        "STACK": "${{ matrix.stack }}",
        "RATE": "${{ vars.LOADTEST_RATE }}",
        "ISSUE": "${{ vars.DRIFT_ISSUE }}",
    }
    for name, job, body in jobs(found):
        ids = [step["id"] for step in body["steps"] if "id" in step]
        for env in (body.get("env", {}), *(step.get("env", {}) for step in body["steps"])):
            known = {**values, "CODE": f"${{{{ steps.{' '.join(ids)}.outputs.exit-code }}}}"}
            assert {key: known.get(key, value) for key, value in env.items()} == env, (name, job)
        for key, value in body.get("outputs", {}).items():
            assert value == f"${{{{ steps.{' '.join(ids)}.outputs.{key} }}}}", (name, job)
        for step in body["steps"]:
            used = set(re.findall(r"\$([A-Z_]+)", step.get("run", ""))) - {"RUNNER_TEMP", "HOME"}
            assert set(step.get("env", {})) - {"GITHUB_TOKEN"} == used - set(body.get("env", {})), (name, job)
    told = {(name, job): set(body["outputs"]) for name, job, body in jobs(found) if "outputs" in body}
    assert told == {
        ("migrate", "staging"): {"exit-code", "steps", "read-ready"},
        ("migrate", "attest"): {"exit-code", "commit"},
        ("migrate", "prod-change"): {"steps"},
        ("migrate", "prod"): {"exit-code", "steps", "read-ready"},
    }
    assert found["nightly"]["jobs"]["conformance"]["env"] == {"AWS_PLUGIN": version("pulumi-aws")}


def the_token_is_given_only_to_the_steps_that_tell_github(found: Workflows) -> None:
    for name, job, body in jobs(found):
        assert "GITHUB_TOKEN" not in body.get("env", {})
        for step in body["steps"]:
            tells = " ./invoke github." in f" {step.get('run', '')}"
            assert ("GITHUB_TOKEN" in step.get("env", {})) is tells, (name, job)
            assert "secrets." not in str(step)


CLAIMS: list[Callable[[Workflows], None]] = [
    *CONDITIONS,
    triggers_are_these,
    each_job_has_the_permissions_that_it_needs_and_no_other,
    one_job_at_a_time_works_on_a_stack_and_none_is_cancelled_for_another,
    whoever_may_write_to_a_stack_is_in_its_environment,
    every_role_is_the_least_one,
    no_job_hangs_and_none_is_killed_while_its_task_has_time_left,
    no_other_job_has_a_condition,
    each_job_waits_for_those_whose_answers_it_needs,
    what_came_of_a_task_is_shown_however_it_ended,
    a_task_whose_exit_code_is_concluded_does_not_end_its_job_and_no_other_step_may_fail_unseen,
    prod_gets_the_attested_commit,
    what_compares_commits_has_all_of_them,
    no_expression_stands_in_a_script_and_a_task_replaces_its_shell,
    each_job_runs_the_tasks_that_a_person_runs,
    what_a_task_told_is_handed_on_as_it_was,
    the_token_is_given_only_to_the_steps_that_tell_github,
]
