"""A check run: the only way in which GitHub shows that something is neither a success nor a failure."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter

from hosting.codes import Ending
from hosting.comments import fitting
from hosting.github import GitHub, read
from hosting.job import Job


class _Made(BaseModel):
    html_url: str


def conclude(github: GitHub, job: Job, name: str, ending: Ending, text: str) -> str:
    """Makes a finished check run of that name on the job's commit, with a Markdown text; a newer one of the same name
    takes its place. Returns its URL. Raises GitHubError."""
    body = {
        "name": name,
        "head_sha": job.commit,
        "status": "completed",
        "conclusion": ending.conclusion,
        "details_url": job.url,
        "output": {"title": str(ending), "summary": fitting("", text, f"[The job]({job.url})")},
    }
    return read(TypeAdapter(_Made), github.post(f"/repos/{job.repository}/check-runs", body)).html_url
