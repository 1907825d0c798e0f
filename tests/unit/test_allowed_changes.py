"""The list of changes that an `up` may make: what is on it passes, and anything else is refused by its name."""

from __future__ import annotations

import pytest

from components import indexed_table, monitoring
from schema.errors import Refused
from schema.references import IndexRef
from sitelogix.tables import SITELOGIX
from stack.allowed_changes import COMPONENT_TYPES, MONITORS, ResourceChange, is_structure, refuse_unlisted
from stack.declaration import Declaration, present
from stack.world.managed import ALARM_TYPE, INDEX_TYPE, MONITOR_TYPES, TABLE_TYPE, TOPIC_TYPE
from tests.worlds import before

ADOPTED, NEW = "reports", "ai-analysis-cache"
INDEX = "reports/GSI1-ProjectIndex"
DECLARED = present(SITELOGIX, before())
REPLACEMENTS = ["replace", "create-replacement", "delete-replaced", "import-replacement"]
PROVIDER, STACK = "pulumi:providers:aws", "pulumi:pulumi:Stack"


def allowed(operation: str, resource: str, type: str, *properties: str, declared: Declaration = DECLARED) -> None:
    refuse_unlisted([ResourceChange(operation, resource, type, properties)], declared)


def refused(operation: str, resource: str, type: str, *properties: str, declared: Declaration = DECLARED) -> str:
    with pytest.raises(Refused) as refusal:
        allowed(operation, resource, type, *properties, declared=declared)
    return refusal.value.what


def test_adoption_switches_on_stream_recovery_and_protection_of_a_table() -> None:
    allowed("import", ADOPTED, TABLE_TYPE)
    on = ("deletionProtectionEnabled", "pointInTimeRecovery", "streamArn", "streamEnabled", "streamViewType")
    allowed("update", ADOPTED, TABLE_TYPE, *on, "pointInTimeRecovery.enabled")


@pytest.mark.parametrize(
    "property",
    [
        "attributes",
        "billingMode",
        "globalSecondaryIndexes",
        "localSecondaryIndexes[0].name",
        "onDemandThroughput",
        "readCapacity",
        "replicas",
        "serverSideEncryption",
        "somethingNew",
        "tableClass",
        "tags",
        "tagsAll",
        "ttl",
        "warmThroughput",
    ],
)
def test_no_other_property_of_an_adopted_table_may_change(property: str) -> None:
    first = property.partition("[")[0]
    assert (
        refused("update", ADOPTED, TABLE_TYPE, "streamEnabled", property) == f"Pulumi would change {first} of reports."
    )
    assert refused("import", ADOPTED, TABLE_TYPE, property) == f"Pulumi would change {first} of reports."


def test_expiry_may_change_where_the_schema_has_it_and_capacity_where_the_table_is_our_own() -> None:
    allowed("update", NEW, TABLE_TYPE, "ttl", "readCapacity", "tags", "tagsAll", "serverSideEncryption")
    assert refused("update", "work-logs", TABLE_TYPE, "ttl") == "Pulumi would change ttl of work-logs."
    assert refused("update", NEW, TABLE_TYPE, "replicas") == "Pulumi would change replicas of ai-analysis-cache."


def test_only_a_table_of_our_own_is_created() -> None:
    allowed("create", NEW, TABLE_TYPE)
    assert refused("create", ADOPTED, TABLE_TYPE) == "Pulumi would create table reports."


def test_the_capacity_of_an_index_changes_only_where_it_is_settled_or_its_table_is_our_own() -> None:
    both = ("provisionedThroughput", "warmThroughput")
    assert refused("update", INDEX, INDEX_TYPE, *both) == (
        "Pulumi would change provisionedThroughput, warmThroughput of reports/GSI1-ProjectIndex."
    )
    allowed("update", INDEX, INDEX_TYPE, *both, declared=DECLARED.settling([IndexRef.parse(INDEX)]))
    allowed("update", "work-logs/GSI2-TeamIndex", INDEX_TYPE, *both)
    for property in ("keySchemas", "onDemandThroughput", "projection", "timeouts"):
        assert refused("update", INDEX, INDEX_TYPE, property) == f"Pulumi would change {property} of {INDEX}."


def test_nothing_of_an_index_may_change_that_is_not_named_as_ours() -> None:
    says = "Pulumi would change provisionedThroughput of by-hand."
    assert refused("update", "by-hand", INDEX_TYPE, "provisionedThroughput") == says


@pytest.mark.parametrize("type", [TABLE_TYPE, INDEX_TYPE])
@pytest.mark.parametrize("operation", REPLACEMENTS)
def test_no_table_or_index_is_ever_replaced(type: str, operation: str) -> None:
    assert refused(operation, INDEX, type) == f"Pulumi would replace {INDEX}."


@pytest.mark.parametrize("type", [TABLE_TYPE, INDEX_TYPE])
def test_a_table_or_an_index_is_deleted_only_where_this_run_is_about_that(type: str) -> None:
    assert refused("delete", INDEX, type) == f"Pulumi would delete {INDEX}."
    refuse_unlisted([ResourceChange("delete", INDEX, type)], DECLARED, frozenset({INDEX}))


@pytest.mark.parametrize("type", sorted(MONITOR_TYPES))
def test_a_monitor_may_be_made_removed_and_replaced(type: str) -> None:
    for operation in ("create", "delete", *REPLACEMENTS[:3]):
        allowed(operation, "reports/throttling", type)
    for property in sorted(MONITORS[type]):
        allowed("update", "reports/throttling", type, property)


def test_a_monitor_changes_in_what_our_stacks_declare_alone() -> None:
    assert set(MONITORS) == MONITOR_TYPES
    assert refused("update", "topic", TOPIC_TYPE, "policy") == "Pulumi would change policy of topic."
    assert refused("update", "a", ALARM_TYPE, "threshold", "namespace") == "Pulumi would change namespace of a."
    assert refused("import", "a", ALARM_TYPE) == f"Pulumi would import a, of type {ALARM_TYPE}."


def test_a_type_that_nobody_has_decided_about_is_refused() -> None:
    bucket = "aws:s3/bucket:Bucket"
    for operation in ("create", "update", "delete", "read"):
        assert refused(operation, "logs", bucket) == f"Pulumi would {operation} logs, of type {bucket}."


def test_an_operation_that_nobody_has_decided_about_is_refused() -> None:
    assert refused("discard", ADOPTED, TABLE_TYPE) == f"Pulumi would discard reports, of type {TABLE_TYPE}."


def test_what_is_only_in_the_state_may_change_but_for_the_place_where_the_provider_looks() -> None:
    assert {indexed_table.TYPE, monitoring.TYPE} == COMPONENT_TYPES
    for type in (*COMPONENT_TYPES, STACK, PROVIDER):
        for operation in ("create", "update", "delete"):
            allowed(operation, "x", type)
            assert is_structure(ResourceChange(operation, "x", type))
        assert refused("replace", "x", type) == f"Pulumi would replace x, of type {type}."
        assert not is_structure(ResourceChange("replace", "x", type))
    assert refused("update", "x", PROVIDER, "endpoints", "region") == "Pulumi would change region of the aws provider."
    assert not is_structure(ResourceChange("update", "x", PROVIDER, ("region",)))
