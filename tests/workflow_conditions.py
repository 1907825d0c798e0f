"""When the jobs of the workflows run, and when they do not."""

from __future__ import annotations

from collections.abc import Callable

from tests.workflows import Situation, Workflows, runs


def told(**needs: str) -> dict[str, str]:
    """What jobs before have told: `staging="0 2"` is its exit code and its steps, `staging="3 2 true"` says besides
    that all new indexes are read-ready (after exit code 0 they are), a word is its result."""
    contexts = dict[str, str]()
    for job, text in needs.items():
        before = f"needs.{job.replace('_', '-')}"
        if text.isalpha():
            contexts[f"{before}.result"] = text
            continue
        code, steps, ready = [*text.split(), "", ""][:3]
        contexts |= {
            f"{before}.result": "success",
            f"{before}.outputs.exit-code": code,
            f"{before}.outputs.steps": steps,
            f"{before}.outputs.read-ready": "true" if code == "0" else ready,
        }
    return contexts


def of(condition: str | None, contexts: dict[str, str], **more: bool) -> bool:
    skipped = any(value in {"skipped", "failure"} for value in contexts.values())
    return runs(condition, Situation(contexts, **{"failed": skipped, **more}))


def a_preview_gets_credentials_only_for_branches_of_this_repository(found: Workflows) -> None:
    condition = found["pull-request"]["jobs"]["preview"]["if"]
    head, here = "github.event.pull_request.head.repo.full_name", {"github.repository": "team/things"}
    assert of(condition, {head: "team/things", **here})
    assert not of(condition, {head: "fork/things", **here})
    # The repository of a deleted fork is null.
    assert not of(condition, here)
    assert not of(condition, {head: "team/things", **here}, cancelled=True)


def staging_is_migrated_on_every_merge_and_schedule_and_by_hand_if_asked_for(found: Workflows) -> None:
    condition = found["migrate"]["jobs"]["staging"]["if"]
    by_hand = {"github.event_name": "workflow_dispatch"}
    assert of(condition, {"github.event_name": "push"})
    assert of(condition, {"github.event_name": "schedule"})
    assert of(condition, {**by_hand, "inputs.stack": "staging"})
    assert not of(condition, {**by_hand, "inputs.stack": "prod"})
    assert not of(condition, {"github.event_name": "push"}, cancelled=True)


def staging_is_checked_of_each_commit_and_after_the_run_that_ended_the_migration(found: Workflows) -> None:
    condition = found["migrate"]["jobs"]["checks"]["if"]
    merged, later = {"github.event_name": "push"}, {"github.event_name": "schedule"}
    assert of(condition, {**told(staging="0 0"), **merged})
    assert of(condition, {**told(staging="0 34"), **later})
    assert not of(condition, {**told(staging="0 0"), **later})
    # An old index waits for its gate, maybe for weeks.
    assert of(condition, {**told(staging="3 34 true"), **later})
    assert not of(condition, {**told(staging="3 0 true"), **later})
    # A new index waits; or the run told nothing besides its exit code.
    assert not of(condition, {**told(staging="3 5 false"), **merged})
    assert not of(condition, {**told(staging="3"), **merged})
    assert not of(condition, {**told(staging="failure"), **merged})
    assert not of(condition, {**told(staging="0 34"), **merged}, cancelled=True)


def staging_is_loaded_only_after_it_was_changed(found: Workflows) -> None:
    condition = found["migrate"]["jobs"]["loadtest"]["if"]
    assert of(condition, told(staging="0 34"))
    assert of(condition, told(staging="3 34 true"))
    assert not of(condition, told(staging="0 0"))
    assert not of(condition, told(staging="3 5 false"))
    assert not of(condition, told(staging="failure"))
    assert not of(condition, told(staging="0 34"), cancelled=True)


def staging_is_attested_when_all_that_it_waits_for_is_to_remove_old_indexes(found: Workflows) -> None:
    condition = found["migrate"]["jobs"]["attest"]["if"]
    assert of(condition, told(staging="0 34"))
    assert of(condition, told(staging="0 0", checks="skipped"))
    # Prod by hand.
    assert of(condition, told(staging="skipped", checks="skipped"))
    assert of(condition, told(staging="3 0 true", checks="skipped"))
    assert not of(condition, told(staging="3 5 false", checks="skipped"))
    assert not of(condition, told(staging="3", checks="skipped"))
    assert not of(condition, told(staging="failure", checks="skipped"))
    assert not of(condition, told(staging="0 34"), cancelled=True)
    assert not of(condition, told(staging="skipped"), cancelled=True)


def prod_is_looked_at_only_once_staging_is_attested(found: Workflows) -> None:
    condition = found["migrate"]["jobs"]["prod-change"]["if"]
    assert of(condition, told(staging="0 0", checks="skipped", attest="0"))
    assert of(condition, {**told(staging="skipped", attest="0"), "inputs.stack": "prod"})
    assert not of(condition, {**told(attest="0"), "inputs.stack": "staging"})
    assert not of(condition, told(attest="3"))
    assert not of(condition, told(attest="failure"))
    assert not of(condition, told(attest="0"), cancelled=True)


def prod_is_migrated_only_on_what_was_attested_and_shown_and_only_if_something_is_to_do(found: Workflows) -> None:
    condition = found["migrate"]["jobs"]["prod"]["if"]
    shown = {"prod_change": "- 4"}
    assert of(condition, told(checks="skipped", attest="0", **shown))
    assert not of(condition, told(attest="0", prod_change="- 0"))
    assert not of(condition, told(attest="0", prod_change="failure"))
    assert not of(condition, told(attest="0", prod_change="skipped"))
    assert not of(condition, told(attest="3", **shown))
    assert not of(condition, told(attest="0", **shown), cancelled=True)


def prod_is_watched_after_the_run_that_ended_its_migration(found: Workflows) -> None:
    condition = found["migrate"]["jobs"]["prod-watch"]["if"]
    assert of(condition, told(checks="skipped", prod="0 34"))
    assert not of(condition, told(prod="0 0"))
    assert of(condition, told(prod="3 34 true"))
    assert not of(condition, told(prod="3 0 true"))
    assert not of(condition, told(prod="3 5 false"))
    assert not of(condition, told(prod="3"))
    assert not of(condition, told(prod="0 34"), cancelled=True)


CONDITIONS: list[Callable[[Workflows], None]] = [
    a_preview_gets_credentials_only_for_branches_of_this_repository,
    staging_is_migrated_on_every_merge_and_schedule_and_by_hand_if_asked_for,
    staging_is_checked_of_each_commit_and_after_the_run_that_ended_the_migration,
    staging_is_loaded_only_after_it_was_changed,
    staging_is_attested_when_all_that_it_waits_for_is_to_remove_old_indexes,
    prod_is_looked_at_only_once_staging_is_attested,
    prod_is_migrated_only_on_what_was_attested_and_shown_and_only_if_something_is_to_do,
    prod_is_watched_after_the_run_that_ended_its_migration,
]
