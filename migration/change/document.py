"""The change document, typed: what `change.json` holds. docs/change.schema.json is made of these classes, and a test
compares the two. A field that goes, or means something else, raises VERSION; a new one does not."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

VERSION: Literal[1] = 1
"""The form of the document."""
COST_FOLLOWS = "keyshift has no cost model yet"
"""Why no field in dollars is known."""

Verdict = Literal["safe", "waiting", "refused"]
Needs = Literal["time", "person", "run", "nothing known"]
Severity = Literal["error", "warning", "note"]


class Part(BaseModel):
    """A part of the document: frozen, and of the fields that it declares only."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Failure(Part):
    """Why the change is refused: the three lines of the error, and the exit code that it stands for."""

    what: str
    why: str
    next: str
    code: int


class Source(Part):
    """What the document was made from. `commit` is the checkout's, None outside git; `modified` says that files differ
    from it. `schema_digest` is the schema's. `live` is a SHA-256 over what matters of the live tables, without counts
    and capacity, which move by themselves: while it stays the same, so does what the document says of them. What could
    not be read before an error is None."""

    account: str | None = None
    region: str | None = None
    commit: str | None = None
    modified: bool | None = None
    schema_digest: str | None = None
    live: str | None = None


class Difference(Part):
    """One property that Pulumi would change: its path, and its value before and after. None stands for none, a secret
    for `[secret]`; `[unknown]` is a value that AWS gives only when the change is made."""

    name: str
    old: JsonValue = None
    new: JsonValue = None


class PlannedChange(Part):
    """One change that an `up` of the whole schema would make: Pulumi's operation, the resource's name and type, and the
    properties that differ. `loses` marks what is deleted or replaced."""

    operation: str
    resource: str
    type: str
    loses: bool
    properties: tuple[Difference, ...] = ()


class Expected(Part):
    """What a step is expected to take: seconds, items that it looks at, write units of the table or index. `basis` says
    what the figures are made of. None is a figure that is not known."""

    seconds: float | None = None
    items: int | None = None
    write_units: float | None = None
    dollars: float | None = None
    basis: str = "not known"


class PlannedStep(Part):
    """One step that `migrate` would still run, and why."""

    action: str
    tables: tuple[str, ...]
    index: str | None
    why: str
    expected: Expected


class Condition(Part):
    """One condition of a gate, or of a new index being read-ready, with its evidence. Where it does not hold, `needs`
    says what is missing: time alone, a person, or a step of a run. `earliest_at` is the time before which it cannot
    hold (ISO 8601, UTC), if readings and settings tell one."""

    name: str
    holds: bool
    evidence: str
    needs: Needs | None = None
    earliest_at: str | None = None
    next: str = ""


class IndexGate(Part):
    """The gate of a retired index that is live. It cannot open before `earliest_at`; None: no time is known."""

    index: str
    replaced_by: str
    open: bool
    approved: bool
    earliest_at: str | None
    conditions: tuple[Condition, ...]


class NewIndex(Part):
    """An index that the migration adds to a live table: whether readers may use it, and when at the earliest."""

    index: str
    live: bool
    read_ready: Condition


class ApprovalOfIndex(Part):
    """An approval to remove a retired index, as the stack file holds it. That the tests passed is typed, or shown by
    the run of the stack's checks (`check_run`)."""

    index: str
    by: str
    at: str
    application_updated: bool
    tests_passed: bool
    check_run: str | None = None


class Approvals(Part):
    """How the approvals of the stack file differ from those of the base commit. Where that could not be asked, `base`
    is None, and `why` says why."""

    base: str | None = None
    base_commit: str | None = None
    why: str = ""
    added: tuple[ApprovalOfIndex, ...] = ()
    withdrawn: tuple[str, ...] = ()


class Attested(Part):
    """What another stack (`stack`) has attested of this change, for a stack that promotes from it once it was clean for
    `clean_hours`. `allows` says whether a run may change this stack now, as far as that goes; None: it is not known,
    for the reason in `why`. `commit`, `by` and `attested_at` are of the attestation that was found; None: there is
    none. `earliest_at` is the end of the bake time, where nothing else is missing."""

    stack: str
    clean_hours: float
    allows: bool | None
    why: str = ""
    commit: str | None = None
    by: str | None = None
    attested_at: str | None = None
    earliest_at: str | None = None
    conditions: tuple[Condition, ...] = ()


class LintFinding(Part):
    """What the lint found: its code in docs/lint.md, what of (`subject`), and where: `file` is relative to the
    project's folder, lines begin at 1. `accepted` is the reason for which the stack accepts it, None where it does
    not."""

    code: str
    severity: Severity
    title: str
    subject: str
    what: str
    why: str
    next: str
    file: str
    line: int
    accepted: str | None = None


class Told(Part):
    """Something to know of these tables (none: the whole stack). `known` is False for a fact that could not be read."""

    tables: tuple[str, ...]
    text: str
    known: bool = True


class Cost(Part):
    """What the stack costs a month, in dollars, before and after the change."""

    monthly_before: float | None = None
    monthly_after: float | None = None
    note: str = COST_FOLLOWS


class Commands(Part):
    """The commands that go on with the change, and those that take it back once it is done."""

    on: tuple[str, ...] = ()
    back: tuple[str, ...] = ()


class Change(Part):
    """The whole document. `reasons` are those of the verdict, the first one the most important. `left_alone` is live,
    and not in the schema or not ours to change. `notes` are what else to know of the stack at this moment.
    `attestation` is None for a stack that promotes from no other, and where an error came before it was asked."""

    version: Literal[1] = VERSION
    stack: str
    at: str
    verdict: Verdict = "refused"
    reasons: tuple[str, ...] = ()
    source: Source = Source()
    error: Failure | None = None
    changes: tuple[PlannedChange, ...] = ()
    steps: tuple[PlannedStep, ...] = ()
    gates: tuple[IndexGate, ...] = ()
    new_indexes: tuple[NewIndex, ...] = ()
    approvals: Approvals = Approvals()
    attestation: Attested | None = None
    lint: tuple[LintFinding, ...] = ()
    findings: tuple[Told, ...] = ()
    left_alone: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cost: Cost = Cost()
    commands: Commands = Commands()

    def document(self) -> dict[str, Any]:
        """It as JSON holds it."""
        return self.model_dump(mode="json")


def schema() -> dict[str, Any]:
    """The JSON schema of the document."""
    return Change.model_json_schema(mode="serialization")
