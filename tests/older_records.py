"""Proofs as the version before typed records wrote them into the ledger, and what they say now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from schema.references import IndexRef
from stack.ledger.records import (
    STACK,
    BackfillProof,
    BackupProof,
    BrownOutProof,
    IndexProof,
    IntentProof,
    LateWritersProof,
    LeastVersionProof,
    OwnerProof,
    OwnReadProof,
    Proof,
    RaisedProof,
    ReadReadyProof,
    RestoredProof,
    RolledBackProof,
    ShadowProof,
    TableProof,
    VerifiedProof,
)

NEW = IndexRef("reports", "GSI3-StatusIndex")
OLD = IndexRef("personnel", "GSI2-ProjectIndex")
AT = datetime(2026, 11, 23, 0, 36, 49, tzinfo=UTC)
EARLIER = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
ALWAYS = {"PK": "PROOF", "at": "2026-11-23T00:36:49Z", "run": "2026-11-23T00:36:00Z-1f3a"}
OF_REPORTS = {**ALWAYS, "table": "reports", "table_id": "id-1"}
OF_PERSONNEL = {**ALWAYS, "table": "personnel", "table_id": "id-2"}
EXAMPLES = ["REPORT#00001 / METADATA"]
OLDER: Mapping[str, tuple[Mapping[str, Any], Proof]] = {
    "owner": ({**ALWAYS, "SK": "owner#stack", "stack": "prod"}, OwnerProof(subject=STACK, at=AT, stack="prod")),
    "least-version": (
        {**ALWAYS, "SK": "least-version#stack", "version": "0.2.0"},
        LeastVersionProof(subject=STACK, at=AT, version="0.2.0"),
    ),
    "verify": (
        {**ALWAYS, "SK": "verify#stack", "checks": 63, "schema": "5f2c"},
        VerifiedProof(subject=STACK, at=AT, checks=63, schema="5f2c"),
    ),
    "table": (
        {**ALWAYS, "SK": "table#reports", "stream": "arn:aws:dynamodb:us-east-1:1:table/reports/stream/2"},
        TableProof(subject="reports", at=AT, stream="arn:aws:dynamodb:us-east-1:1:table/reports/stream/2"),
    ),
    "backup": (
        {**OF_REPORTS, "SK": "backup#reports", "arn": "arn:1", "bytes": 512, "name": "backup-1", "schema": "5f2c"},
        BackupProof(subject="reports", at=AT, table_id="id-1", arn="arn:1", bytes=512, name="backup-1", schema="5f2c"),
    ),
    "backup before a rollback": (
        {**ALWAYS, "SK": "backup#work-logs", "arn": "arn:1", "bytes": 0, "name": "backup-1", "schema": "5f2c"},
        BackupProof(subject="work-logs", at=AT, arn="arn:1", name="backup-1", schema="5f2c"),
    ),
    "backfill": (
        {
            **OF_REPORTS,
            "SK": "backfill#reports",
            "attributes": ["status", "timestamp"],
            "scanned": 1000,
            "changed": 990,
            "skipped": 7,
            "raced": 1,
            "deleted": 4,
            "passes": 2,
            "remaining": 3,
            "unfit": 2,
            "violations": {"createdAt is missing": 2},
            "late_a_second": "0.5",
            "spread": {"GSI3-StatusIndex": "status: 'draft' 40% of 1,000 items"},
        },
        BackfillProof(
            subject="reports",
            at=AT,
            table_id="id-1",
            attributes=("status", "timestamp"),
            scanned=1000,
            changed=990,
            skipped=7,
            raced=1,
            deleted=4,
            passes=2,
            remaining=3,
            violating=2,
            violations={"createdAt is missing": 2},
            late_a_second="0.5",
            spread={"GSI3-StatusIndex": "status: 'draft' 40% of 1,000 items"},
        ),
    ),
    "index that is being built": (
        {**OF_REPORTS, "SK": f"index#{NEW}", "started": "2026-11-22T23:30:00Z"},
        IndexProof(subject=NEW, at=AT, table_id="id-1", started=EARLIER),
    ),
    "index": (
        {
            **OF_REPORTS,
            "SK": f"index#{NEW}",
            "started": "2026-11-22T23:30:00Z",
            "queried": "REPORT#00001 / METADATA",
            "verified": "2026-11-23T00:36:49Z",
            "settled": "2026-11-23T00:36:49Z",
        },
        IndexProof(
            subject=NEW,
            at=AT,
            table_id="id-1",
            started=EARLIER,
            queried="REPORT#00001 / METADATA",
            verified=AT,
            settled=AT,
        ),
    ),
    "raised": (
        {**OF_REPORTS, "SK": f"raised#{NEW}", "write": 40},
        RaisedProof(subject=NEW, at=AT, table_id="id-1", write=40),
    ),
    "watch": (
        {
            **OF_REPORTS,
            "SK": "watch#reports",
            "since": "2026-11-22T23:30:00Z",
            "looks": 4,
            "late": 3,
            "gaps": 1,
            "clean_since": "2026-11-22T23:30:00Z",
            "looked": "2026-11-23T00:36:49Z",
            "ended": "2026-11-23T00:36:49Z",
            "stale": 7,
            "last_late": 3,
            "unready": "3 items of a late writer at 2026-11-23T00:36:49Z, 3 in all",
        },
        LateWritersProof(
            subject="reports",
            at=AT,
            table_id="id-1",
            since=EARLIER,
            looks=4,
            late=3,
            gaps=1,
            clean_since=EARLIER,
            looked=AT,
            ended=AT,
            stale=7,
            last_late=3,
            unready="3 items of a late writer at 2026-11-23T00:36:49Z, 3 in all",
        ),
    ),
    "watch without a window": (
        {
            **OF_REPORTS,
            "SK": "watch#reports",
            "since": "2026-11-22T23:30:00Z",
            "looks": 1,
            "late": 0,
            "gaps": 0,
            "clean_since": "2026-11-22T23:30:00Z",
            "looked": "2026-11-22T23:30:00Z",
            "ended": "2026-11-23T00:36:49Z",
            "last_late": 0,
            "unready": "",
        },
        LateWritersProof(
            subject="reports",
            at=AT,
            table_id="id-1",
            since=EARLIER,
            looks=1,
            clean_since=EARLIER,
            looked=EARLIER,
            ended=AT,
        ),
    ),
    "read-ready": (
        {
            **OF_REPORTS,
            "SK": f"read-ready#{NEW}",
            "since": "2026-11-22T23:30:00Z",
            "looks": 7,
            "clean_since": "2026-11-22T23:30:00Z",
        },
        ReadReadyProof(subject=NEW, at=AT, table_id="id-1", since=EARLIER, looks=7, clean_since=EARLIER),
    ),
    "shadow": (
        {
            **OF_REPORTS,
            "SK": f"shadow#{NEW}",
            "equal": True,
            "scanned": 1000,
            "read_units": 126,
            "outside": {"a key is missing": {"count": 1, "examples": EXAMPLES}},
            "patterns": {"workflow queue": {"values": 4, "items": 999, "equal": 999, "differences": {}}},
            "summary": "999 items under 4 partition key values agree",
        },
        ShadowProof(
            subject=NEW,
            at=AT,
            table_id="id-1",
            equal=True,
            scanned=1000,
            read_units=126,
            outside={"a key is missing": {"count": 1, "examples": EXAMPLES}},
            patterns={"workflow queue": {"values": 4, "items": 999, "equal": 999, "differences": {}}},
            summary="999 items under 4 partition key values agree",
        ),
    ),
    "own-read": (
        {
            **OF_PERSONNEL,
            "SK": f"own-read#{OLD}",
            "units": {"2026-11-22T23:30:00Z": Decimal("0.5"), "2026-11-23T00:36:00Z": Decimal("1.0")},
        },
        OwnReadProof(subject=OLD, at=AT, table_id="id-2", units={EARLIER: 0.5, AT.replace(second=0): 1.0}),
    ),
    "brown-out": (
        {
            **OF_PERSONNEL,
            "SK": f"brown-out#{OLD}",
            "from": "2026-11-22T23:30:00Z",
            "to": "2026-11-23T00:36:49Z",
            "minutes": "66.5",
        },
        BrownOutProof(subject=OLD, at=AT, table_id="id-2", began=EARLIER, ended=AT, minutes=66.5),
    ),
    "rolled-back": (
        {**ALWAYS, "SK": f"rolled-back#{OLD}", "by": "ana@host"},
        RolledBackProof(subject=OLD, at=AT, by="ana@host"),
    ),
    "restored, not compared": (
        {**ALWAYS, "SK": "restored#reports", "source": "2026-11-22T23:30:00Z"},
        RestoredProof(subject="reports", at=AT, source="2026-11-22T23:30:00Z"),
    ),
    "restored, compared": (
        {
            **ALWAYS,
            "SK": "restored#reports",
            "source": "backup arn:1",
            "compared": {"equal": 998, "different": 1, "only_restored": 0, "only_live": 1},
        },
        RestoredProof(
            subject="reports",
            at=AT,
            source="backup arn:1",
            compared={"equal": 998, "different": 1, "only_restored": 0, "only_live": 1},
        ),
    ),
    "restored, without a live table": (
        {**ALWAYS, "SK": "restored#reports", "source": "backup arn:1", "compared": {}},
        RestoredProof(subject="reports", at=AT, source="backup arn:1", compared={}),
    ),
    "intent on an index": (
        {**ALWAYS, "SK": f"rollback#{NEW}", "intent": "delete", "lease": "a token"},
        IntentProof(subject=str(NEW), at=AT, intent="delete", lease="a token"),
    ),
    "intent on a table": (
        {**ALWAYS, "SK": "rollback#work-logs", "intent": "delete", "lease": "a token"},
        IntentProof(subject="work-logs", at=AT, intent="delete", lease="a token"),
    ),
}
"""Items, and the proofs that they are read as."""
