"""The words of our comment: the change document of a stack, and around it what only GitHub knows."""

from __future__ import annotations

from pathlib import Path

from hosting.codes import Ending
from hosting.comments import fitting
from hosting.job import Job
from hosting.others import Others


def document(file: Path, title: str, ending: Ending) -> str:
    """The document (Markdown) that a task wrote; where it wrote none, that it did not. An older text must not stay in
    the place of a missing one."""
    if file.is_file():
        return file.read_text(encoding="utf-8")
    return f"## {title}\n\n**There is no document of this run.** {ending}. The log of the job says why.\n"


def comment_text(mark: str, text: str, ending: Ending, job: Job, found: Others | None) -> str:
    """The whole comment: `mark`, what is known of other pull requests, the document, and how it was made."""
    notes = "\n".join(_notes(found)) if found else ""
    foot = f"\n*{ending}. Made of commit {job.commit[:12]} by [this job]({job.url}).*\n"
    return fitting(f"{mark}\n{notes}", text, foot)


def _notes(found: Others) -> list[str]:
    """The paragraphs on other pull requests. A number is enough: GitHub shows the title, which is somebody's words."""
    notes = []
    if found.changing:
        notes.append(
            f"> **Also changing this stack: {_numbers(found.changing)}.** What is shown here does not hold that. "
            "Merge one, then update the branch of the other: it is previewed anew.\n"
        )
    if found.not_known:
        notes.append(f"> Not known of {_numbers(found.not_known)}: only a part of its files was looked at.\n")
    if not found.all_seen:
        notes.append("> Not every open pull request was looked at, only those that were changed last.\n")
    return notes


def _numbers(numbers: tuple[int, ...]) -> str:
    return ", ".join(f"#{number}" for number in numbers)
