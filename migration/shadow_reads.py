"""Shadow reads: what an index answers to the application's reads, held against what its table's own items say.

Two consistent scans of the table: one counts the partition key values and chooses some of them, one keeps what the
index should answer for those. Then the index is queried. The application writes meanwhile, so what differs is looked
at again until both sides agree or INDEX_LAG_SECONDS are over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from migration.answers import Place, Placing, Values
from migration.paced_reads import PacedReads
from migration.shadow_question import Question
from migration.shadow_result import Differences, Read, ShadowResult
from migration.verify import INDEX_LAG_SECONDS, Progress
from schema.model import AccessPattern, Index, Table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

COMPARED_ATTRIBUTES = 100
"""Items of an access pattern whose attributes are compared besides their keys."""
MOST_OPERANDS = 100
"""Values that one IN of an expression may have (AWS)."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 2.0
"""Between two looks at what differs: most of it agrees at once, and the rest is not worth many reads."""


def shadow_reads(
    client: DynamoDBClient,
    physical: str,
    table: Table,
    index: Index,
    patterns: Sequence[AccessPattern],
    progress: Progress,
    safe_point: Callable[[], None],
    rate: float | None = None,
) -> ShadowResult:
    """Reads those of the access patterns that use the index, from the index and from the table's own items, and
    compares keys, order and attributes. Where none of them uses it, every item under its partition key counts.

    `rate` is the most read units a second; without one, as fast as the table answers. `safe_point` is called between
    any two requests. Reads only. Raises ClientError, ToolError, and what `safe_point` raises.
    """
    reads = PacedReads(client, physical, safe_point, rate)
    used = [pattern for pattern in patterns if (pattern.table, pattern.index) == (table.name, index.name)]
    trials = [_Trial(table, index, pattern) for pattern in used or [AccessPattern(index.name, table.name, index.name)]]
    scanned, outside = _choose(reads, trials, progress)
    _collect(reads, trials, scanned, progress)
    questions = [question for trial in trials for question in trial.questions.values()]
    for done, question in enumerate(questions):
        progress.progress(done, len(questions), f"partition key values read from {index.name}")
        question.ask(reads)
    _ask_again([question for question in questions if question.differing], reads, progress)
    return ShadowResult(index.name, tuple(trial.result() for trial in trials), scanned, outside, reads.units)


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
        self.questions = {
            place: Question(self.placing, place, value, COMPARED_ATTRIBUTES // len(chosen))
            for place, value in chosen.items()
        }

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


def _choose(reads: PacedReads, trials: list[_Trial], progress: Progress) -> tuple[int, Differences]:
    """Counts the partition key values of each trial and chooses some; returns how many items the table has, and those
    that do not belong in the index."""
    placing = trials[0].placing
    outside = Differences()
    scanned = 0
    for page in reads.scan(**_keys_only(placing)):
        for item in page.items:
            reason = placing.outside(item)
            if reason is not None:
                outside.note(reason, placing.key(item))
                continue
            for trial in trials:
                if trial.placing.is_read(item):
                    trial.values.add(item[placing.index.partition_key.name])
        scanned += page.scanned
        progress.progress(scanned, 0, "items looked at")
    for trial in trials:
        trial.choose()
    return scanned, outside


def _collect(reads: PacedReads, trials: list[_Trial], total: int, progress: Progress) -> None:
    """Keeps what the index should answer for the chosen values."""
    placing = trials[0].placing
    chosen = {place: question.value for trial in trials for place, question in trial.questions.items()}
    if not chosen:
        return
    parameters = _keys_only(placing)
    if len(chosen) <= MOST_OPERANDS:
        values = {f":v{number}": value for number, value in enumerate(chosen.values())}
        parameters["ExpressionAttributeNames"]["#partition"] = placing.index.partition_key.name
        parameters["FilterExpression"] = f"#partition IN ({', '.join(values)})"
        parameters["ExpressionAttributeValues"] = values
    scanned = 0
    for page in reads.scan(**parameters):
        for item in page.items:
            if placing.outside(item) is not None:
                continue
            place, entry = placing.partition(item), placing.entry(item)
            for trial in trials:
                question = trial.questions.get(place)
                if question is not None and trial.placing.is_read(item):
                    question.expect(entry)
        scanned += page.scanned
        progress.progress(scanned, total, "items collected")


def _keys_only(placing: Placing) -> dict[str, Any]:
    """The keys of the table and of the index, each name a placeholder."""
    names = dict.fromkeys(key.name for key in (*placing.table.keys, *placing.index.keys))
    placeholders = {f"#k{number}": name for number, name in enumerate(names)}
    return {"ProjectionExpression": ", ".join(placeholders), "ExpressionAttributeNames": placeholders}


def _ask_again(questions: list[Question], reads: PacedReads, progress: Progress) -> None:
    """Looks at what differs until it agrees or INDEX_LAG_SECONDS are over."""
    deadline = time.monotonic() + INDEX_LAG_SECONDS
    wait = FIRST_WAIT_SECONDS
    left = questions
    while left and (remaining := deadline - time.monotonic()) > 0:
        progress.progress(0, 0, f"{sum(len(question.differing) for question in left):,} items that differ, again")
        reads.wait(min(wait, remaining))
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        for question in left:
            question.ask_again(reads)
        left = [question for question in left if question.differing]
    for question in left:
        question.conclude()
