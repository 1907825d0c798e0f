"""What others have attached to live tables, outside their descriptions: readers of their streams, scaling, policies.

Every call is optional. What the caller may not ask, or an emulator does not know, is Unknown: it is told, and never
taken for absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from dynamo.errors import THROTTLED, error_code
from stack.aws import DENIED, EventSources, Scaler, event_sources, quick_dynamodb, scaler
from stack.file.config import StackConfig
from stack.world.live import Live, LiveTable

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

TABLE = ""
"""Stands for the table itself where an index could be named."""
_NOT_KNOWN_HERE = {"UnknownOperationException", "InvalidAction", "404", "500", "501"}
_FEEDING = {"ENABLING", "ACTIVE", "UPDATING"}
_AT_ONCE = 16


@dataclass(frozen=True)
class Unknown:
    """A fact that could not be read, and `why` not."""

    why: str = "not looked at"


@dataclass(frozen=True)
class Scaling:
    """Automatic scaling of one capacity: of the table (`index` is TABLE) or of an index, of `what` (read or write),
    between `least` and `most` units a second. `target` is the use in percent that it keeps to, None without a policy,
    Unknown where the policies could not be read."""

    index: str
    what: str
    least: int
    most: int
    target: float | Unknown | None = None


@dataclass(frozen=True)
class Attached:
    """What is attached to one table.

    `consumers` are the functions that Lambda feeds from its stream; other readers (Kinesis' library, EventBridge Pipes)
    have no list. `kinesis` are the data streams that get its changes. `policy` is its resource policy's text, None
    without one. `insights` are the indexes (TABLE: the table) with contributor insights. `legacy_regions` are the
    regions of a global table of version 2017.11.29, which DescribeTable does not show.
    """

    consumers: tuple[str, ...] | Unknown = Unknown()
    kinesis: tuple[str, ...] | Unknown = Unknown()
    scaling: tuple[Scaling, ...] | Unknown = Unknown()
    policy: str | Unknown | None = Unknown()
    insights: tuple[str, ...] | Unknown = Unknown()
    legacy_regions: tuple[str, ...] | Unknown = Unknown()


@dataclass(frozen=True)
class Limits:
    """What the account may provision in this region, in units a second: in all, and for one new table."""

    account_write: int
    account_read: int
    table_write: int
    table_read: int


@dataclass(frozen=True)
class Surroundings:
    """What is attached to each live table, by its name in the schema, and the account's limits."""

    tables: Mapping[str, Attached] = field(default_factory=dict)
    limits: Limits | Unknown = Unknown()

    def of(self, table: str) -> Attached:
        """What is attached to the table; all of it Unknown where nobody has looked."""
        return self.tables.get(table, Attached())


def read_surroundings(config: StackConfig, live: Live) -> Surroundings:
    """Looks at every live table, side by side: six calls a table, one more for each scaled table or index (at most 21),
    and one for the account. None is repeated more than once, and none of them ends a task. Raises UsageError for an AWS
    profile that does not exist."""
    reader = _Reader(quick_dynamodb(config), event_sources(config), scaler(config))
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="surroundings") as pool:
        limits = pool.submit(_known, reader.limits)
        asked = {name: reader.ask(pool, table, config.physical_name(name)) for name, table in live.items()}
        tables = {
            name: Attached(**{what: fact.result() for what, fact in facts.items()}) for name, facts in asked.items()
        }
        return Surroundings(tables, limits.result())


class _Reader:
    def __init__(self, dynamodb: DynamoDBClient, lambdas: EventSources | None, scaling: Scaler | None) -> None:
        self._dynamodb = dynamodb
        self._lambda = lambdas
        self._scaling = scaling

    def ask(self, pool: ThreadPoolExecutor, table: LiveTable, physical: str) -> Mapping[str, Future[Any]]:
        """The facts of Attached by their names, as they come in."""
        reads: dict[str, Callable[[], object]] = {
            "consumers": lambda: self._consumers(table),
            "kinesis": lambda: self._kinesis(physical),
            "scaling": lambda: self._scalings(table, physical),
            "policy": lambda: self._policy(table),
            "insights": lambda: self._insights(physical),
            "legacy_regions": lambda: self._legacy_regions(physical),
        }
        return {what: pool.submit(_known, read) for what, read in reads.items()}

    def limits(self) -> Limits:
        # AWS throttles this call when it is made more than once a minute.
        found = self._dynamodb.describe_limits()
        return Limits(
            account_write=found["AccountMaxWriteCapacityUnits"],
            account_read=found["AccountMaxReadCapacityUnits"],
            table_write=found["TableMaxWriteCapacityUnits"],
            table_read=found["TableMaxReadCapacityUnits"],
        )

    def _consumers(self, table: LiveTable) -> tuple[str, ...] | Unknown:
        if table.stream_arn is None:
            return ()
        if self._lambda is None:
            return Unknown("the stack file names no endpoint of Lambda")
        # One page: a hundred functions.
        found = self._lambda.list_event_source_mappings(EventSourceArn=table.stream_arn)["EventSourceMappings"]
        return tuple(sorted(map(_function, found)))

    def _kinesis(self, physical: str) -> tuple[str, ...]:
        found = self._dynamodb.describe_kinesis_streaming_destination(TableName=physical)
        destinations = found.get("KinesisDataStreamDestinations", [])
        return tuple(sorted(one["StreamArn"] for one in destinations if one["DestinationStatus"] in _FEEDING))

    def _scalings(self, table: LiveTable, physical: str) -> tuple[Scaling, ...] | Unknown:
        if self._scaling is None:
            return Unknown("the stack file names no endpoint of Application Auto Scaling")
        # AWS takes up to fifty resources in a call; a table has up to twenty indexes.
        resources = [f"table/{physical}", *(f"table/{physical}/index/{name}" for name in sorted(table.indexes))][:50]
        answer = self._scaling.describe_scalable_targets(ServiceNamespace="dynamodb", ResourceIds=resources)
        targets = answer["ScalableTargets"]
        policies = {one: _known(partial(self._targets_of, one)) for one in {each["ResourceId"] for each in targets}}
        return tuple(sorted((_scaling(target, policies) for target in targets), key=lambda one: (one.index, one.what)))

    def _targets_of(self, resource: str) -> Mapping[str, float]:
        assert self._scaling is not None
        answer = self._scaling.describe_scaling_policies(ServiceNamespace="dynamodb", ResourceId=resource)
        configured = "TargetTrackingScalingPolicyConfiguration"
        tracking = (policy for policy in answer["ScalingPolicies"] if configured in policy)
        return {policy["ScalableDimension"]: policy[configured]["TargetValue"] for policy in tracking}

    def _policy(self, table: LiveTable) -> str | None:
        try:
            return self._dynamodb.get_resource_policy(ResourceArn=table.arn).get("Policy")
        except self._dynamodb.exceptions.PolicyNotFoundException:
            return None

    def _insights(self, physical: str) -> tuple[str, ...]:
        found = self._dynamodb.list_contributor_insights(TableName=physical).get("ContributorInsightsSummaries", [])
        on = (one for one in found if one.get("ContributorInsightsStatus") in {"ENABLING", "ENABLED"})
        return tuple(sorted(one.get("IndexName", TABLE) for one in on))

    def _legacy_regions(self, physical: str) -> tuple[str, ...]:
        try:
            found = self._dynamodb.describe_global_table(GlobalTableName=physical)["GlobalTableDescription"]
        except self._dynamodb.exceptions.GlobalTableNotFoundException:
            return ()
        return tuple(sorted(replica["RegionName"] for replica in found.get("ReplicationGroup", [])))


def _known(read: Callable[[], T]) -> T | Unknown:
    """What `read` gives, or why it could not be read."""
    try:
        return read()
    except ClientError as error:
        code, operation = error_code(error), error.operation_name
        if code in DENIED:
            return Unknown(f"AWS denies {operation}")
        if code in _NOT_KNOWN_HERE:
            return Unknown(f"this endpoint does not know {operation}")
        if code in THROTTLED:
            return Unknown(f"AWS throttles {operation}")
        return Unknown(f"{operation} ends in {code}")
    except (BotoCoreError, ResponseParserError) as error:
        return Unknown(" ".join(str(error).split())[:200])


def _scaling(target: Mapping[str, Any], policies: Mapping[str, Any]) -> Scaling:
    dimension = target["ScalableDimension"]
    found = policies[target["ResourceId"]]
    return Scaling(
        index=target["ResourceId"].partition("/index/")[2] or TABLE,
        what="write" if "Write" in dimension else "read",
        least=target["MinCapacity"],
        most=target["MaxCapacity"],
        target=found if isinstance(found, Unknown) else found.get(dimension),
    )


def _function(mapping: Mapping[str, Any]) -> str:
    """A function's name, with its alias or version if the mapping names one."""
    name = mapping["FunctionArn"].partition(":function:")[2] or mapping["FunctionArn"]
    return f"{name} (disabled)" if mapping.get("State") == "Disabled" else str(name)
