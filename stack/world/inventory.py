"""What DescribeTable may say, and what keyshift makes of each member of it: understood, harmless, or refused.

A member on none of the three lists is refused by its name, since nobody has decided yet what it means for a migration.
So are values that nobody has decided about. tests/unit/test_inventory.py holds these lists against botocore's model of
DynamoDB: with a new version of botocore it fails until each new member and value is on one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

NOT_KNOWN = "this version of keyshift does not know what it means"


@dataclass(frozen=True)
class Refusal:
    """A member of an answer that keeps keyshift from the table: its path, such as `Replicas[].RegionName`, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Shape:
    """One of botocore's shapes, by the names of its members. `understood` is read and respected. `harmless` is known,
    and no step depends on it or changes it. `refused` says of each why keyshift does not touch such a table.

    `nested` are the shapes of members that are structures or lists of them. `values` are the values of enumerated
    members that are understood; `refused_values` are those, as `member=value`, that are not, and why.
    """

    understood: frozenset[str] = frozenset()
    harmless: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    nested: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    refused_values: Mapping[str, str] = field(default_factory=dict)


def refusals(description: Mapping[str, object], shape: str = "TableDescription", path: str = "") -> Iterator[Refusal]:
    """What in this answer keeps keyshift from the table. A member without a value, or with an empty one, says nothing.

    `description` is the answer's own JSON: botocore drops what its model does not have.
    """
    known = INVENTORY[shape]
    for name, value in description.items():
        where = f"{path}{name}"
        if value is None or value in ("", [], {}):
            continue
        if name in known.refused:
            # False is how AWS says that the table has no such thing.
            if value is not False:
                yield Refusal(where, known.refused[name])
        elif name not in known.understood | known.harmless:
            yield Refusal(where, NOT_KNOWN)
        elif name in known.nested:
            many = isinstance(value, list)
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    yield from refusals(one, known.nested[name], f"{where}{'[]' if many else ''}.")
        elif name in known.values and value not in known.values[name]:
            said = f"{name}={value}"
            yield Refusal(said if not path else f"{path}{said}", known.refused_values.get(said, NOT_KNOWN))


def _members(names: str) -> frozenset[str]:
    return frozenset(names.split())


_CHANGING = _members("CREATING UPDATING DELETING ACTIVE")
GLOBAL = (
    "it is a global table, which keyshift does not migrate yet: conditional writes are judged in one region, between "
    "regions the last writer of an item wins, and readers and alarms exist in each region"
)
_NO_KEY = "AWS cannot use the key that encrypts it"
_ARCHIVED = "AWS has archived it, because its key could not be used"
_VECTORS = "keyshift does not know what a backfill, a backup or an index change does to vector indexes"
_UNREADY_TABLE = {
    "TableStatus=INACCESSIBLE_ENCRYPTION_CREDENTIALS": _NO_KEY,
    "TableStatus=ARCHIVING": _ARCHIVED,
    "TableStatus=ARCHIVED": _ARCHIVED,
    "TableStatus=REPLICATION_NOT_AUTHORIZED": GLOBAL,
}
# Capacity that is there is neither lowered nor raised on an adopted table; the program ignores it.
_WARM = Shape(harmless=_members("ReadUnitsPerSecond WriteUnitsPerSecond Status"))
_MAXIMUM = Shape(understood=_members("MaxWriteRequestUnits MaxReadRequestUnits"))
_OVERRIDE = Shape(harmless=_members("ReadCapacityUnits"))
# Nothing of a replica is read but its region: a table with one is refused.
_OF_A_REPLICA = Shape(
    harmless=_members("IndexName ProvisionedThroughputOverride OnDemandThroughputOverride WarmThroughput"),
    nested={
        "ProvisionedThroughputOverride": "ProvisionedThroughputOverride",
        "OnDemandThroughputOverride": "OnDemandThroughputOverride",
        "WarmThroughput": "GlobalSecondaryIndexWarmThroughputDescription",
    },
)

INVENTORY: Mapping[str, Shape] = {
    "TableDescription": Shape(
        understood=_members(
            "AttributeDefinitions KeySchema TableStatus TableArn TableId ProvisionedThroughput BillingModeSummary"
            " ItemCount TableSizeBytes LocalSecondaryIndexes GlobalSecondaryIndexes StreamSpecification LatestStreamArn"
            " Replicas DeletionProtectionEnabled OnDemandThroughput"
        ),
        harmless=_members(
            # What makes a global table is its replicas and witnesses. Its version and modes may outlast them.
            "TableName CreationDateTime LatestStreamLabel GlobalTableVersion GlobalTableSettingsReplicationMode"
            " DisassociationProtectionEnabled SSEDescription RestoreSummary TableClassSummary WarmThroughput"
            " MultiRegionConsistency"
        ),
        refused={"GlobalTableWitnesses": GLOBAL, "ArchivalSummary": _ARCHIVED, "VectorIndexes": _VECTORS},
        nested={
            "AttributeDefinitions": "AttributeDefinition",
            "KeySchema": "KeySchemaElement",
            "ProvisionedThroughput": "ProvisionedThroughputDescription",
            "BillingModeSummary": "BillingModeSummary",
            "LocalSecondaryIndexes": "LocalSecondaryIndexDescription",
            "GlobalSecondaryIndexes": "GlobalSecondaryIndexDescription",
            "StreamSpecification": "StreamSpecification",
            "Replicas": "ReplicaDescription",
            "GlobalTableWitnesses": "GlobalTableWitnessDescription",
            "RestoreSummary": "RestoreSummary",
            "SSEDescription": "SSEDescription",
            "ArchivalSummary": "ArchivalSummary",
            "TableClassSummary": "TableClassSummary",
            "OnDemandThroughput": "OnDemandThroughput",
            "WarmThroughput": "TableWarmThroughputDescription",
            "VectorIndexes": "VectorIndexDescription",
        },
        values={
            "TableStatus": _CHANGING,
            "GlobalTableSettingsReplicationMode": _members("ENABLED DISABLED ENABLED_WITH_OVERRIDES"),
            "MultiRegionConsistency": _members("EVENTUAL"),
        },
        refused_values={**_UNREADY_TABLE, "MultiRegionConsistency=STRONG": GLOBAL},
    ),
    "AttributeDefinition": Shape(
        understood=_members("AttributeName AttributeType"), values={"AttributeType": _members("S N B")}
    ),
    "KeySchemaElement": Shape(understood=_members("AttributeName KeyType"), values={"KeyType": _members("HASH RANGE")}),
    "ProvisionedThroughputDescription": Shape(
        understood=_members("ReadCapacityUnits WriteCapacityUnits"),
        harmless=_members("LastIncreaseDateTime LastDecreaseDateTime NumberOfDecreasesToday"),
    ),
    "BillingModeSummary": Shape(
        understood=_members("BillingMode"),
        harmless=_members("LastUpdateToPayPerRequestDateTime"),
        values={"BillingMode": _members("PROVISIONED PAY_PER_REQUEST")},
    ),
    "Projection": Shape(
        understood=_members("ProjectionType NonKeyAttributes"),
        values={"ProjectionType": _members("ALL KEYS_ONLY INCLUDE")},
    ),
    "LocalSecondaryIndexDescription": Shape(
        understood=_members("IndexName KeySchema Projection"),
        harmless=_members("IndexSizeBytes ItemCount IndexArn"),
        nested={"KeySchema": "KeySchemaElement", "Projection": "Projection"},
    ),
    "GlobalSecondaryIndexDescription": Shape(
        understood=_members(
            "IndexName KeySchema Projection IndexStatus Backfilling ProvisionedThroughput IndexSizeBytes ItemCount"
        ),
        harmless=_members("IndexArn WarmThroughput OnDemandThroughput"),
        nested={
            "KeySchema": "KeySchemaElement",
            "Projection": "Projection",
            "ProvisionedThroughput": "ProvisionedThroughputDescription",
            "OnDemandThroughput": "OnDemandThroughput",
            "WarmThroughput": "GlobalSecondaryIndexWarmThroughputDescription",
        },
        values={"IndexStatus": _CHANGING},
    ),
    "OnDemandThroughput": _MAXIMUM,
    "TableWarmThroughputDescription": _WARM,
    "GlobalSecondaryIndexWarmThroughputDescription": _WARM,
    "StreamSpecification": Shape(
        understood=_members("StreamEnabled StreamViewType"),
        values={"StreamViewType": _members("NEW_IMAGE OLD_IMAGE NEW_AND_OLD_IMAGES KEYS_ONLY")},
    ),
    "ReplicaDescription": Shape(
        understood=_members("RegionName"),
        harmless=_members(
            "ReplicaStatus ReplicaArn ReplicaStatusDescription ReplicaStatusPercentProgress KMSMasterKeyId"
            " ProvisionedThroughputOverride OnDemandThroughputOverride WarmThroughput GlobalSecondaryIndexes"
            " ReplicaInaccessibleDateTime ReplicaTableClassSummary GlobalTableSettingsReplicationMode"
        ),
        nested={
            "ProvisionedThroughputOverride": "ProvisionedThroughputOverride",
            "OnDemandThroughputOverride": "OnDemandThroughputOverride",
            "WarmThroughput": "TableWarmThroughputDescription",
            "GlobalSecondaryIndexes": "ReplicaGlobalSecondaryIndexDescription",
            "ReplicaTableClassSummary": "TableClassSummary",
        },
    ),
    "ReplicaGlobalSecondaryIndexDescription": _OF_A_REPLICA,
    "ProvisionedThroughputOverride": _OVERRIDE,
    "OnDemandThroughputOverride": Shape(harmless=_members("MaxReadRequestUnits")),
    "TableClassSummary": Shape(harmless=_members("TableClass LastUpdateDateTime")),
    # While it is restored, the table is CREATING, and a run waits.
    "RestoreSummary": Shape(harmless=_members("SourceBackupArn SourceTableArn RestoreDateTime RestoreInProgress")),
    "SSEDescription": Shape(
        harmless=_members("Status SSEType KMSMasterKeyArn"), refused={"InaccessibleEncryptionDateTime": _NO_KEY}
    ),
    # What follows is below members that are refused as a whole.
    "GlobalTableWitnessDescription": Shape(harmless=_members("RegionName WitnessStatus")),
    "ArchivalSummary": Shape(harmless=_members("ArchivalDateTime ArchivalReason ArchivalBackupArn")),
    "VectorIndexDescription": Shape(
        harmless=_members(
            "IndexName SearchSchema Projection VectorAttribute Dimensions DistanceFunction IndexStatus Backfilling"
            " IndexSizeBytes ItemCount IndexArn"
        ),
        nested={
            "SearchSchema": "SearchSchemaElement",
            "Projection": "Projection",
            "VectorAttribute": "VectorAttributeDefinition",
        },
    ),
    "SearchSchemaElement": Shape(harmless=_members("AttributeName SearchSchemaElementType")),
    "VectorAttributeDefinition": Shape(harmless=_members("AttributeName")),
}
"""Botocore's shapes in an answer of DescribeTable, as botocore 1.44 models them."""
