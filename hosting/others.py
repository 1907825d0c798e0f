"""Other open pull requests that change what a stack is made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pydantic import BaseModel, Field, TypeAdapter

from hosting.github import GitHub, read
from hosting.job import Job

MOST_PAGES = 10
"""Pages of 50 pull requests that are looked at, those that were changed last first."""
FILES = 100
"""Files of a pull request that are looked at: the most that one query gives."""
QUERY = f"""
query($owner: String!, $name: String!, $base: String!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    pullRequests(
      states: OPEN, baseRefName: $base, first: 50, after: $after, orderBy: {{field: UPDATED_AT, direction: DESC}}
    ) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ number files(first: {FILES}) {{ pageInfo {{ hasNextPage }} nodes {{ path }} }} }}
    }}
  }}
}}
"""
"""One query for 50 pull requests. REST would need one more request for each, of the 1,000 an hour that a job's token
has."""


class _PageInfo(BaseModel):
    hasNextPage: bool  # noqa: N815  # GitHub's name
    endCursor: str | None = None  # noqa: N815  # GitHub's name


class _File(BaseModel):
    path: str


class _Files(BaseModel):
    pageInfo: _PageInfo  # noqa: N815  # GitHub's name
    nodes: list[_File]


class _PullRequest(BaseModel):
    number: int
    files: _Files | None = None


class _PullRequests(BaseModel):
    pageInfo: _PageInfo  # noqa: N815  # GitHub's name
    nodes: list[_PullRequest]


class _Repository(BaseModel):
    pull_requests: _PullRequests = Field(alias="pullRequests")


class _Data(BaseModel):
    repository: _Repository


class _Answer(BaseModel):
    data: _Data


@dataclass(frozen=True)
class Others:
    """The numbers of other open pull requests that change the paths; those of which it is `not_known`; and whether all
    of them were looked at."""

    changing: tuple[int, ...]
    not_known: tuple[int, ...]
    all_seen: bool


def others(github: GitHub, job: Job, paths: Collection[str]) -> Others:
    """The open pull requests into the same branch that change one of the paths (files, or folders that end with `/`).
    Raises GitHubError."""
    owner, _, name = job.repository.partition("/")
    changing, not_known, after = list[int](), list[int](), None
    for _ in range(MOST_PAGES):
        variables = {"owner": owner, "name": name, "base": job.base, "after": after}
        page = read(TypeAdapter(_Answer), github.query(QUERY, variables)).data.repository.pull_requests
        for one in page.nodes:
            if one.number == job.pull_request:
                continue
            if one.files is not None and any(_is_in(file.path, paths) for file in one.files.nodes):
                changing.append(one.number)
            elif one.files is None or one.files.pageInfo.hasNextPage:
                not_known.append(one.number)
        after = page.pageInfo.endCursor
        if not page.pageInfo.hasNextPage:
            return Others(tuple(sorted(changing)), tuple(sorted(not_known)), all_seen=True)
    return Others(tuple(sorted(changing)), tuple(sorted(not_known)), all_seen=False)


def _is_in(path: str, paths: Collection[str]) -> bool:
    return any(path.startswith(each) if each.endswith("/") else path == each for each in paths)
