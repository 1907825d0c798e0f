"""A load test as a recorded run: it cleans up after a killed one, sends, measures, removes what it wrote, and keeps the
verdict in the ledger."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from dynamo.expressions import Expressions
from dynamo.retry import Stopped
from loadtest.arrivals import poisson
from loadtest.cleaning import Numbers, clean
from loadtest.driving import MOST_WORKERS, Request, drive
from loadtest.measuring import Figures, Measurement, covered, judged
from loadtest.mix import PAGE_ITEMS, Reading, Writing
from loadtest.records import AFTER, BEFORE, LoadTestResult, WritingNote, keep, result, slowest
from migration.loading.prepare import Asked, Prepared
from migration.session.context import Context
from migration.session.exclusive import exclusive
from migration.session.reading import stoppable
from migration.session.waiting import refuse_if_paused
from stack.aws import translated_errors
from stack.gates.claims import Claim
from stack.ledger.codec import now
from stack.ledger.history import DONE
from stack.ledger.ledger import Facts
from stack.ledger.records import STACK, LoadTestProof
from stack.monitoring.observing import LATENCY_LIMIT_MS

COMMAND = "loadtest"
NOT_PASSED = "not passed"
SHOW_SECONDS = 1.0
"""How often a load test shows where it is."""


@dataclass(frozen=True)
class LoadTestSummary:
    """What a load test has found. `run` is its id in the history; `kinds` are the figures of each kind of request, and
    `late` the milliseconds within which 99 of 100 requests were sent after they were due; `reached` is the rate, in
    requests a second. `removed` are the keys of new items that were removed; `other` is the newest result of the other
    state of the schema."""

    run: str
    began: datetime
    ended: datetime
    asked: Asked
    migrated: bool
    kinds: Mapping[str, Figures]
    everything: Figures
    reached: float
    late: float
    claims: tuple[Claim, ...]
    left_out: Mapping[str, str]
    removed: int
    other: LoadTestResult | None

    @property
    def passed(self) -> bool:
        return all(claim.holds for claim in self.claims)


def load_test(context: Context, prepared: Prepared) -> LoadTestSummary:
    """Does it. Raises Interrupted, Waiting when the stack is paused, and ToolError: each after what was written has
    been removed."""
    lease = context.ledger.lease
    with translated_errors(context.config), exclusive(context, COMMAND) as recorded:
        refuse_if_paused(context)
        if left := _cleaned(context, context.safe_point):
            context.reporter.noted(f"A load test that was killed had left new items: {left:,} keys were removed.")
        began, measurement = now(), Measurement()
        with recorded.step(COMMAND) as facts:
            sender = _Sender(context, prepared)
            try:
                _send(context, prepared, sender, measurement)
            finally:
                # Also after Ctrl-C, or a failure. Without the lease the next load test does it.
                sender.no_more()
                removed = _cleaned(context, lease.check)
                facts.update(requests=measurement.all.requests, removed=removed)
        summary = _summary(context, prepared, recorded.id, measurement, began, removed)
        recorded.result = DONE if summary.passed else NOT_PASSED
        _keep(context, summary)
        return summary


def clean_up(context: Context) -> int:
    """Removes what a killed load test has left. Returns how many keys it removed. Raises Interrupted, ToolError."""
    context.refuse_others_tables(context.ledger.proofs())
    with translated_errors(context.config), exclusive(context, f"{COMMAND} --clean", told=False):
        return _cleaned(context, context.safe_point)


def _summary(
    context: Context, prepared: Prepared, run: str, measurement: Measurement, began: datetime, removed: int
) -> LoadTestSummary:
    asked, kinds, everything = prepared.asked, measurement.kinds, measurement.all
    due = everything.requests / asked.seconds
    reached = everything.requests / max(measurement.last_sent, asked.seconds)
    names = [kind.name for kind, _ in prepared.mix.kinds]
    claims = judged(kinds, everything, due, reached, measurement.late, LATENCY_LIMIT_MS)
    return LoadTestSummary(
        run=run,
        began=began,
        ended=now(),
        asked=asked,
        migrated=prepared.migrated,
        kinds=kinds,
        everything=everything,
        reached=reached,
        late=measurement.late,
        claims=(*claims, covered(names, kinds, prepared.unread(context.schema.access_patterns))),
        left_out=prepared.mix.left_out,
        removed=removed,
        other=result(context.ledger, BEFORE if prepared.migrated else AFTER),
    )


def _send(context: Context, prepared: Prepared, sender: _Sender, measurement: Measurement) -> None:
    asked, stop = prepared.asked, threading.Event()
    sender.warm_up()

    def safe_point() -> None:
        if stop.is_set():
            raise Stopped
        context.safe_point()

    shown, expected = time.monotonic(), int(asked.rate * asked.seconds)

    def take() -> Request:
        nonlocal shown
        if time.monotonic() - shown >= SHOW_SECONDS:
            shown = time.monotonic()
            sent = measurement.all
            context.reporter.progress(sent.requests, expected, f"{sent.failed:,} failed, p99 {sent.p99:,.1f} ms")
        return sender.next()

    # Of its own, so that the times of requests do not depend on what they are.
    arrivals = poisson(asked.rate, asked.seconds, random.Random(asked.seed + 1))  # noqa: S311
    context.reporter.started(_Sending(), 1, 1)
    with stoppable(context, stop):
        drive(arrivals, take, measurement, safe_point)


@dataclass(frozen=True)
class _Sending:
    """What a reporter shows of it."""

    name: str = COMMAND
    why: str = ""

    def told(self, facts: Facts) -> str:
        return str(facts.get("told", ""))


class _Sender:
    """Makes the requests of a mix."""

    def __init__(self, context: Context, prepared: Prepared) -> None:
        self._config = context.config
        self._client = context.once
        self._mix = prepared.mix
        self._chance = random.Random(prepared.asked.seed)  # noqa: S311  # a test has to be repeatable
        pairs = zip(prepared.mix.kinds, prepared.lines, strict=True)
        rates = {self._table(kind): line.rate for (kind, _), line in pairs if isinstance(kind, Writing)}
        self._numbers = Numbers(context.ledger, self._note(prepared, sum(rates.values())), rates)

    def next(self) -> Request:
        """The next request. The number of a new item is in the ledger before the item is anywhere."""
        kind = self._mix.draw(self._chance)
        return Request(kind.name, self._write(kind) if isinstance(kind, Writing) else self._read(kind, self._chance))

    def warm_up(self) -> None:
        """Opens the connections, by reads that are not measured."""
        readings = [kind for kind, _ in self._mix.kinds if isinstance(kind, Reading)]
        chance = random.Random(0)  # noqa: S311
        requests = [self._read(readings[number % len(readings)], chance) for number in range(MOST_WORKERS)]

        def quietly(request: Callable[[], object]) -> None:
            # What fails now fails again when it is measured.
            with suppress(ClientError, BotoCoreError):
                request()

        with ThreadPoolExecutor(MOST_WORKERS) as pool:
            list(pool.map(quietly, requests))

    def no_more(self) -> None:
        """Notes which numbers were used."""
        self._numbers.used()

    def _read(self, kind: Reading, chance: random.Random) -> Callable[[], object]:
        wanted = kind.request(chance).parameters()
        if kind.index is not None:
            wanted["IndexName"] = kind.index.name
        return partial(self._client.query, TableName=self._table(kind), Limit=PAGE_ITEMS, **wanted)

    def _write(self, kind: Writing) -> Callable[[], object]:
        table = self._table(kind)
        new = Expressions()
        # A real item is never replaced.
        condition = new.lacks(kind.table.partition_key.name)
        return partial(
            self._client.put_item,
            TableName=table,
            Item=kind.source.item(self._numbers.next(table)),
            ConditionExpression=condition,
            **new.parameters(),
        )

    def _note(self, prepared: Prepared, rate: float) -> WritingNote:
        writings = {self._table(kind): kind.source for kind in prepared.mix.writings}
        return WritingNote(
            at=now(),
            mark=prepared.mark,
            rate=rate,
            partition_keys={table: source.partition_key for table, source in writings.items()},
            stems={table: source.stems for table, source in writings.items()},
        )

    def _table(self, kind: Reading | Writing) -> str:
        return self._config.physical_name(kind.table.name)


def _cleaned(context: Context, safe_point: Callable[[], None]) -> int:
    def shown(done: int, total: int) -> None:
        context.reporter.progress(done, total, "keys removed")

    return clean(context.once, context.ledger, safe_point, shown)


def _keep(context: Context, found: LoadTestSummary) -> None:
    """The verdict as a proof, and the figures of this state of the schema."""
    asked, everything = found.asked, found.everything
    kinds = {
        name: {"requests": float(each.requests), "errors": float(each.failed), **each.percentiles}
        for name, each in found.kinds.items()
    }
    kept = LoadTestResult(
        began=found.began,
        rate=asked.rate,
        seconds=asked.seconds,
        seed=asked.seed,
        passed=found.passed,
        requests=everything.requests,
        errors=everything.failed,
        kinds=slowest(kinds),
    )
    keep(context.ledger, AFTER if found.migrated else BEFORE, kept)
    proof = LoadTestProof(
        subject=STACK,
        began=found.began,
        ended=found.ended,
        passed=found.passed,
        requests=everything.requests,
        errors=everything.failed,
        p99_ms=max((each.p99 for each in found.kinds.values()), default=0.0),
        limit_ms=LATENCY_LIMIT_MS,
    )
    context.ledger.prove(proof)
