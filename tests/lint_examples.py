"""For each code of the lint a case that it finds, and one like it that is good."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schema.backfill import Backfill, constant, text
from schema.model import AccessPattern, Index, RetiredIndex, Schema, Table
from schema.parts import Attribute, AttributeType, BillingMode, Projection, ProjectionType, Throughput
from schema.project import Project
from stack.file.document import read_stack_file
from stack.lint.earlier import facts
from stack.lint.finding import Earlier, Linted
from stack.lint.linting import config_as_written
from stack.lint.rules.every import judge

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
OLD, NEW = "orders/ByState", "orders/ByPhase"
STRING, NUMBER = AttributeType.STRING, AttributeType.NUMBER
GOOD = """\
config:
  aws:region: eu-central-1
  shop:account: "210987654321"
  shop:tablePrefix: shop-
  shop:backend: s3://state
  shop:tags: {Team: shop}
  shop:subscriptions:
    - protocol: email
      endpoint: shop@example.com
"""
"""A stack file in which nothing is found."""
APPROVAL = """\
  shop:approvals:
    orders/ByState: {{applicationUpdated: true, testsPassed: true, by: Jane Doe, at: "{at}"}}
"""


PROMOTED = "  shop:promotesFrom: {stack: staging, cleanHours: 24}\n"


def index(name: str, *keys: str, **changes: Any) -> Index:
    """An index with these keys, `name:N` for a number."""
    attributes = [Attribute(key.partition(":")[0], NUMBER if key.endswith(":N") else STRING) for key in keys]
    sort = attributes[1] if len(attributes) > 1 else None
    return Index(name, attributes[0], sort, **{"throughput": Throughput(10, 10), **changes})


def including(*names: str) -> Projection:
    return Projection(ProjectionType.INCLUDE, names)


def table(*indexes: Index, **changes: Any) -> Table:
    """A live table with these indexes; `phase` and `day` are backfilled from what the items have."""
    rules = {"phase": lambda item, given: text(item, "state") or "", "day": lambda item, given: "2026-01-31"}
    plain: dict[str, Any] = {
        "name": "orders",
        "partition_key": Attribute("id"),
        "throughput": Throughput(10, 10),
        "backfill": Backfill(rules, reads=("state",)),
        "existing": True,
    }
    return Table(indexes=indexes, **{**plain, **changes})


def schema(*tables: Table, patterns: tuple[AccessPattern, ...] | None = None) -> Schema:
    """The tables, with a pattern for each index unless others are given."""
    each = [AccessPattern(str(ref), ref.table, ref.index) for one in tables for ref in one.refs]
    return Schema(tables, tuple(each) if patterns is None else patterns)


BY_PHASE = index("ByPhase", "phase", "day")
BY_STATE = index("ByState", "state", existing=True)
RETIRED = (RetiredIndex(BY_STATE, replaced_by="ByPhase"),)
PLAIN = schema(table(BY_PHASE, retired=RETIRED))
"""A schema in which nothing is found: ByPhase replaces ByState."""


@dataclass(frozen=True)
class Case:
    """A schema and a stack file. `changed` is when the code of each index was changed, `beside` are other stack files
    of the checkout, by the stack's name. `earlier` is the schema at another commit."""

    schema: Schema = PLAIN
    text: str = GOOD
    stack: str = "staging"
    changed: datetime | None = None
    beside: dict[str, str] = field(default_factory=dict)
    earlier: Schema | None = None

    def found(self, folder: Path) -> list[tuple[str, str]]:
        """Code and subject of all that is found, with the files written into that folder."""
        (folder / "Pulumi.yaml").write_text("name: shop\n", encoding="utf-8")
        for name, written in {**self.beside, self.stack: self.text}.items():
            (folder / f"Pulumi.{name}.yaml").write_text(written, encoding="utf-8")
        project = Project("shop", self.schema)
        file, *others = [read_stack_file(name, folder, project) for name in (self.stack, *self.beside)]
        linted = Linted(
            schema=self.schema,
            config=config_as_written(project, file, self.stack),
            file=file,
            now=NOW,
            others=lambda: [config_as_written(project, other, other.name) for other in others],
            earlier=Earlier("main", **facts(self.earlier)) if self.earlier else None,
            changed=lambda ref: self.changed if str(ref) in {OLD, NEW} else None,
        )
        return [(rule.code, found.subject) for rule, found in judge(linted)]


@dataclass(frozen=True)
class Example:
    """What a code finds: in `bad` the `subjects`, in `good` nothing."""

    bad: Case
    good: Case
    subjects: tuple[str, ...]


def of_schema(bad: Schema, good: Schema = PLAIN, *subjects: str) -> Example:
    return Example(Case(bad), Case(good), subjects or (NEW,))


def of_file(bad: str, good: str, *subjects: str, **changes: Any) -> Example:
    """Lines that are added to the good stack file."""
    plain = Case(**changes)
    return Example(replace(plain, text=GOOD + bad), replace(plain, text=GOOD + good), subjects)


def _reading(*patterns: AccessPattern) -> Schema:
    return schema(table(BY_PHASE, retired=RETIRED), patterns=patterns)


PATTERN = AccessPattern("by phase", "orders", "ByPhase")
STALE = AccessPattern("by state", "orders", "ByState")
ON_DEMAND = Table(
    "carts", Attribute("id"), billing_mode=BillingMode.ON_DEMAND, indexes=(Index("ByUser", Attribute("u")),)
)
CONSTANT = Backfill({"phase": constant("open"), "day": constant("2026-01-31")})
NARROW = replace(BY_PHASE, projection=including("total"))
MANY = [index(f"Include{n}", "phase", "day", projection=including(*(f"a{m}" for m in range(20)))) for n in range(6)]
KEYLESS = index("ByPhase", "phase")


def _approved(at: str) -> str:
    return APPROVAL.format(at=at)


def _many(count: int) -> Schema:
    return schema(table(*(index(f"By{number}", "phase", f"key{number}") for number in range(count))))


EXAMPLES: dict[str, Example] = {
    "L001": of_schema(_reading(PATTERN, STALE), PLAIN, OLD),
    "L002": Example(
        Case(_reading(PATTERN, STALE), GOOD + _approved("2026-01-30")),
        Case(PLAIN, GOOD + _approved("2026-01-30")),
        (OLD,),
    ),
    "L003": of_schema(_reading()),
    "L004": of_schema(schema(table(BY_PHASE, backfill=CONSTANT))),
    "L005": of_schema(
        schema(table(BY_PHASE, throughput=Throughput(1, 10))), schema(table(NARROW, throughput=Throughput(1, 10)))
    ),
    "L006": Example(Case(earlier=schema(table(NARROW, retired=RETIRED))), Case(earlier=PLAIN), (NEW,)),
    "L007": of_schema(schema(table(BY_PHASE, index("Again", "phase", "day"))), PLAIN, "orders/Again"),
    "L008": of_schema(
        schema(table(BY_PHASE, index("Phase", "phase"))),
        schema(table(BY_PHASE, index("Day", "day"))),
        "orders/Phase",
    ),
    "L009": of_schema(schema(table(BY_PHASE, index("ById", "id"))), PLAIN, "orders/ById"),
    "L010": of_schema(schema(table(index("ByPhase", "phase", "day:N")))),
    "L011": of_schema(
        schema(table(index("ByPhase", "phase", "placedAt:N"))), schema(table(index("ByPhase", "phase", "weight:N")))
    ),
    "L012": of_schema(schema(table(replace(BY_PHASE, projection=including("id", "total")))), schema(table(NARROW))),
    "L013": of_schema(
        schema(table(NARROW), patterns=(replace(PATTERN, returns=("total", "name")),)),
        schema(table(NARROW), patterns=(replace(PATTERN, returns=("total", "id", "day")),)),
        "by phase",
    ),
    "L014": of_schema(
        schema(table(KEYLESS), patterns=(replace(PATTERN, filters=("day",)),)),
        schema(table(BY_PHASE), patterns=(replace(PATTERN, filters=("day",)),)),
        "by phase",
    ),
    "L015": of_schema(schema(table(index("ByPhase", "phase", "sentOn")))),
    "L016": of_schema(_many(19), _many(18), "orders"),
    "L017": of_schema(schema(table(*MANY)), schema(table(*MANY[:5])), "orders"),
    "L018": of_schema(
        schema(table(NARROW, retired=RETIRED)),
        schema(table(NARROW, retired=(replace(RETIRED[0], index=replace(BY_STATE, projection=including("total"))),))),
    ),
    "L019": of_schema(schema(table(replace(BY_PHASE, throughput=Throughput(10, 9))))),
    "L020": of_schema(
        schema(table(BY_PHASE, ttl="expires", backfill=Backfill({"expires": constant("1")}))), PLAIN, "orders"
    ),
    "L021": Example(
        Case(schema(table(BY_PHASE)), earlier=schema(table(BY_PHASE, BY_STATE), ON_DEMAND)),
        Case(PLAIN, earlier=schema(table(BY_PHASE, BY_STATE))),
        ("carts", OLD),
    ),
    "L101": Example(Case(text=GOOD.replace("210987654321", "000000000000")), Case(), ("account",)),
    "L102": of_file(
        _approved("2026-01-30T10:00:00Z"),
        _approved("2026-01-30T12:00:00Z"),
        OLD,
        changed=datetime(2026, 1, 30, 11, tzinfo=UTC),
    ),
    "L103": of_file(_approved("2026-03-01"), _approved("2026-02-01"), OLD),
    "L104": of_file("  shop:lateWriters: {minutes: 0}\n", "  shop:lateWriters: {minutes: 60}\n", "lateWriters.minutes"),
    "L105": of_file(
        "  shop:lateWriters: {leastWrites: 0}\n", "  shop:lateWriters: {leastWrites: 5}\n", "lateWriters.leastWrites"
    ),
    "L106": of_file("  shop:quietMinutes: 0\n", "  shop:quietMinutes: 60\n", "quietMinutes"),
    "L107": of_file(f"  shop:acceptedHotKeys: {{{NEW}: 1.0}}\n", f"  shop:acceptedHotKeys: {{{NEW}: 0.4}}\n", NEW),
    "L108": of_file("  shop:backfill: {share: 1.0}\n", "  shop:backfill: {share: 0.5}\n", "backfill.share"),
    "L109": of_file("  shop:backfill: {rate: 11}\n", "  shop:backfill: {rate: 10}\n", "orders"),
    "L110": of_file("", "  shop:brownOutMinutes: 60\n", "brownOutMinutes", stack="prod"),
    "L111": of_file("  shop:backfill: {journal: false}\n", "  shop:backfill: {journal: true}\n", "backfill.journal"),
    "L112": Example(Case(text=GOOD[: GOOD.index("  shop:subscriptions")]), Case(), ("subscriptions",)),
    "L113": of_file(
        "    - protocol: https\n      endpoint: https://hooks.example.com/4711\n",
        "    - protocol: https\n      endpoint: {secure: AAABAPY}\n",
        "subscriptions[1]",
    ),
    "L114": of_file(
        "  aws:accessKey: {secure: AAABAPY}\n  aws:secretKey: very-secret\n",
        "  aws:accessKey: {secure: AAABAPY}\n  aws:secretKey: {secure: AAABAPY}\n",
        "aws:secretKey",
    ),
    "L115": Example(
        Case(text=GOOD.replace("  shop:tags: {Team: shop}\n", "")),
        Case(text=GOOD.replace("shop:tags: {Team: shop}", "aws:defaultTags: {tags: {Team: shop}}")),
        ("tags",),
    ),
    "L116": of_file(
        "  shop:keepStream: [carts]\n",
        "  shop:keepStream: [orders]\n",
        "keepStream carts",
        schema=schema(table(BY_PHASE, retired=RETIRED), ON_DEMAND),
    ),
    "L117": Example(
        Case(beside={"prod": GOOD}), Case(beside={"prod": GOOD.replace("shop-", "shop-prod-")}), ("tablePrefix",)
    ),
    "L118": Example(Case(text=GOOD.replace("s3://state", "file://.local/state")), Case(), ("backend",)),
    "L119": of_file(
        f"  shop:acceptedFindings: {{L001: {{{OLD}: known}}}}\n",
        f"  shop:acceptedFindings: {{L107: {{{NEW}: known}}}}\n  shop:acceptedHotKeys: {{{NEW}: 1.0}}\n",
        f"L001 {OLD}",
    ),
    "L120": of_file("", PROMOTED, "promotesFrom", stack="prod"),
    "L121": of_file(PROMOTED.replace("24", "23"), PROMOTED, "promotesFrom.cleanHours", stack="prod"),
    "L122": of_file(
        "  shop:loadTest: {allowed: true, production: true}\n",
        "  shop:loadTest: {allowed: true}\n",
        "loadTest.production",
        stack="prod",
    ),
}
