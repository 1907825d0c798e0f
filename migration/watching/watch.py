"""The watch: a look at CloudWatch every minute, until something is wrong or the time is over.

It writes nothing but its record (record.py), and takes no lease. While a run changes the stack the time does not count,
and after it the watch begins anew: what is watched is the stack since its newest change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError

from dynamo.errors import is_transient
from migration.session.context import Context
from migration.watching import record
from migration.watching.changes import LATE, Found, Known, of_counts
from migration.watching.newest import CHANGING, newest_change, rollback_command
from migration.watching.record import Watched
from schema.errors import Interrupted, ToolError, UsageError
from schema.references import Subject
from stack.aws import translated_errors
from stack.declaration import present
from stack.ledger.codec import now
from stack.monitoring.alarms import alarm_states
from stack.monitoring.observing import Observed, Series, causes_of, dollars_an_hour, observe, watched_series
from stack.world.live import Live, read_live
from stack.world.world import World

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

POLL_SECONDS = 60.0
"""DynamoDB's metrics come by the minute."""
BEAT_SECONDS = 1.0
"""How often a watch shows that it lives, and sees Ctrl-C."""


@dataclass
class Clock:
    """The time, and how to let it pass; `beat` is told how many seconds were watched."""

    now: Callable[[], datetime] = now
    wait: Callable[[float], None] = lambda seconds: None
    beat: Callable[[float], None] = lambda watched: None


@dataclass(frozen=True)
class WatchSummary:
    """What was watched: the record as it stands now, for how many seconds it was to be watched (None: until stopped),
    the states of the alarms by their number, what was told, and the task that takes back what is at fault (empty:
    nothing is)."""

    watched: Watched
    wanted: float | None
    alarms: dict[str, int]
    told: tuple[str, ...]
    next: str = ""

    @property
    def is_clean(self) -> bool:
        return not self.watched.ended_by


@dataclass
class _Stack:
    """What is watched: read again only after a run."""

    live: Live
    series: tuple[Series, ...]
    watched: Watched


@dataclass
class Watch:
    """One watch of one stack."""

    context: Context
    client: CloudWatchClient
    clock: Clock
    known: Known = field(default_factory=Known)
    told: list[str] = field(default_factory=list)
    at_work: str = ""
    lost: bool = False
    wrong: Found | None = None

    def run(self, seconds: float | None) -> WatchSummary:
        """Watches for so many seconds since the newest change; what was watched of them before counts. Raises
        Interrupted, ToolError."""
        stack = self._begin()
        self._tell_cost(stack)
        while True:
            try:
                wrong, stack = self._look(stack)
            except ToolError as error:
                # The network was away, or AWS was: others, such as a denial, would come again.
                if type(error) is not ToolError:
                    raise
                self.lost, wrong = True, None
                self._tell(self.known.of_reading([error.what.rstrip(".")]))
            if wrong is not None:
                return self._summary(stack, seconds, wrong.subject)
            if seconds is not None and stack.watched.seconds >= seconds + LATE.total_seconds():
                return self._summary(stack, seconds)
            self._wait(stack, seconds)

    def _begin(self) -> _Stack:
        context = self.context
        change = newest_change(context.history)
        if change is None:
            raise UsageError(
                f"Nothing was done to stack {context.config.stack} yet.",
                "A watch follows a change: it counts how long the stack was clean since then.",
                context.command("migrate"),
            )
        live = read_live(context.client, context.config, context.schema)
        watched = record.goes_on(record.read(context.ledger), change.id, self.clock.now())
        series = watched_series(context.schema, context.config, present(context.schema, World(live=live)))
        return _Stack(live, series, watched)

    def _look(self, stack: _Stack) -> tuple[Found | None, _Stack]:
        """One look, told and recorded. Returns what ends the watch, and the stack: another one after a run."""
        at, busy = self.clock.now(), self._is_at_work()
        if not busy and self.at_work:
            self._tell([Found(f"{self.at_work} has ended")])
            self.at_work = ""
            stack = self._anew(stack)
        elif not busy and self._was_changed(stack):
            stack = self._anew(stack)
        found, unread = self._seen(stack, at)
        self._tell([*found, *self.known.of_reading(unread)])
        # Kept, for it is not told again: the ledger may be away just now.
        self.wrong = self.wrong or next((each for each in found if each.ends), None)
        # Another watch of the stack may have found something, or counted the same time.
        kept = record.read(self.context.ledger)
        if kept is not None and kept.change == stack.watched.change and kept.looked > stack.watched.looked:
            if kept.ended_by:
                other = Found(f"another watch has found: {kept.ended_by}", ends=True)
                self._tell([other])
                self.wrong = self.wrong or other
            elif kept.looked <= at:
                stack.watched = kept
        stack.watched = stack.watched.after(at, counts=not (busy or unread or self.lost))
        self.lost = False
        if self.wrong is not None:
            stack.watched = replace(stack.watched, ended_by=self.wrong.text)
        record.write(self.context.ledger, stack.watched)
        self.known.forget(at)
        return self.wrong, stack

    def _is_at_work(self) -> bool:
        lease = self.context.ledger.lease
        holder = lease.holder()
        if holder is None or lease.is_over(holder) or not holder.command.startswith(CHANGING):
            return False
        if not self.at_work:
            self._tell([Found(f"{holder} is at work: this time does not count")])
        self.at_work = holder.command
        return True

    def _was_changed(self, stack: _Stack) -> bool:
        """Whether a run has begun since the stack was read: one may begin and end between two looks. It costs a
        page of the history, of at most a megabyte, and another one for each 1,000 scans for late writers since then."""
        newest = newest_change(self.context.history)
        return newest is None or newest.id != stack.watched.change

    def _anew(self, before: _Stack) -> _Stack:
        """The stack after a run, which may have changed it."""
        stack = self._begin()
        if stack.watched.change != before.watched.change:
            self._tell([Found("the stack was changed: the watch begins anew")])
            self.known = Known(alarms=self.known.alarms)
        return stack

    def _seen(self, stack: _Stack, at: datetime) -> tuple[list[Found], list[str]]:
        """What is new, and what could not be read. A passing failure is said, and the next look follows."""
        context = self.context
        # A minute that began before the watch tells of what was before.
        first = stack.watched.began + timedelta(seconds=59)
        first = first.replace(second=0, microsecond=0)
        # Another machine's clock, by which the watch was begun, may be ahead of this one's.
        since = min(max(stack.watched.looked - LATE, stack.watched.began), at)
        found: list[Found] = []
        try:
            world = World(live=stack.live)
            found += self.known.of_alarms(alarm_states(self.client, context.config, context.schema, world))
            observed = observe(self.client, stack.series, since, at + timedelta(seconds=1))
            grown, causes = self.known.more(observed, first), dict[Series, dict[str, float]]()
            try:
                causes = self._causes(grown, first, at)
            finally:
                # What was counted counts as told, also where its causes cannot be read.
                found += [*of_counts(grown, causes), *self.known.of_latency(observed)]
        except (ClientError, BotoCoreError) as error:
            if not (is_transient(error) or isinstance(error, ConnectionError)):
                raise
            return found, [f"CloudWatch could not be asked ({type(error).__name__})"]
        return found, _unread(observed)

    def _causes(self, grown: dict[Series, float], first: datetime, at: datetime) -> dict[Series, dict[str, float]]:
        """What throttled, for those series that count throttles."""
        asked = {one: causes_of(one) for one in grown if one.what.startswith("throttled")}
        if not asked:
            return {}
        since = min(max(first, at - 2 * LATE), at)
        observed = observe(
            self.client, [cause for each in asked.values() for cause in each], since, at + timedelta(seconds=1)
        )
        return {
            series: {cause.cause: sum(observed.values[cause].values()) for cause in causes}
            for series, causes in asked.items()
        }

    def _tell(self, found: list[Found]) -> None:
        for each in found:
            self.told.append(each.text)
            self.context.reporter.noted(f"{self.clock.now():%H:%M:%SZ}  {each.text}")

    def _tell_cost(self, stack: _Stack) -> None:
        alarms = len(alarm_states(self.client, self.context.config, self.context.schema, World(live=stack.live)))
        dollars = dollars_an_hour(len(stack.series), alarms)
        self.context.reporter.noted(
            f"Watching {alarms} alarms and {len(stack.series)} metrics, a look a minute: ${dollars:.2f} an hour."
        )

    def _wait(self, stack: _Stack, seconds: float | None) -> None:
        until = self.clock.now() + timedelta(seconds=POLL_SECONDS)
        while (left := (until - self.clock.now()).total_seconds()) > 0:
            if self.context.interrupts.requested.is_set():
                raise Interrupted(
                    f"Stopped, as asked: {described(stack.watched, seconds)}.",
                    "That is recorded, and nothing was wrong in that time.",
                    "To go on, repeat the command.",
                )
            passed = POLL_SECONDS - left if not self.at_work else 0.0
            self.clock.beat(stack.watched.seconds + passed)
            self.clock.wait(min(left, BEAT_SECONDS))

    def _summary(self, stack: _Stack, seconds: float | None, subject: Subject | None = None) -> WatchSummary:
        states = list(self.known.alarms.values())
        alarms = {state: states.count(state) for state in sorted(set(states))}
        next = rollback_command(self.context.history, subject) if stack.watched.ended_by else ""
        return WatchSummary(stack.watched, seconds, alarms, tuple(self.told), next)


def watch(context: Context, seconds: float | None, beat: Callable[[float], None]) -> WatchSummary:
    """Watches the stack until something is wrong, the time is over, or Ctrl-C. Raises UsageError for a stack without
    CloudWatch, Interrupted, ToolError."""
    client = context.cloudwatch
    if client is None or not context.config.is_monitored:
        raise UsageError(
            f"Stack {context.config.stack} has no CloudWatch, so there is nothing to watch.",
            f"{context.config.stack_file.name} names an endpoint of an emulator, and none for CloudWatch and SNS.",
            "Name them in aws:endpoints, or watch another stack.",
        )
    proofs = context.ledger.proofs()
    context.refuse_others_tables(proofs)
    context.ledger.refuse_older_code(proofs)
    clock = Clock(wait=lambda seconds: _wait(context, seconds), beat=beat)
    with context.interrupts.caught(), translated_errors(context.config):
        return Watch(context, client, clock).run(seconds)


def described(watched: Watched, seconds: float | None) -> str:
    """How long was watched, of how long."""
    of = "" if seconds is None else f" of {_span(seconds)}"
    return f"{_span(watched.seconds if seconds is None else min(watched.seconds, seconds))}{of} watched"


def _unread(observed: Observed) -> list[str]:
    """What CloudWatch did not give in full, in a few words: it may be all of it."""
    names = sorted({f"{one.what} of {one.subject or 'the account'}" for one in observed.unread})
    more = [f"{len(names) - 3} more metrics"] if len(names) > 3 else []
    return [", ".join([*names[:3], *more])] if names else []


def _wait(context: Context, seconds: float) -> None:
    context.interrupts.requested.wait(seconds)


def _span(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))
