"""Texts from outside in Markdown: names, tags, errors. Nothing of them becomes a link, a mention, HTML or a new cell.

A name stands in a code span, in which GitHub looks for no mention and no link. A sentence stays a sentence: what has a
meaning in Markdown is written as a character reference, and what GitHub looks for in the finished text (mentions,
issues, addresses) is broken by a character without width.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

BREAK = "\u200b"
"""A space without width."""
NOTHING = "–"
"""What stands for an empty text, and in a cell that has nothing to tell."""
LONGEST = 400
"""Characters of a text from outside; of a longer one the beginning is shown."""
_SPECIAL = {each: f"&#{ord(each)};" for each in r"\`*_[]~|!#^" + "<>&"}
# The way that GitHub documents, else two of them would make a formula.
_SPECIAL["$"] = "<span>$</span>"
_FOUND_LATER = re.compile(
    r"(?<=@)(?=[A-Za-z0-9_])"  # a mention, and the middle of an e-mail address
    r"|(?<=#)(?=\d)|(?<=GH-)(?=\d)"  # an issue
    r"|(?<=:)(?=//)|(?<=www)(?=\.)"  # an address
    r"|(?<=:)(?=[A-Za-z_+-][\w+-]*:)",  # an emoji
    re.IGNORECASE,
)
_BEGINS_A_BLOCK = re.compile(r"^(?:[-+=](?=\s|$|[-+=])|\d{1,9}(?=[.)]))")


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text in one line, without characters that are not seen or that turn the direction of writing."""
    kept = "".join(each if unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Co", "Cn"} else " " for each in text)
    line = " ".join(kept.split())
    return line if len(line) <= longest else f"{line[:longest]}…"


def prose(text: str, longest: int = LONGEST) -> str:
    """A sentence from outside; a dash for an empty one. It may stand anywhere in a line, also in a table."""
    broken = _FOUND_LATER.sub(BREAK, one_line(text, longest)) or NOTHING
    begun = _BEGINS_A_BLOCK.sub(lambda found: f"&#{ord(found[0][0])};{found[0][1:]}", broken)
    # The references that were just written hold characters that would be replaced in their turn.
    head, rest = (begun[: begun.index(";") + 1], begun[begun.index(";") + 1 :]) if begun != broken else ("", begun)
    return head + "".join(_SPECIAL.get(each, each) for each in rest)


def code(text: str, longest: int = LONGEST) -> str:
    """A name or a value from outside, in a code span; a dash for an empty one."""
    line = one_line(text, longest)
    if not line:
        return NOTHING
    # In a table a bar ends the cell also here. A backslash before it would end the escape.
    line = re.sub(r"\\(?=\|)", r"\\ ", line).replace("|", r"\|")
    if line.endswith("\\"):
        line += " "
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith(("`", " ")) or line.endswith(("`", " ")) else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table of cells that are escaped already; a heading that ends in `>` is aligned to the right."""
    ruler = "|".join("--:" if each.endswith(">") else "---" for each in headings)
    lines = [f"| {' | '.join(each.removesuffix('>') for each in headings)} |", f"|{ruler}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def details(summary: str, body: str) -> str:
    """A part that is folded: `summary` is the line that is seen, as HTML."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def console(lines: Iterable[str]) -> str:
    """Commands in a block that can be copied. None of them ends the block: a command has no such quotes."""
    return "\n".join(["```console", *(one_line(line).replace("`", "'") for line in lines), "```"])
