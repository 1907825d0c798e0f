"""Every input property that the aws plugin's SDK knows of tables and indexes was decided about."""

from __future__ import annotations

import inspect

from pulumi_aws.dynamodb import GlobalSecondaryIndex, GlobalSecondaryIndexArgs, Table, TableArgs

from components import properties


def inputs_of(arguments: type, resource: type) -> list[str]:
    """The names of a resource's inputs as Pulumi writes them, in the order of their names."""
    getter: dict[str, str] = {
        name: member.fget.__dict__.get("_pulumi_name", name)
        for name, member in inspect.getmembers(resource, lambda member: isinstance(member, property))
    }
    return sorted(getter[name] for name in inspect.signature(arguments).parameters)


def test_every_input_of_a_table_stands_on_one_list() -> None:
    lists = [
        properties.TABLE_DECLARED,
        properties.TABLE_DECLARED_ANEW,
        properties.TABLE_DECLARED_BY_SCHEMA,
        properties.TABLE_KEPT,
        properties.TABLE_LEFT_OUT,
    ]
    assert sorted(name for each in lists for name in each) == inputs_of(TableArgs, Table)


def test_every_input_of_an_index_stands_on_one_list() -> None:
    lists = [
        properties.INDEX_DECLARED,
        properties.INDEX_DECLARED_ANEW,
        properties.INDEX_CREATED_WITH,
        properties.INDEX_KEPT,
        properties.INDEX_LEFT_OUT,
    ]
    assert sorted(name for each in lists for name in each) == inputs_of(GlobalSecondaryIndexArgs, GlobalSecondaryIndex)


def test_of_an_adopted_table_all_is_kept_that_others_set() -> None:
    assert properties.kept_of_table(adopted=True, expires=False) == [
        "billingMode",
        "globalTableWitness",
        "importTable",
        "onDemandThroughput",
        "readCapacity",
        "replicas",
        "restoreBackupArn",
        "restoreDateTime",
        "restoreSourceName",
        "restoreSourceTableArn",
        "restoreToLatestTime",
        "serverSideEncryption",
        "tableClass",
        "tags",
        "tagsAll",
        "ttl",
        "warmThroughput",
        "writeCapacity",
    ]
    adopted = set(properties.kept_of_table(adopted=True, expires=True))
    own = set(properties.kept_of_table(adopted=False, expires=True))
    assert adopted - own == properties.TABLE_DECLARED_ANEW | {"tagsAll"}
    assert own == properties.TABLE_KEPT
