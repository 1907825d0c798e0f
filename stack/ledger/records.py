"""Every kind of record in the ledger: its key, its fields, who writes it, who reads it, and when it is valid. Those of
rollbacks are in rollback.py.

| partition key        | sort key             | record                                                              |
|----------------------|----------------------|---------------------------------------------------------------------|
| `PROOF`              | `<kind>#<subject>`   | a Proof: one fact that later steps rely on, the newest reading only |
| `CONTROL`            | `LEASE`              | who is at work on the stack: stack/ledger/lease.py                  |
| `CONTROL`            | `PAUSE`              | a Pause                                                             |
| `BROWN-OUT`          | `<table>/<index>`    | a BrownOutNote                                                      |
| `ENGINE`             | `<host>#<pid>`       | a CLI of Pulumi's that may hold its lock: migration/session/locks.py |
| `HISTORY`            | `<run>#1-began` …    | runs and requests: stack/ledger/history.py                          |
| `RUN#<run>`          | `<number>#1-began` … | the steps of one run: stack/ledger/history.py                       |
| `BACKFILL#<table>` … | `STATE` …            | a backfill's place: backfills/progress/records.py                   |
| `JOURNAL#<table>`    | `<nanoseconds>#…`    | what a backfill wrote: backfills/progress/records.py                |
| `PROBE`              | a random name        | a trial of a writer, deleted at once: backfills/items/writer.py     |

A proof with a `table_id` is valid for that very table only: a table that was restored under the name has another id.
Times are UTC. Records of version 0.1.0 are read through OLD_NAMES.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from schema.references import IndexRef, Subject
from stack.ledger.codec import KEY, Record

STACK = "stack"
"""The subject of what is true of the whole stack."""


@dataclass(frozen=True, kw_only=True)
class Proof(Record):
    """What all proofs have: their `subject` (a table, an index, or STACK), when they were written, and AWS's id of the
    table that they are about (None: of whatever table has the name)."""

    KIND: ClassVar[str]
    OF_INDEX: ClassVar[bool] = False

    subject: Subject = field(metadata=KEY)
    at: datetime | None = None
    table_id: str | None = None

    @property
    def key(self) -> str:
        """Its sort key."""
        return sort_key(type(self), self.subject)


P = TypeVar("P", bound=Proof)


@dataclass(frozen=True, kw_only=True)
class OwnerProof(Proof):
    """Of STACK: the `stack` whose tables these are. Written by each run; every task refuses another stack's tables."""

    KIND = "owner"

    stack: str


@dataclass(frozen=True, kw_only=True)
class LeastVersionProof(Proof):
    """Of STACK: the least `version` of this tool that may change the stack. Written by each run before it changes
    anything, where none or an older one stands there: stack/ledger/versions.py. A field more would keep older versions
    from reading it."""

    KIND = "least-version"

    version: str


@dataclass(frozen=True, kw_only=True)
class VerifiedProof(Proof):
    """Of STACK: so many `checks` of the schema with this digest held. Written by the step `verify`; taken back when a
    run begins to change something. A plan is empty only with it."""

    KIND = "verify"

    schema: str
    checks: int = 0


@dataclass(frozen=True, kw_only=True)
class TableProof(Proof):
    """Of a table: it was adopted or created, with the ARN of its `stream`. Written by `adopt` and `create-tables`. A
    table with this proof that is gone is never created again."""

    KIND = "table"

    stream: str = ""


@dataclass(frozen=True, kw_only=True)
class BackupProof(Proof):
    """Of a table: its backup, AVAILABLE, of so many `bytes`, made for the `schema` with this digest. Written by
    `backup`. No step changes a table without one of its schema; `rollback --from-backup latest` restores it."""

    KIND = "backup"

    schema: str
    arn: str = ""
    name: str = ""
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class BackfillProof(Proof):
    """Of a table: its items have these `attributes`, but for those that are reported. Counts are of items, as in
    backfills' Counts; `late_a_second` are the items a second that writers still left without them, `spread` the hot
    keys of each new index, for a reader. Written by `backfill`, taken back by its rollback; no index is created
    without it."""

    KIND = "backfill"

    attributes: tuple[str, ...]
    scanned: int = 0
    changed: int = 0
    skipped: int = 0
    raced: int = 0
    deleted: int = 0
    passes: int = 0
    remaining: int = 0
    violating: int = 0
    violations: dict[str, int] = field(default_factory=dict)
    late_a_second: str = ""
    spread: dict[str, str] = field(default_factory=dict)
    OLD_NAMES: ClassVar[Mapping[str, str]] = {"unfit": "violating"}


@dataclass(frozen=True, kw_only=True)
class IndexProof(Proof):
    """Of an index: when a run `started` to build it, when an item was found through it (`verified`; `queried` is that
    item's key), and when it got its steady capacity (`settled`). Written by `create-index`, `verify-index` and
    `settle-capacity`. Only an index with `started` is ours to settle."""

    KIND, OF_INDEX = "index", True

    started: datetime | None = None
    verified: datetime | None = None
    settled: datetime | None = None
    queried: str = ""


@dataclass(frozen=True, kw_only=True)
class RaisedProof(Proof):
    """Of an index: somebody gave it so many `write` units a second while it was built. Written by the task `capacity`,
    taken back when the index is settled."""

    KIND, OF_INDEX = "raised", True

    write: int


@dataclass(frozen=True, kw_only=True)
class LateWritersProof(Proof):
    """Of a table: the scans for late writers, without a gap `since` then (`gaps` counts earlier gaps). `looked` and
    `ended` are the last scan's times, `looks` their number, `late` all items found, `last_late` those of the last scan,
    `stale` the values that are no longer what their sources give (None: never counted). `clean_since` is the end of the
    last scan that found something. `unready` says what stood against reading from the index at the last scan; empty:
    nothing. Written by `begin-late-writers` and `late-writers`, taken back by a rollback of the backfill."""

    KIND = "watch"

    since: datetime
    clean_since: datetime
    looked: datetime
    ended: datetime
    looks: int = 0
    late: int = 0
    last_late: int = 0
    gaps: int = 0
    stale: int | None = None
    unready: str = ""


@dataclass(frozen=True, kw_only=True)
class ReadReadyProof(Proof):
    """Of a new index: readers may use it, after so many `looks` for late writers since `since`, none of which found one
    after `clean_since`. Written by `late-writers`; taken back when one is found again."""

    KIND, OF_INDEX = "read-ready", True

    since: datetime
    clean_since: datetime
    looks: int = 0


@dataclass(frozen=True, kw_only=True)
class ShadowProof(Proof):
    """Of a new index: whether it answered as its table does (`equal`), a line on it (`summary`), and the counts behind
    it. Written by `shadow-read`; counts for seven days."""

    KIND, OF_INDEX = "shadow", True

    equal: bool
    summary: str
    scanned: int = 0
    read_units: int = 0
    outside: dict[str, Any] = field(default_factory=dict)
    patterns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OwnReadProof(Proof):
    """Of a retired index: the read `units` of this tool's own reads, by the start of the minute. Written by
    `read-index`, and by `verify-index` where a rollback has built the index again; the gate subtracts them from what
    CloudWatch shows."""

    KIND, OF_INDEX = "own-read", True

    units: dict[datetime, float]


@dataclass(frozen=True, kw_only=True)
class BrownOutProof(Proof):
    """Of a retired index: its reads were refused for so many `minutes` and no alarm fired. Written by `brown-out`."""

    KIND, OF_INDEX = "brown-out", True

    began: datetime
    ended: datetime
    minutes: float
    OLD_NAMES: ClassVar[Mapping[str, str]] = {"from": "began", "to": "ended"}


@dataclass(frozen=True, kw_only=True)
class CheckProof(Proof):
    """Of one of the stack's checks, by its name: the newest run of its command (`check_run`) with its `exit_code`, the
    digest of its kept `log`, the full id of the `commit` (with `-dirty` where files differed; empty: unknown) and `by`
    whom. `passed` are the newest runs that passed, each with its commit. Written by `check`; an attestation needs it,
    and the gate's claim about tests."""

    KIND = "check"

    check_run: str
    began: datetime
    ended: datetime
    exit_code: int
    log: str
    commit: str
    by: str
    passed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LoadTestProof(Proof):
    """Of STACK: the newest load test, from `began` to `ended`: whether it `passed`, its `requests` and `errors`, and
    the 99th percentile of their latency against the limit, both in milliseconds. Written by the task `loadtest`; an
    attestation needs one that passed."""

    KIND = "loadtest"

    began: datetime
    ended: datetime
    passed: bool
    requests: int
    errors: int
    p99_ms: float
    limit_ms: float


@dataclass(frozen=True, kw_only=True)
class AttestationProof(Proof):
    """Of STACK: this stack was shown to be sound. Of `from/<stack>`: another one's attestation, accepted here.

    `code`, `schema` and `lock` (packages) are digests. The stack was `verified` by the run `verified_by`, and no alarm
    has fired since `clean_since`. `check_runs` are runs in which all checks passed, each with its commit; `overridden`
    are rules that were overridden, with the reason. Written by `attest`; taken back by a rollback of the stack."""

    KIND = "attestation"

    stack: str
    account: str
    code: str
    schema: str
    lock: str
    commit: str
    verified: datetime
    verified_by: str
    clean_since: datetime
    attested: datetime
    by: str
    check_runs: dict[str, str] = field(default_factory=dict)
    overridden: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OverrideProof(Proof):
    """Of a rule of promotion, by its name: it was overridden as the stack file says, for this `reason`, `by` whom, as
    `given` then for that `commit`; `evidence` is what stood against it. Written where an override is used."""

    KIND = "override"

    reason: str
    by: str
    given: datetime
    commit: str
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Pause(Record):
    """Somebody (`by`) asked what runs to stop. Written by the task `pause`; every run reads it between two steps."""

    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class BrownOutNote(Record):
    """Reads of an index are about to be refused, or are: the table's `policy` before (None: it had none), the policy
    that refuses them (`denying`), and the `revision` of that change once it is made. Written before the policy is
    changed, so that a killed run leaves a way back; removed when the policy is put back."""

    index: IndexRef = field(metadata=KEY)
    table_arn: str
    index_arn: str
    denying: str
    at: datetime
    policy: str | None = None
    revision: str | None = None


def sort_key(kind: type[Proof], subject: Subject) -> str:
    """The sort key of a proof."""
    return f"{kind.KIND}#{subject}"
