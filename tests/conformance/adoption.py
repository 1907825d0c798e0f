"""Adopting what others have set: replicas, local indexes, autoscaling, maxima, warm throughput, keys, expiry, keys of
several attributes, and the index's own timeouts. Each scenario shows what is kept, and most also what would be lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pulumi

from tests.conformance.lab import Lab
from tests.conformance.tables import INDEX, KEYS, NAME, NOT_OURS, PROTECTION, create_live, index, table

ELSEWHERE = "eu-west-1"
LOCAL = "ByDay"
KEPT = [*NOT_OURS, "globalTableWitness", "onDemandThroughput", "replicas", "warmThroughput"]
"""What the program keeps of an adopted table as it is live, but for its local indexes."""
KEPT_OF_INDEX = ["onDemandThroughput", "provisionedThroughput", "warmThroughput"]
WITH_DAY = [*KEYS, {"name": "day", "type": "S"}]
LOCAL_INDEXES = [{"name": LOCAL, "range_key": "day", "projection_type": "INCLUDE", "non_key_attributes": ["b", "a"]}]


def adopting(
    import_: bool = True, ignored: Sequence[str] = KEPT, index_keys: tuple[str, ...] = (), **changes: Any
) -> Callable[[], None]:
    """A program that adopts the table (and an index with these keys), or declares it once it is in the state."""

    def program() -> None:
        opts = pulumi.ResourceOptions(import_=NAME if import_ else None, ignore_changes=list(ignored))
        table(opts, **{**PROTECTION, **changes})
        if index_keys:
            of_index = f"{NAME},{INDEX}" if import_ else None
            index(pulumi.ResourceOptions(import_=of_index, ignore_changes=KEPT_OF_INDEX), index_keys)

    return program


def adopted_and_kept(lab: Lab, **of_program: Any) -> None:
    """Adopts, then shows that nothing differs, before and after a refresh."""
    lab.up(adopting(**of_program))
    lab.preview(adopting(import_=False, **of_program))
    lab.refresh()
    lab.preview(adopting(import_=False, **of_program))


def replicate(lab: Lab) -> None:
    """Makes the live table a global one."""
    lab.client.update_table(TableName=NAME, ReplicaUpdates=[{"Create": {"RegionName": ELSEWHERE}}])


def replicas_that_are_neither_declared_nor_ignored_are_removed(lab: Lab) -> None:
    create_live(lab, with_index=True)
    replicate(lab)
    lab.up(adopting(ignored=NOT_OURS))


def replicas_that_are_ignored_stay(lab: Lab) -> None:
    create_live(lab, with_index=True)
    replicate(lab)
    adopted_and_kept(lab, index_keys=("status", "time"))


def a_replica_that_others_add_to_an_adopted_table_stays(lab: Lab) -> None:
    create_live(lab)
    lab.up(adopting())
    replicate(lab)
    lab.refresh()
    lab.preview(adopting(import_=False))
    lab.preview(adopting(import_=False, ignored=NOT_OURS))


def local_indexes_that_are_not_declared_plan_a_replacement(lab: Lab) -> None:
    create_live(lab, local_indexes=True)
    lab.preview(adopting())
    lab.up(adopting(attributes=WITH_DAY, local_secondary_indexes=LOCAL_INDEXES))
    lab.preview(adopting(import_=False))


def local_indexes_that_are_declared_as_they_are_stay(lab: Lab) -> None:
    create_live(lab, with_index=True, local_indexes=True)
    declared = {"attributes": WITH_DAY, "local_secondary_indexes": LOCAL_INDEXES}
    adopted_and_kept(lab, index_keys=("status", "time"), **declared)


def local_indexes_that_are_ignored_need_their_attributes_declared(lab: Lab) -> None:
    create_live(lab, local_indexes=True)
    ignored = [*KEPT, "localSecondaryIndexes"]
    lab.preview(adopting(ignored=ignored))
    lab.up(adopting(ignored=ignored, attributes=WITH_DAY))
    lab.preview(adopting(import_=False, ignored=ignored))
    lab.preview(adopting(import_=False, ignored=ignored, attributes=WITH_DAY))


def capacity_that_autoscaling_changes_stays(lab: Lab) -> None:
    create_live(lab, with_index=True)
    for resource, kind in ((f"table/{NAME}", "table"), (f"table/{NAME}/index/{INDEX}", "index")):
        for dimension in ("ReadCapacityUnits", "WriteCapacityUnits"):
            lab.autoscaling.register_scalable_target(
                ServiceNamespace="dynamodb",
                ResourceId=resource,
                ScalableDimension=f"dynamodb:{kind}:{dimension}",
                MinCapacity=5,
                MaxCapacity=500,
            )
    lab.up(adopting(index_keys=("status", "time")))
    scaled: Any = {"ReadCapacityUnits": 90, "WriteCapacityUnits": 80}
    lab.client.update_table(TableName=NAME, ProvisionedThroughput=scaled)
    update: Any = {"IndexName": INDEX, "ProvisionedThroughput": scaled}
    lab.client.update_table(TableName=NAME, GlobalSecondaryIndexUpdates=[{"Update": update}])
    # Against a state that knows nothing of it yet, too: an update of something else must not put it back.
    lab.up(adopting(import_=False, index_keys=("status", "time"), deletion_protection_enabled=False))
    lab.refresh()
    lab.preview(adopting(import_=False, index_keys=("status", "time"), deletion_protection_enabled=False))


def the_maximum_on_demand_stays(lab: Lab) -> None:
    create_live(lab, with_index=True, on_demand=True, maximum=True)
    adopted_and_kept(lab, index_keys=("status", "time"))


def the_maximum_on_demand_is_taken_off_where_it_is_not_ignored(lab: Lab) -> None:
    create_live(lab, on_demand=True, maximum=True)
    lab.preview(adopting(ignored=[name for name in KEPT if name != "onDemandThroughput"]))


def warm_throughput_of_others_stays(lab: Lab) -> None:
    create_live(lab, with_index=True, on_demand=True)
    warm: Any = {"ReadUnitsPerSecond": 20000, "WriteUnitsPerSecond": 9000}
    lab.client.update_table(TableName=NAME, WarmThroughput=warm)
    adopted_and_kept(lab, index_keys=("status", "time"))
    update: Any = {"IndexName": INDEX, "WarmThroughput": warm}
    lab.client.update_table(TableName=NAME, GlobalSecondaryIndexUpdates=[{"Update": update}])
    lab.refresh()
    lab.preview(adopting(import_=False, index_keys=("status", "time")))


def a_customer_s_key_stays(lab: Lab) -> None:
    create_live(lab)
    key = lab.kms.create_key()["KeyMetadata"]["Arn"]
    lab.hide(key, "the customer's key")
    lab.client.update_table(TableName=NAME, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    adopted_and_kept(lab)
    lab.preview(adopting(import_=False, ignored=[name for name in KEPT if name != "serverSideEncryption"]))


def expiry_that_others_set_stays(lab: Lab) -> None:
    create_live(lab)
    expire(lab, enabled=True)
    adopted_and_kept(lab, ignored=[*KEPT, "ttl"])
    lab.preview(adopting(import_=False))
    expire(lab, enabled=False)
    lab.refresh()
    lab.preview(adopting(import_=False, ignored=[*KEPT, "ttl"]))


def expire(lab: Lab, *, enabled: bool) -> None:
    lab.client.update_time_to_live(
        TableName=NAME, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": "expires"}
    )


def an_index_with_keys_of_several_attributes_is_adopted(lab: Lab) -> None:
    keys = [("tenant", "HASH"), ("region", "HASH"), ("day", "RANGE"), ("hour", "RANGE")]
    create_live(lab, index_keys=keys)

    def program(import_: bool, wanted: Sequence[tuple[str, str]] = keys) -> Callable[[], None]:
        def run() -> None:
            adopting(import_=import_)()
            of_index = f"{NAME},{INDEX}" if import_ else None
            index(
                pulumi.ResourceOptions(import_=of_index, ignore_changes=KEPT_OF_INDEX),
                key_schemas=[
                    {"attribute_name": name, "attribute_type": "S", "key_type": kind} for name, kind in wanted
                ],
            )

        return run

    lab.up(program(import_=True))
    lab.preview(program(import_=False))
    lab.preview(program(import_=False, wanted=[keys[0], *keys[2:]]))


def an_index_with_keys_of_several_attributes_is_created(lab: Lab) -> None:
    create_live(lab)
    key_schemas = [
        {"attribute_name": name, "attribute_type": "S", "key_type": kind}
        for name, kind in (("tenant", "HASH"), ("region", "HASH"), ("day", "RANGE"))
    ]
    lab.up(lambda: index(key_schemas=key_schemas) and None)
    lab.preview(lambda: index(key_schemas=key_schemas) and None)


def timeouts_are_an_input_of_an_index(lab: Lab) -> None:
    create_live(lab)

    def program(minutes: int) -> Callable[[], None]:
        times = {"create": f"{minutes}m", "update": f"{minutes}m", "delete": f"{minutes}m"}
        return lambda: index(timeouts=times) and None

    lab.up(program(90))
    lab.preview(program(90))
    lab.up(program(120))
    lab.preview(lambda: index() and None)


def timeouts_of_an_adopted_index_are_an_update_of_the_state_alone(lab: Lab) -> None:
    create_live(lab, with_index=True)

    def program(import_: bool) -> Callable[[], None]:
        def run() -> None:
            of_index = f"{NAME},{INDEX}" if import_ else None
            index(
                pulumi.ResourceOptions(import_=of_index, ignore_changes=KEPT_OF_INDEX),
                timeouts={"create": "90m", "update": "90m", "delete": "90m"},
            )

        return run

    lab.up(program(import_=True))
    lab.preview(program(import_=False))


SCENARIOS: dict[str, Callable[[Lab], None]] = {
    scenario.__name__: scenario
    for scenario in (
        replicas_that_are_neither_declared_nor_ignored_are_removed,
        replicas_that_are_ignored_stay,
        a_replica_that_others_add_to_an_adopted_table_stays,
        local_indexes_that_are_not_declared_plan_a_replacement,
        local_indexes_that_are_declared_as_they_are_stay,
        local_indexes_that_are_ignored_need_their_attributes_declared,
        capacity_that_autoscaling_changes_stays,
        the_maximum_on_demand_stays,
        the_maximum_on_demand_is_taken_off_where_it_is_not_ignored,
        warm_throughput_of_others_stays,
        a_customer_s_key_stays,
        expiry_that_others_set_stays,
        an_index_with_keys_of_several_attributes_is_adopted,
        an_index_with_keys_of_several_attributes_is_created,
        timeouts_are_an_input_of_an_index,
        timeouts_of_an_adopted_index_are_an_update_of_the_state_alone,
    )
}
