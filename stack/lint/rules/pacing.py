"""Rules about how long a stack waits and how hard it writes. They are asked of stacks on AWS only: a local stack has no
application beside it."""

from __future__ import annotations

from collections.abc import Iterator

from stack.lint.finding import Found, Linted


def no_window(linted: Linted) -> Iterator[Found]:
    """A new index is read-ready without a window."""
    if linted.config.settings.late_writers.minutes == 0:
        yield Found(
            "lateWriters.minutes",
            "lateWriters.minutes is 0.",
            "A new index then counts as read-ready after one scan. Old code that writes once an hour leaves items out "
            "of it afterwards.",
            "Set it to a time in which all of the application writes: the default is 1440, a day.",
            setting=("lateWriters", "minutes"),
        )


def silence_counts(linted: Linted) -> Iterator[Found]:
    """A window counts in which nobody wrote."""
    if linted.config.settings.late_writers.least_writes == 0:
        yield Found(
            "lateWriters.leastWrites",
            "lateWriters.leastWrites is 0.",
            "A window in which the application wrote nothing says nothing about how it writes.",
            "Set it to at least 1 write unit, the default.",
            setting=("lateWriters", "leastWrites"),
        )


def no_quiet_time(linted: Linted) -> Iterator[Found]:
    """A retired index goes without a time in which nobody read it."""
    if linted.config.settings.quiet_minutes == 0:
        yield Found(
            "quietMinutes",
            "quietMinutes is 0.",
            "The gate of a retired index then asks for no time without reads, and opens between two of them.",
            "Set it to a time in which every reader reads at least once: the default is 1440, a day.",
            setting=("quietMinutes",),
        )


def any_hot_key(linted: Linted) -> Iterator[Found]:
    """A stack accepts any share of one key value."""
    for ref, share in linted.config.settings.accepted_hot_keys.items():
        if share >= 1:
            yield Found(
                str(ref),
                f"acceptedHotKeys takes any share for {ref}.",
                "One value is one partition, which takes 1,000 writes a second; above that the table's own writes are "
                "throttled. A share of 1.0 takes the measurement's meaning away.",
                "Write the share that was measured, a little rounded up.",
                setting=("acceptedHotKeys", str(ref)),
            )


def whole_share(linted: Linted) -> Iterator[Found]:
    """Backfills use all that a table has left."""
    if linted.config.settings.backfill.share >= 1:
        yield Found(
            "backfill.share",
            "backfill.share is 1: backfills use all that the table and its indexes have left.",
            "The application writes beside them: its next peak is throttled.",
            "Set it to 0.5, the default, or a rate.",
            setting=("backfill", "share"),
        )


def fast_rate(linted: Linted) -> Iterator[Found]:
    """Backfills write more than a table is declared to take."""
    rate = linted.config.settings.backfill.rate
    for table in linted.schema:
        if rate and table.backfilled and table.throughput and rate > table.throughput.write:
            yield Found(
                table.name,
                f"backfill.rate is {rate:g} write units a second, and {table.name} is declared with "
                f"{table.throughput.write}.",
                "A rate goes before the share of what is left, so the application's writes are throttled.",
                "Leave the rate out, or set it below what the smallest backfilled table has.",
                setting=("backfill", "rate"),
            )


def no_journal(linted: Linted) -> Iterator[Found]:
    """Backfills cannot be taken back."""
    if linted.config.settings.backfill.journal is False:
        yield Found(
            "backfill.journal",
            "backfill.journal is false.",
            "Without a journal a backfill cannot be rolled back: nobody knows which values it wrote.",
            "Leave it out: by default there is a journal for tables below a million items.",
            setting=("backfill", "journal"),
        )


def no_brown_out(linted: Linted) -> Iterator[Found]:
    """In production an index goes without a brown-out."""
    settings = linted.config.settings
    known = linted.is_complete or settings.brown_out_minutes
    if linted.is_production and known and settings.brown_out_minutes == 0 and any(linted.retired):
        yield Found(
            "brownOutMinutes",
            "There is no brown-out before an index is removed.",
            "A reader that reads less often than quietMinutes is met only by the removal, which takes as long to undo "
            "as an index takes to build. A brown-out is ended at once.",
            "Set brownOutMinutes, such as 60.",
            setting=("brownOutMinutes",),
        )
