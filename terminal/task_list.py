"""What `./invoke`, `./invoke --help` and `./invoke --list` show: the tasks, grouped by what a person wants to do."""

from __future__ import annotations

from collections.abc import Iterable

from invoke.exceptions import Exit
from invoke.program import Program
from invoke.util import helpline

GROUPS = {
    "Look": ("status", "plan", "gate", "verify", "history", "preview", "env"),
    "Change": ("migrate", "backfill", "late-writers", "capacity", "approve"),
    "Go back": ("rollback",),
    "Stop and go on": ("pause", "resume", "unlock"),
    "Local stack": ("local.up", "local.down", "local.reset"),
    "Work on the project": ("test", "lint", "conformance", "bench"),
}
"""Each task of tasks.py in one group, in the order in which they are shown."""

OTHERS = "Others"
"""The group of tasks that GROUPS does not name, such as those that another project adds."""


class TaskList(Program):
    """An invoke program that lists its tasks in groups."""

    def list_flat(self) -> None:
        """Prints the groups; what is asked of a part of the tasks (`--list local`, `--list-depth`) is not grouped."""
        if self.list_root or self.list_depth:
            super().list_flat()
            return
        names = self.collection.task_names
        width = max(map(len, names))
        for title, members in grouped(names).items():
            print(f"{title}:")
            self.print_columns([(name.ljust(width), helpline(self.collection[name])) for name in members])

    def print_help(self) -> None:
        """Prints invoke's own options, then the tasks."""
        super().print_help()
        # Invoke answers a bare --help before it reads the tasks.
        self.load_collection()
        self._list_everything()

    def no_tasks_given(self) -> None:
        print(f"Usage: {self.binary} TASK [--option ...]\n")
        self._list_everything()
        print(f"{self.binary} --help TASK shows the options of a task.")
        raise Exit

    def _list_everything(self) -> None:
        self.list_root = self.list_depth = None
        self.list_flat()


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """The tasks by group, each in its place; without the groups that have none."""
    rest = sorted(names)
    groups: dict[str, list[str]] = {}
    for title, members in GROUPS.items():
        groups[title] = [name for name in members if name in rest]
        rest = [name for name in rest if name not in members]
    groups[OTHERS] = rest
    return {title: members for title, members in groups.items() if members}
