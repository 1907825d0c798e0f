"""Tasks for a job of GitHub Actions: they show there how another task ended."""

from __future__ import annotations

import os
from pathlib import Path

from invoke.context import Context as Shell

from stack.file.names import find_stack_file, stack_name
from terminal.reporting import Result, command
from terminal.workspace import workspace_of

CODE = "the exit code of the task that is told of; empty if it told none, which counts as a failure"
FILE = "the Markdown that it wrote; a missing file is said to be missing"


@command(
    file=FILE,
    code=CODE,
    paths="folders (which end with /) and files besides the stack file that change the stack, separated by commas",
    issue="comment on this issue instead of the pull request of the job",
)
def comment(shell: Shell, file: str, stack: str = "local", code: str = "", paths: str = "", issue: int = 0) -> str:
    """Show a change document in the stack's one comment, which is edited in place."""
    from hosting.codes import ending
    from hosting.comments import marker, put_comment
    from hosting.github import GitHub
    from hosting.job import Job
    from hosting.others import others
    from hosting.telling import comment_text, document
    from schema.errors import UsageError

    workspace, job, github = workspace_of(shell), Job.of(os.environ), GitHub.of(os.environ)
    stack_file = find_stack_file(stack, workspace.directory)
    number = issue or job.pull_request
    if number is None:
        raise UsageError("There is nothing to comment on.", "The job has no pull request.", "Add --issue NUMBER.")
    mark, ended = marker(workspace.project.name, stack_name(stack)), ending(code)
    changing = [job.path_of(stack_file), *(path for path in paths.split(",") if path)]
    found = None if issue else others(github, job, changing)
    text = comment_text(mark, document(Path(file), f"Stack {stack_name(stack)}", ended), ended, job, found)
    return f"Told: {put_comment(github, job.repository, number, mark, text)}"


@command(name="the name of the check run", code=CODE, file=f"{FILE}. It becomes the job's summary, too")
def conclude(shell: Shell, name: str, code: str = "", file: str = "") -> Result:
    """Show how a task ended as a check run: exit code 3 is neutral. Ends with 0 for 0 and 3, else with that code."""
    from hosting.checks import conclude as make
    from hosting.codes import ending
    from hosting.github import GitHub
    from hosting.job import Job
    from hosting.telling import document
    from terminal.results.hosting import ConcludedResult

    job, github, ended = Job.of(os.environ), GitHub.of(os.environ), ending(code)
    text = document(Path(file), name, ended) if file else f"{ended}."
    job.summarise(text)
    return ConcludedResult(name, ended, make(github, job, name, ended, text))


TASKS = (comment, conclude)
