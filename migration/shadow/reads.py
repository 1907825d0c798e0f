"""Shadow reads: what an index answers to the application's reads, held against what its table's own items say.

A consistent scan of the table counts the partition key values and chooses some of them; a second one, where the table
is too large to remember, keeps what the index should answer for those. Then the index is queried. The application
writes meanwhile, so what differs is looked at again until both sides agree or INDEX_LAG_SECONDS are over.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from dynamo.expressions import Expressions
from dynamo.keys import Place
from dynamo.reader import Reader
from migration.checks.querying import INDEX_LAG_SECONDS
from migration.checks.verify import Progress
from migration.shadow.answers import CHOSEN_VALUES, Kind, Placing, Values
from migration.shadow.question import Question
from migration.shadow.result import Differences, Read, ShadowResult
from schema.backfill import Item
from schema.model import AccessPattern, Index, Table

COMPARED_ITEMS = 500
"""Items of an access pattern that are compared from either end of its partition key values, shared among them."""
LEAST_COMPARED_ITEMS = 50
"""Of one value from either end, however many values there are."""
COMPARED_ATTRIBUTES = 100
"""Items of an access pattern whose attributes are compared besides their keys."""
MOST_REMEMBERED = 20_000
"""Items whose keys are kept from the first scan, about 30 MB of memory; a larger table is scanned twice."""
MOST_OPERANDS = 100
"""Values that one IN of an expression may have (AWS)."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 2.0
"""Between two looks at what differs: most of it agrees at once, and the rest is not worth many reads."""


def shadow_reads(
    reader: Reader, table: Table, index: Index, patterns: Sequence[AccessPattern], progress: Progress
) -> ShadowResult:
    """Reads those of the access patterns that use the index, from the index and from the table's own items, and
    compares keys, order and attributes. Where none of them uses it, every item under its partition key counts.

    Reads only. Raises ClientError, ToolError, and what the reader's safe point raises.
    """
    used = [pattern for pattern in patterns if (pattern.table, pattern.index) == (table.name, index.name)]
    trials = [_Trial(table, index, pattern) for pattern in used or [AccessPattern(index.name, table.name, index.name)]]
    scanned, outside, remembered = _choose(reader, trials, progress)
    for item in remembered if remembered is not None else _again(reader, trials, scanned, progress):
        for trial in trials:
            trial.expect(item)
    questions: list[Question] = []
    for trial in trials:
        sampled = 0
        for question in trial.questions.values():
            progress.progress(len(questions), len(trials) * CHOSEN_VALUES, f"partition keys of {index.name} read")
            question.sampled = COMPARED_ATTRIBUTES - sampled
            question.ask(reader)
            sampled += min(question.sampled, len(question.compared))
            questions.append(question)
    _judge(reader, questions)
    _ask_again(reader, questions, progress)
    return ShadowResult(index.name, tuple(trial.result() for trial in trials), scanned, outside, reader.units)


class _Trial:
    """One access pattern: its partition key values, and what was found of each."""

    def __init__(self, table: Table, index: Index, pattern: AccessPattern) -> None:
        self.pattern = pattern
        self.placing = Placing(table, index, pattern.sort_key_prefix)
        self.values = Values()
        self.questions: dict[Place, Question] = {}

    def choose(self) -> None:
        """Settles on the values to be read."""
        chosen = self.values.chosen()
        most = max(LEAST_COMPARED_ITEMS, COMPARED_ITEMS // max(len(chosen), 1))
        self.questions = {
            # Backwards once at least: that is an order, too.
            place: Question(self.placing, place, value, most, backwards=number == 0)
            for number, (place, value) in enumerate(chosen.items())
        }

    def expect(self, item: Item) -> None:
        """Takes an item of the table: the index should answer with it."""
        question = self.questions.get(self.placing.partition(item))
        if question is not None and self.placing.is_read(item):
            question.expect(self.placing.entry(item))

    def result(self) -> Read:
        """What was found."""
        questions = self.questions.values()
        differences = Differences()
        for question in questions:
            for key, kind in question.found.items():
                differences.note(kind, key)
        items = sum(len(question.compared) for question in questions)
        different = sum(len(question.compared & question.differed) for question in questions)
        return Read(self.pattern, len(questions), items, items - different, differences)


def _choose(reader: Reader, trials: list[_Trial], progress: Progress) -> tuple[int, Differences, list[Item] | None]:
    """Counts the partition key values of each trial and chooses some. Returns how many items the table has, those that
    do not belong in the index, and the others if they are few enough to be remembered."""
    placing = trials[0].placing
    outside = Differences()
    remembered: list[Item] | None = []
    scanned = 0
    for page in reader.scan(_in_index(placing), consistent=True):
        for item in page.items:
            reason = placing.outside(item)
            if reason is not None:
                outside.note(reason, placing.key(item))
                continue
            for trial in trials:
                if trial.placing.is_read(item):
                    trial.values.add(item[placing.index.partition_key.name])
            if remembered is not None:
                remembered.append(item)
        if remembered is not None and len(remembered) > MOST_REMEMBERED:
            remembered = None
        outside.count(Kind.MISSING_KEY, page.scanned - len(page.items))
        scanned += page.scanned
        progress.progress(scanned, 0, "items looked at")
    for trial in trials:
        trial.choose()
    return scanned, outside, remembered


def _again(reader: Reader, trials: list[_Trial], total: int, progress: Progress) -> Iterator[Item]:
    """The items of the index that have one of the chosen values, by a second scan."""
    placing = trials[0].placing
    chosen = {place: question.value for trial in trials for place, question in trial.questions.items()}
    wanted = _in_index(placing)
    if len(chosen) <= MOST_OPERANDS:
        wanted.filter = wanted.is_one_of(placing.index.partition_key.name, chosen.values())
    scanned = 0
    for page in reader.scan(wanted, consistent=True):
        yield from (item for item in page.items if placing.outside(item) is None)
        scanned += page.scanned
        progress.progress(scanned, total, "items collected")


def _in_index(placing: Placing) -> Expressions:
    """The keys of those items that have all keys of the index."""
    wanted = Expressions(placing.keys)
    having = [name for name in placing.keys if name not in placing.table.key_names]
    wanted.filter = " AND ".join(wanted.exists(name) for name in having)
    return wanted


def _judge(reader: Reader, questions: list[Question]) -> None:
    """Reads what was asked for from the table, and judges it."""
    if not questions:
        return
    placing = questions[0].placing
    asked = {key for question in questions for key in question.asked}
    items = {placing.key(item): item for item in reader.items(map(placing.typed, asked))}
    for question in questions:
        question.judge(items)


def _ask_again(reader: Reader, questions: list[Question], progress: Progress) -> None:
    """Looks at what differs until it agrees or INDEX_LAG_SECONDS are over."""
    deadline = time.monotonic() + INDEX_LAG_SECONDS
    wait = FIRST_WAIT_SECONDS
    while left := [question for question in questions if question.differing]:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            for question in left:
                question.conclude()
            return
        progress.progress(0, 0, f"{sum(len(question.differing) for question in left):,} items that differ, again")
        reader.wait(min(wait, remaining))
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        for question in left:
            question.ask_again(reader)
        _judge(reader, left)
