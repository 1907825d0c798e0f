"""What becomes of each input property of a table and of an index: declared, left as it is live, or never given.

Every input of pulumi_aws stands here once; tests/unit/test_properties.py walks the SDK, so that a new version of it
fails until somebody has decided. Names are Pulumi's own. How the plugin treats what is left out was read in
hashicorp/terraform-provider-aws, internal/service/dynamodb (table.go, global_secondary_index.go), and recorded in
tests/conformance.
"""

from __future__ import annotations

TABLE_DECLARED = frozenset(
    {
        "attributes",
        "deletionProtectionEnabled",
        "hashKey",
        "localSecondaryIndexes",  # as they are live: left out, they would plan a replacement
        "name",
        "pointInTimeRecovery",
        "rangeKey",
        "streamEnabled",
        "streamViewType",
    }
)
"""What every table is declared with."""

TABLE_DECLARED_ANEW = frozenset({"billingMode", "readCapacity", "serverSideEncryption", "tags", "writeCapacity"})
"""What only a table of our own making is declared with. On an adopted one others set it, scale it and select by it."""

TABLE_DECLARED_BY_SCHEMA = frozenset({"ttl"})
"""What is declared where the schema has it, and otherwise left as it is live."""

TABLE_KEPT = frozenset(
    {
        "globalTableWitness",
        "importTable",
        "onDemandThroughput",  # left out, the maximum would be taken off
        "replicas",  # left out, each one would be removed with its items
        "restoreBackupArn",
        "restoreDateTime",
        "restoreSourceName",
        "restoreSourceTableArn",
        "restoreToLatestTime",
        "tableClass",
        "warmThroughput",
    }
)
"""What is left as it is live on every table."""

TABLE_LEFT_OUT = frozenset({"globalSecondaryIndexes", "region"})
"""What is neither declared nor kept. The plugin computes both: left out, they are no difference. Keeping the inline
indexes would copy them into the table's inputs, and each index would be declared twice."""

INDEX_DECLARED = frozenset({"indexName", "keySchemas", "projection", "tableName"})
"""What every index is declared with."""

INDEX_DECLARED_ANEW = frozenset({"provisionedThroughput"})
"""What an index is declared with while it is created, and when its capacity is settled."""

INDEX_CREATED_WITH = frozenset({"timeouts"})
"""What counts while an index is created. Later it is as the state has it: an index that was imported has none, and an
update for its sake alone may ask AWS for a change of its warm throughput."""

INDEX_KEPT = frozenset({"onDemandThroughput", "warmThroughput"})
"""What is left as it is live on every index."""

INDEX_LEFT_OUT = frozenset({"region"})

TAGS_ALL = "tagsAll"
"""No input, yet it has to be ignored: with `tags` alone, an `up` after a refresh takes away tags that others add.

The plugin computes it anew in each Check, from `tags` and the default tags of the stack, after Pulumi has put back what
is ignored (pulumi-aws: provider/tags.go). So with default tags it differs before and after an update that leaves the
live tags alone: what tells is `tags`, and what the preview says would change."""


def kept_of_table(*, adopted: bool, expires: bool) -> list[str]:
    """What Pulumi is told to ignore of a table that is adopted, or else of our own making; it `expires` where the
    schema has an attribute for that."""
    kept = TABLE_KEPT if expires else TABLE_KEPT | TABLE_DECLARED_BY_SCHEMA
    return sorted(kept | TABLE_DECLARED_ANEW | {TAGS_ALL} if adopted else kept)


def kept_of_index(*, keep_capacity: bool) -> list[str]:
    """What Pulumi is told to ignore of an index; its capacity too, if that is others' to set."""
    kept = INDEX_KEPT | INDEX_CREATED_WITH
    return sorted(kept | INDEX_DECLARED_ANEW if keep_capacity else kept)
