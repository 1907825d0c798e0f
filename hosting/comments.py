"""One comment of ours on a pull request or issue, edited in place."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter

from hosting.github import GitHub, read

MOST_CHARACTERS = 65_535
"""GitHub refuses a longer comment, and a longer summary of a check run."""
OPENED, CLOSED, FENCED = "<details", "\n\n</details>", "\n```"
CUT = "\n\n*The rest does not fit into a comment. The whole is among the artifacts of the job.*\n"


class _User(BaseModel):
    type: str


class _Comment(BaseModel):
    id: int
    body: str | None = None
    user: _User | None = None


class _Made(BaseModel):
    html_url: str


_COMMENTS = TypeAdapter(list[_Comment])
_MADE = TypeAdapter(_Made)


def marker(project: str, stack: str) -> str:
    """The first line of what is ours, which GitHub does not show: it says which stack of which project it is about."""
    return f"<!-- keyshift: {project}/{stack} -->"


def fitting(head: str, text: str, foot: str) -> str:
    """Head, text and foot as one text that GitHub takes. If the text is too long, whole lines of its end are cut, and
    what is folded there is closed: the foot must not be hidden in it."""
    room = MOST_CHARACTERS - len(head) - len(foot) - 2
    if len(text) > room:
        kept = text[: room - len(CUT) - len(FENCED) - text[:room].count(OPENED) * len(CLOSED)]
        kept = kept[: kept.rfind("\n")] if "\n" in kept else kept
        text = kept + _closing(kept) + CUT
    return f"{head}\n{text}\n{foot}"


def _closing(text: str) -> str:
    """What ends the fenced block and the folded parts that are open at the end of the text."""
    fences = sum(line.startswith(FENCED.strip()) for line in text.splitlines())
    return FENCED * (fences % 2) + CLOSED * max(0, text.count(OPENED) - text.count(CLOSED.strip()))


def put_comment(github: GitHub, repository: str, number: int, mark: str, body: str) -> str:
    """Makes `body`, which begins with the line `mark`, the text of our comment on that pull request or issue: the one
    that is there is edited, else one is made. Returns its URL. Raises GitHubError.

    Only a comment of a bot is ours. A person's that holds the mark, such as a quotation, is left alone.
    """
    path = f"/repos/{repository}/issues/{number}/comments"
    for page in github.pages(path):
        for comment in read(_COMMENTS, page):
            is_bot = comment.user is not None and comment.user.type == "Bot"
            if is_bot and (comment.body or "").startswith(mark):
                path = f"/repos/{repository}/issues/comments/{comment.id}"
                return read(_MADE, github.patch(path, {"body": body})).html_url
    return read(_MADE, github.post(path, {"body": body})).html_url
