"""The tasks of a project, as invoke wants them: `ns = collection(PROJECT, folder)` in a tasks.py is all of it."""

from __future__ import annotations

from pathlib import Path

from invoke.collection import Collection

from schema.project import Project
from terminal.tasks import back, change, github, local, look, observe, promote, schema, stack, stop
from terminal.workspace import TOOL, Workspace


def collection(project: Project, directory: Path) -> Collection:
    """Every task, for a project whose Pulumi.yaml and stack files are in that folder.

    The tasks for working on the tool itself are there only where the project is in the tool's own folder.
    """
    tasks = [*look.TASKS, *change.TASKS, *promote.TASKS, *observe.TASKS, *back.TASKS, *stop.TASKS, local.env]
    directory = directory.resolve()
    if directory == TOOL:
        from terminal.tasks import development

        tasks += development.TASKS
    named = {"github": github.TASKS, "local": local.TASKS, "schema": schema.TASKS, "stack": stack.TASKS}
    made = Collection(*tasks, *(Collection(name, *of_it) for name, of_it in named.items()))
    made.configure({"keyshift": {"workspace": Workspace(project, directory)}})
    return made
