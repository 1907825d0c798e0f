"""The change document as a comment on a pull request: first whether it is safe, what will happen, and what to do; the
rest is folded, and cut where the comment would be too long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from migration.change.document import Change
from terminal.markdown.escaping import code, console, prose
from terminal.markdown.sections import Section, sections
from terminal.markdown.words import counted, happening, listed, total_time

MOST = 65_536 - 2_500
"""A comment on GitHub may hold 65,536 characters. They are counted here in bytes, which are more; the rest is for what
is written around it."""
_ROWS = (1_000_000, 300, 100, 30, 10, 3, 0)
"""Rows of each table that are tried, until the comment is short enough."""
MOST_COMMANDS = 5
_ICONS = {"safe": "✅", "waiting": "⏳", "refused": "⛔"}


def comment(change: Change, most: int = MOST) -> str:
    """The comment, of at most so many bytes. It ends with a line break."""
    made = list(sections(change))
    for rows in _ROWS:
        text = _comment(change, made, rows)
        if len(text.encode()) <= most:
            break
    return text


def marker(stack: str) -> str:
    """The first line of each comment on a stack: it finds the comment that is to be edited."""
    return f"<!-- keyshift change {re.sub('[^A-Za-z0-9_./]', '', stack)[:300]} -->"


def _comment(change: Change, made: Iterable[Section], rows: int) -> str:
    parts = [marker(change.stack), _heading(change), *_answers(change), _source(change)]
    parts += [section.text(rows) for section in made]
    return "\n\n".join(part for part in parts if part) + "\n"


def _heading(change: Change) -> str:
    words = {"safe": "safe", "waiting": "waits" if change.error else "safe, and waits", "refused": "refused"}
    return f"### {_ICONS[change.verdict]} {code(change.stack)}: {words[change.verdict]}"


def _answers(change: Change) -> Iterator[str]:
    """Is it safe, what will happen, what is to be done."""
    if change.error is not None:
        yield f"**{prose(change.error.what)}** {prose(change.error.why) if change.error.why else ''}".rstrip()
        yield f"**What to do:** {prose(change.error.next or 'Look at the log of the job.')}"
        return
    yield f"**{listed(map(prose, change.reasons), most=5)}**"
    if change.steps:
        phrases = [f"{phrase} ({listed(map(code, names))})" for phrase, names in happening(change)]
        steps = counted(len(change.steps), "step")
        does = f"{', '.join(phrases)}, in {steps}" if phrases else f"runs {steps}"
        yield f"**What will happen:** `migrate` {does}. Time: {total_time(change.steps)}."
    elif change.changes:
        yield "**What will happen:** `migrate` has no step to do. What Pulumi alone would change is below."
    yield from _to_do(change)


def _to_do(change: Change) -> Iterator[str]:
    on = change.commands.on[:MOST_COMMANDS]
    if not on:
        yield "**What to do:** Nothing. It can be merged."
        return
    yield f"**What to do:** {'Merge, then run:' if change.steps else 'It can be merged. Then, as each becomes due:'}"
    yield console(on)


def _source(change: Change) -> str:
    source = change.source
    parts = {
        "account": source.account,
        "region": source.region,
        "commit": source.commit[:12] if source.commit else None,
        "schema": source.schema_digest,
        "live": source.live[:19] if source.live else None,
        "read at": change.at,
    }
    told = [f"{name} {code(text)}" for name, text in parts.items() if text]
    told += ["files differ from that commit"] if source.modified else []
    return f"<sub>{' · '.join(told)}</sub>"
