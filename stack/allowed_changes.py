"""Which planned changes may be made: for each type of resource its operations and properties. Pure.

Every `up` of ours is previewed, and what its preview shows is held against this list. What is not on it is refused by
its name, whatever it is: a plugin or an engine that we do not know may plan more than the program says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import JsonValue

from schema.errors import Refused
from schema.references import IndexRef
from stack.declaration import Declaration
from stack.world.managed import ALARM_TYPE, DASHBOARD_TYPE, INDEX_TYPE, SUBSCRIPTION_TYPE, TABLE_TYPE, TOPIC_TYPE

CREATE, UPDATE, DELETE, IMPORT = "create", "update", "delete", "import"
REPLACING = frozenset({"replace", "create-replacement", "delete-replaced", "import-replacement", "read-replacement"})
"""Pulumi's names of operations (pulumi/pulumi, pkg/resource/deploy/step.go)."""


@dataclass(frozen=True)
class ValueChange:
    """One property by its path, such as `ttl.enabled`, with its value before and after; None stands for none."""

    name: str
    old: JsonValue = None
    new: JsonValue = None


@dataclass(frozen=True)
class ResourceChange:
    """One change that a preview or an `up` shows: Pulumi's operation (such as `create`), the resource's name and type,
    and the properties that differ. `values` show a person what they were and will be; nothing is decided by them."""

    operation: str
    resource: str
    type: str
    properties: tuple[str, ...] = ()
    values: tuple[ValueChange, ...] = field(default=(), compare=False, repr=False)

    @property
    def changed(self) -> set[str]:
        """The properties by their first names: `ttl` for `ttl.enabled`."""
        return {name.partition(".")[0].partition("[")[0] for name in self.properties}


TABLE_PROTECTION = frozenset(
    {"deletionProtectionEnabled", "pointInTimeRecovery", "streamArn", "streamEnabled", "streamLabel", "streamViewType"}
)
"""What adoption changes of a table; AWS computes the stream's ARN and label."""
OWN_TABLE = frozenset({"billingMode", "readCapacity", "serverSideEncryption", "tags", "tagsAll", "writeCapacity"})
"""What else may change of a table of our own making."""
EXPIRY = frozenset({"ttl"})
INDEX_CAPACITY = frozenset({"provisionedThroughput", "warmThroughput"})
"""What changes of an index that is settled, or of a table of our own making; AWS computes the warm throughput."""

_FREE = frozenset({CREATE, UPDATE, DELETE, *REPLACING})
MONITORS = {
    ALARM_TYPE: frozenset(
        {
            "actionsEnabled",
            "alarmActions",
            "alarmDescription",
            "arn",
            "comparisonOperator",
            "evaluationPeriods",
            "metricQueries",
            "name",
            "okActions",
            "tags",
            "tagsAll",
            "threshold",
            "treatMissingData",
        }
    ),
    DASHBOARD_TYPE: frozenset({"dashboardArn", "dashboardBody", "dashboardName"}),
    TOPIC_TYPE: frozenset({"arn", "name", "tags", "tagsAll"}),
    SUBSCRIPTION_TYPE: frozenset({"arn", "endpoint", "protocol", "topic"}),
}
"""What watches the stack, and the properties that may change. It holds nothing that could be lost, so it may be made,
replaced and removed."""

STACK_TYPE, PROVIDER_TYPE = "pulumi:pulumi:Stack", "pulumi:providers:aws"
COMPONENT_TYPES = frozenset({"keyshift:cloudwatch:Monitoring", "keyshift:dynamodb:IndexedTable"})
STRUCTURE = COMPONENT_TYPES | {STACK_TYPE, PROVIDER_TYPE}
"""What exists in Pulumi's state alone. Each resource below a component is judged by itself."""
OTHER_PLACE = frozenset({"region"})
"""A provider of another region would look for every resource there."""


def refuse_unlisted(
    changes: Iterable[ResourceChange], declaration: Declaration, deletions: frozenset[str] = frozenset()
) -> None:
    """Refuses a planned change that is not on the list. Of deletions of tables and indexes only those of `deletions`
    (resource names) are on it, and no replacement."""
    for change in changes:
        if change.type in STRUCTURE:
            _judge_structure(change)
        elif change.type in MONITORS:
            _refuse_operation(change, _FREE)
            _refuse_properties(change, MONITORS[change.type], "No stack of ours sets that.")
        elif change.type in {TABLE_TYPE, INDEX_TYPE}:
            _judge_data(change, declaration, deletions)
        else:
            raise Refused(
                f"Pulumi would {change.operation} {change.resource}, of type {change.type}.",
                "No task changes resources of that type.",
                "Find out where the resource comes from, and take it out of this stack.",
            )


def is_structure(change: ResourceChange) -> bool:
    """Whether the change is on the list, and one of Pulumi's state alone: of no interest to a person."""
    moves = change.type == PROVIDER_TYPE and change.changed & OTHER_PLACE
    return change.type in STRUCTURE and change.operation in {CREATE, UPDATE, DELETE} and not moves


def _judge_structure(change: ResourceChange) -> None:
    _refuse_operation(change, frozenset({CREATE, UPDATE, DELETE}))
    if change.type == PROVIDER_TYPE and change.operation == UPDATE and change.changed & OTHER_PLACE:
        raise Refused(
            f"Pulumi would change {_listed(change.changed & OTHER_PLACE)} of the aws provider.",
            "Every table would be looked for elsewhere.",
            "Put aws:region in the stack file back.",
        )


def _judge_data(change: ResourceChange, declaration: Declaration, deletions: frozenset[str]) -> None:
    if change.operation in REPLACING:
        raise Refused(
            f"Pulumi would replace {change.resource}.",
            f"A replacement deletes the live one. What differs: {_listed(change.properties) or 'unknown'}.",
            "Give a changed index a new name in the schema; never change a table's keys.",
        )
    if change.operation == DELETE and change.resource not in deletions:
        raise Refused(
            f"Pulumi would delete {change.resource}.",
            "Only a retired index whose gate is open may go.",
            "Declare it in the schema again, or retire and approve it there and in the stack file.",
        )
    if change.operation == CREATE and change.type == TABLE_TYPE and change.resource not in declaration.own:
        raise Refused(
            f"Pulumi would create table {change.resource}.",
            "It was live before. Created again, it would be empty.",
            "If it is live, run: ./invoke migrate. If it is gone, restore it from its backup first.",
        )
    _refuse_operation(change, frozenset({CREATE, UPDATE, DELETE, IMPORT}))
    if change.operation in {UPDATE, IMPORT}:
        _refuse_properties(change, _changeable(change, declaration), "It is left as it is live: others may rely on it.")


def _changeable(change: ResourceChange, declaration: Declaration) -> frozenset[str]:
    """The properties of a table or an index that this `up` may change."""
    if change.type == TABLE_TYPE:
        allowed = TABLE_PROTECTION
        if change.resource in declaration.own:
            allowed |= OWN_TABLE
        if change.resource in declaration.expiring:
            allowed |= EXPIRY
        return allowed
    if not IndexRef.is_one(change.resource):
        return frozenset()
    ref = IndexRef.parse(change.resource)
    return INDEX_CAPACITY if ref in declaration.settle or ref.table in declaration.own else frozenset()


def _refuse_operation(change: ResourceChange, allowed: frozenset[str]) -> None:
    if change.operation not in allowed:
        raise Refused(
            f"Pulumi would {change.operation} {change.resource}, of type {change.type}.",
            "No task does that.",
            "Run: pulumi preview --diff (see ./invoke env), and find out why.",
        )


def _refuse_properties(change: ResourceChange, allowed: frozenset[str], why: str) -> None:
    unlisted = change.changed - allowed
    if unlisted:
        raise Refused(
            f"Pulumi would change {_listed(unlisted)} of {change.resource}.",
            why,
            "Run: pulumi preview --diff (see ./invoke env), and find out who changed it.",
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
