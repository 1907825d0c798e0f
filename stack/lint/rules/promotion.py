"""Rules about what production asks of the stack before it. They are asked of stacks on AWS only."""

from __future__ import annotations

from collections.abc import Iterator

from stack.lint.finding import Found, Linted

CLEAN_HOURS = 24
"""How long staging is clean before production may start (docs/requirements.md, R9)."""


def not_promoted(linted: Linted) -> Iterator[Found]:
    """Production asks for no attestation of another stack."""
    if linted.is_production and linted.is_complete and linted.config.settings.promotes_from is None:
        yield Found(
            "promotesFrom",
            "The stack is changed without an attestation of another one.",
            "What nobody has tried on a stack like it is tried on customers.",
            "Set promotesFrom to the stack that is migrated first, such as {stack: staging, cleanHours: 24}.",
            setting=("promotesFrom",),
        )


def short_bake_time(linted: Linted) -> Iterator[Found]:
    """Production asks for less than a day without alarms."""
    wanted = linted.config.settings.promotes_from
    if linted.is_production and wanted is not None and wanted.clean_hours < CLEAN_HOURS:
        yield Found(
            "promotesFrom.cleanHours",
            f"Stack {wanted.stack} has to be without alarms for {wanted.clean_hours:g} hours only.",
            "Load that comes once a day, such as a nightly job, may not have met the new indexes by then.",
            f"Set cleanHours to at least {CLEAN_HOURS}.",
            setting=("promotesFrom", "cleanHours"),
        )


def load_on_production(linted: Linted) -> Iterator[Found]:
    """Load tests may run in production."""
    settings = linted.config.settings.load_test
    if linted.is_production and settings.allowed and settings.production:
        yield Found(
            "loadTest.production",
            "Load tests may run on this stack.",
            "Their requests use the capacity that customers' requests need, and write items among theirs.",
            "Test the load on the stack that this one is promoted from; or accept this with the reason.",
            setting=("loadTest", "production"),
        )
