"""Makes the change document: reads the world once, has Pulumi preview the whole schema, and puts both together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from backfills.rates import Rates, rates_for
from migration.change.attested import attested_of, to_attest
from migration.change.base import approvals_of, commit_of
from migration.change.document import Change, Difference, Failure, LintFinding, PlannedChange, Source, Told
from migration.change.earliest import gates_of, new_indexes_of
from migration.change.expected import planned
from migration.change.fingerprint import fingerprint
from migration.change.judging import commands, judged, needs_attestation
from migration.change.linted import lint_of
from migration.plan.result import Plan
from migration.run.requests import activity
from migration.run.runner import plan_of
from migration.run.status import previewed
from migration.session.context import Context
from migration.steps.items.backfill import BackfillTable
from migration.steps.items.late_writers import LateWriters
from migration.steps.stack.verify import Verify
from schema.clock import at_present
from schema.errors import Interrupted, Refused, ToolError
from schema.project import Project
from stack.allowed_changes import DELETE, REPLACING, ResourceChange
from stack.ledger.codec import now, written
from stack.ledger.ledger import Facts
from stack.monitoring.metrics import Metrics
from stack.world.managed import INDEX_TYPE, TABLE_TYPE
from stack.world.world import World


@dataclass(frozen=True)
class _Look:
    """What one look has found. Where the plan itself is refused, Pulumi is not asked. What is refused has no steps."""

    plan: Plan = field(default_factory=Plan)
    changes: tuple[ResourceChange, ...] = ()
    refusal: ToolError | None = None


def change_of(context: Context, base: str | None = None, attestation: Path | None = None) -> Change:
    """The document of the stack as it is now, compared with the commit `base` (None: the main branch). What is refused
    is in it. `attestation` is the file of another stack's, where that is how it comes. Reads only. Raises ToolError for
    what keeps it from being made."""
    config, settings = context.config, context.config.settings
    approvals = approvals_of(config.checkout, config.stack_file, config.setting("approvals"), base)
    world, doing = context.read_world(), activity(context)
    look = _look(context, world)
    commit, modified = commit_of(config.checkout)
    rates = _rates(context, world, look.plan)
    attests = needs_attestation(look.plan, look.changes)
    attested = attested_of(config, context.schema, world.proofs, at_present(), attestation)
    made = Change(
        stack=config.stack,
        at=context.clock(),
        source=Source(
            account=settings.account,
            region=config.region,
            commit=commit,
            modified=modified,
            schema_digest=context.schema.digest,
            live=fingerprint(world.live),
        ),
        error=_failure(look.refusal) if look.refusal else None,
        changes=_ordered(look.changes),
        steps=tuple(planned(step, world.live, rates) for step in look.plan.steps),
        gates=tuple(gates_of(context.schema, settings, world)),
        new_indexes=tuple(new_indexes_of(context.schema, settings, world)),
        approvals=approvals,
        attestation=attested,
        lint=lint_of(Project(config.project, context.schema), config),
        findings=tuple(Told(tables=one.tables, text=one.text, known=one.known) for one in look.plan.findings),
        left_alone=look.plan.left_alone,
        notes=tuple(_notes(doing)),
        commands=commands(config.stack, look.plan, to_attest(attested) if attests else ()),
    )
    return judged(made, look.plan.blocked, doing["paused"], attests=attests)


def refused(stack: str, checkout: Path, error: ToolError, lint: tuple[LintFinding, ...] = ()) -> Change:
    """The document of an error that kept any other from being made, such as a fault in the stack file; with what the
    lint found, if it could be asked."""
    commit, modified = commit_of(checkout)
    made = Change(
        stack=stack,
        at=written(now()),
        source=Source(commit=commit, modified=modified),
        error=_failure(error),
        lint=lint,
    )
    return judged(made)


def _look(context: Context, world: World) -> _Look:
    try:
        plan = plan_of(context, world)
    except Refused as against:
        return _Look(refusal=against)
    refusal: ToolError | None
    try:
        changes, refusal = previewed(context, world)
    except Interrupted:
        raise
    except ToolError as error:
        changes, refusal = [], error
    if refusal is not None:
        plan = replace(plan, steps=(), blocked=())
    return _Look(plan, tuple(changes), refusal)


def _failure(error: ToolError) -> Failure:
    what, why, then = (" ".join(text.split()) for text in (error.what, error.why, error.next))
    return Failure(what=what, why=why, next=then, code=error.exit_code)


def _ordered(changes: tuple[ResourceChange, ...]) -> tuple[PlannedChange, ...]:
    """What loses something first; then tables, indexes, and what monitors them."""
    places = {TABLE_TYPE: 0, INDEX_TYPE: 1}
    made = [
        PlannedChange(
            operation=change.operation,
            resource=change.resource,
            type=change.type,
            loses=change.operation in {DELETE, *REPLACING},
            properties=tuple(_difference(change)),
        )
        for change in changes
    ]
    return tuple(
        sorted(made, key=lambda one: (places.get(one.type, 2), not one.loses, one.resource, one.operation, one.type))
    )


def _difference(change: ResourceChange) -> Iterator[Difference]:
    """Each property that differs. What Pulumi names without telling its values is named all the same."""
    told = {one.name: Difference(name=one.name, old=one.old, new=one.new) for one in change.values}
    yield from told.values()
    yield from (Difference(name=name) for name in change.properties if name not in told)


def _rates(context: Context, world: World, plan: Plan) -> dict[str, Rates]:
    """What the plan's backfills and scans may use of each table; a table that CloudWatch tells nothing of is absent."""
    names = {step.table.name for step in plan.steps if isinstance(step, BackfillTable | LateWriters)}
    if any(isinstance(step, Verify) for step in plan.steps):
        names |= {table.name for table in context.schema if table.backfilled}
    found: dict[str, Rates] = {}
    for name in sorted(names & set(world.live)):
        metrics = Metrics(context.cloudwatch, context.config.physical_name(name))
        attributes = context.schema.table(name).backfilled
        with suppress(ClientError, BotoCoreError, ResponseParserError):
            found[name] = rates_for(
                world.live[name], attributes, context.config.settings.backfill, metrics, context.rate
            )
    return found


def _notes(doing: dict[str, Facts | None]) -> Iterator[str]:
    for heading, run in (("At work", doing["at_work"]), ("Ended without saying so", doing["died"])):
        if run is not None:
            yield f"{heading}: {run['command']} by {run['by']}, since {run['since']}"
