"""The comment on a pull request: it fits, its answers survive, and no text from outside is more than a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from migration.change.document import (
    ApprovalOfIndex,
    Approvals,
    Attested,
    Change,
    Commands,
    Condition,
    Difference,
    Expected,
    Failure,
    IndexGate,
    LintFinding,
    NewIndex,
    PlannedChange,
    PlannedStep,
    Source,
    Told,
)
from stack.world.managed import INDEX_TYPE
from terminal.markdown.change import MOST, comment, marker
from terminal.markdown.escaping import code, one_line, prose, table

PIECES = [*"@#<>&|`*_[]()~!$\\:/-+=.1aZ \n\u202e\u200d", "www.", "http://", "GH-", "</details>", "a@b.c"]
AWFUL = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
FILLED = AWFUL.map(lambda text: f"{text}a")
"""A column that holds nothing is left out, and so would change the shape."""
OUR_TAGS = {"br", "details", "span", "sub", "summary", "code"}
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def of(text: str, *, error: bool = False, times: int = 1) -> Change:
    """A change in which each text from outside is this one, and each list has so many entries."""
    shut = Condition(name=text, holds=False, evidence=text, needs="person", earliest_at=text, next=text)
    data = PlannedChange(
        operation="delete",
        resource=text,
        type=INDEX_TYPE,
        loses=True,
        properties=(Difference(name=text, old=text, new={text: [text]}),),
    )
    step = PlannedStep(
        action="create-index",
        tables=(text,),
        index=text,
        why=text,
        expected=Expected(seconds=60.0, items=1, write_units=1.0, basis=text),
    )
    approval = ApprovalOfIndex(index=text, by=text, at=text, application_updated=True, tests_passed=False)
    return Change(
        stack=text,
        at="2026-01-02T03:04:05Z",
        verdict="refused" if error else "waiting",
        reasons=(text,) * times,
        source=Source(account=text, region=text, commit=text, modified=True, schema_digest=text, live=text),
        error=Failure(what=text, why=text, next=text, code=4) if error else None,
        changes=(data,) * times,
        steps=(step,) * times,
        gates=(
            IndexGate(index=text, replaced_by=text, open=False, approved=False, earliest_at=text, conditions=(shut,)),
        )
        * times,
        new_indexes=(NewIndex(index=text, live=True, read_ready=shut),) * times,
        approvals=Approvals(base=text, base_commit=text, added=(approval,) * times, withdrawn=(text,) * times),
        attestation=Attested(stack=text, clean_hours=24.0, allows=None, why=text, conditions=(shut,) * times),
        lint=(
            LintFinding(
                code="L001",
                severity="warning",
                title=text,
                subject=text,
                what=text,
                why=text,
                next=text,
                file=text,
                line=1,
                accepted=text if error else None,
            ),
        )
        * times,
        findings=(Told(tables=(text,), text=text, known=False),) * times,
        left_alone=(text,) * times,
        notes=(text,) * times,
        commands=Commands(on=(text,) * times, back=(text,) * times),
    )


def tokens(text: str) -> Iterator[Token]:
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or ()


def seen(text: str) -> str:
    """The texts of the rendered comment outside code, in which GitHub looks for mentions, links and issues."""
    lines = (
        [one.content if one.type.startswith("text") else " " for one in token.children or ()]
        for token in MARKDOWN.parse(text)
    )
    return "\n".join("".join(line) for line in lines)


def shape(text: str) -> list[str]:
    """What the comment is made of, without its texts."""
    kinds = [token.type for token in tokens(text) if token.type not in {"text", "inline", "softbreak"}]
    # What is empty is a dash, and one dollar is a tag.
    return [kind for kind in kinds if kind not in {"code_inline", "html_inline", "text_special", "entity"}]


@pytest.mark.parametrize("error", [False, True], ids=["waiting", "refused"])
@settings(max_examples=40)
@given(text=FILLED)
@example("@team <img src=x onerror=alert(1)> [x](http://x.y) | www.a.b #1 `")
@example("a\\|b\\")
@example("--></summary></details># h")
def test_no_text_from_outside_is_more_than_a_text(error: bool, text: str) -> None:
    made = comment(of(text, error=error))
    assert shape(made) == shape(comment(of("a", error=error)))
    assert not {token.type for token in tokens(made)} & {"link_open", "image", "em_open", "s_open", "hr"}
    tags = [token.content for token in tokens(made) if token.type in {"html_inline", "html_block"}]
    assert set(re.findall(r"</?([a-z]+)[ >]", "".join(tags))) <= OUR_TAGS
    assert re.search(r"@\w|#\d|://|www\.|GH-\d", seen(made)) is None


@given(cells=st.lists(AWFUL, min_size=4, max_size=4))
def test_a_table_keeps_its_cells(cells: list[str]) -> None:
    first, second, third, fourth = cells
    made = table(("a", "b"), [(code(first), prose(second)), (prose(third), code(fourth))])
    kinds = [token.type for token in tokens(made)]
    assert (kinds.count("tr_open"), kinds.count("th_open"), kinds.count("td_open")) == (3, 2, 4)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GSI2-StatusIndex", "`GSI2-StatusIndex`"),
        ("", "–"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a|b", r"`a\|b`"),
        ("two\nlines", "`two lines`"),
    ],
)
def test_a_name_stands_in_a_code_span(text: str, shown: str) -> None:
    assert code(text) == shown


def test_a_long_text_is_cut() -> None:
    assert one_line("x" * 1000, 10) == "xxxxxxxxxx…"


@pytest.mark.parametrize("error", [False, True], ids=["waiting", "refused"])
@pytest.mark.parametrize("text", ["x" * 2000, "$" * 2000, "<" * 2000, "✓" * 2000], ids=["x", "dollars", "tags", "wide"])
def test_a_comment_always_fits_and_its_answers_survive(text: str, error: bool) -> None:
    made = comment(of(text, error=error, times=150))
    assert len(made.encode()) <= MOST
    assert "**What to do:**" in made
    assert "in `change.json`" in made
    assert made.count("<details>") == made.count("</details>")


def test_what_is_lost_is_said_before_everything_that_is_folded() -> None:
    made = comment(of("a", times=50))
    assert made.index("deleted or replaced") < made.index("<details>")


def test_a_comment_is_found_again_by_its_first_line() -> None:
    assert comment(of("staging")).splitlines()[0] == marker("staging") == "<!-- keyshift change staging -->"
    assert marker("org/project/x-->@y") == "<!-- keyshift change org/project/xy -->"


def test_the_document_survives_being_written_and_read() -> None:
    change = of("a", error=True, times=3)
    assert Change.model_validate_json(json.dumps(change.document())) == change
