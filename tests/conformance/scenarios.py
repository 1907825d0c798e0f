"""What is tried on both plugins: one function a scenario, each a few operations on a table or an index of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi

from tests.conformance import adoption
from tests.conformance.lab import Lab
from tests.conformance.tables import INDEX, KEYS, NAME, NOT_OURS, PROTECTION, create_live, index, table


def adopted() -> None:
    """A live table with an index, imported, protected, and otherwise left as it is."""
    table(pulumi.ResourceOptions(import_=NAME, ignore_changes=NOT_OURS), **PROTECTION)
    index(pulumi.ResourceOptions(import_=f"{NAME},{INDEX}", ignore_changes=["provisionedThroughput"]))


def kept() -> None:
    """The same once it is in the state."""
    table(pulumi.ResourceOptions(ignore_changes=NOT_OURS), **PROTECTION)
    index(pulumi.ResourceOptions(ignore_changes=["provisionedThroughput"]))


def adopt_protect_and_preview(lab: Lab) -> None:
    create_live(lab, with_index=True)
    lab.preview(adopted)
    lab.up(adopted)
    lab.preview(kept)
    lab.refresh()
    lab.preview(kept)


def adopt_only(lab: Lab) -> None:
    create_live(lab)

    def program() -> None:
        table(
            pulumi.ResourceOptions(import_=NAME, ignore_changes=NOT_OURS),
            billing_mode=None,
            read_capacity=None,
            write_capacity=None,
        )

    lab.up(program)


def import_of_an_index_in_the_state_plans_a_replacement(lab: Lab) -> None:
    create_live(lab, with_index=True)
    lab.up(adopted)
    lab.preview(adopted)
    lab.up(kept)
    lab.preview(adopted)


def import_of_an_index_that_pulumi_made_plans_a_replacement(lab: Lab) -> None:
    def program(import_: str | None) -> Callable[[], None]:
        def run() -> None:
            table()
            index(pulumi.ResourceOptions(import_=import_))

        return run

    lab.up(lambda: table() and None)
    lab.up(program(None))
    lab.preview(program(f"{NAME},{INDEX}"))


def create_a_full_table_with_an_index(lab: Lab) -> None:
    def program() -> None:
        made = table(
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            point_in_time_recovery={"enabled": True},
            deletion_protection_enabled=True,
            server_side_encryption={"enabled": True},
            ttl={"enabled": True, "attribute_name": "expires"},
            tags={"Project": "Test"},
        )
        index(table_name=made.name)

    lab.preview(program)
    lab.up(program)
    lab.preview(program)
    lab.refresh()
    lab.preview(program)


def create_index_then_delete_it(lab: Lab) -> None:
    def both() -> None:
        table()
        index()

    lab.up(lambda: table() and None)
    lab.up(both)
    lab.preview(both)
    lab.up(lambda: table() and None)
    lab.preview(lambda: table() and None)


def change_capacity(lab: Lab) -> None:
    def program(units: int) -> Callable[[], None]:
        def run() -> None:
            table(read_capacity=units)
            index(provisioned_throughput={"read_capacity_units": 5, "write_capacity_units": units})

        return run

    lab.up(lambda: table() and None)
    lab.up(program(5))
    lab.preview(program(9))
    lab.up(program(9))


def change_protection_tags_and_expiry(lab: Lab) -> None:
    def program(**changes: Any) -> Callable[[], None]:
        def run() -> None:
            table(**changes)

        return run

    lab.up(program(tags={"a": "1", "b": "2"}))
    lab.up(
        program(
            tags={"a": "3"},
            stream_enabled=True,
            stream_view_type="KEYS_ONLY",
            deletion_protection_enabled=True,
            ttl={"enabled": True, "attribute_name": "expires"},
            point_in_time_recovery={"enabled": True},
        )
    )
    lab.up(program(tags={"a": "3"}, stream_enabled=True, stream_view_type="NEW_AND_OLD_IMAGES"))


def drift_is_seen_after_a_refresh(lab: Lab) -> None:
    create_live(lab, with_index=True)
    lab.up(adopted)
    lab.client.update_table(TableName=NAME, StreamSpecification={"StreamEnabled": False})
    lab.client.update_table(TableName=NAME, DeletionProtectionEnabled=False)
    lab.client.update_continuous_backups(
        TableName=NAME, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    lab.preview(kept)
    lab.refresh()
    lab.preview(kept)
    lab.up(kept)


def change_what_others_change(lab: Lab) -> None:
    """Adds a tag and capacity by hand, and brings the state up to that."""
    arn = lab.client.describe_table(TableName=NAME)["Table"]["TableArn"]
    lab.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "CostCenter", "Value": "42"}])
    more: Any = {"ReadCapacityUnits": 70, "WriteCapacityUnits": 60}
    lab.client.update_table(TableName=NAME, ProvisionedThroughput=more)
    lab.client.update_table(
        TableName=NAME,
        GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": INDEX, "ProvisionedThroughput": more}}],
    )
    lab.refresh()


def what_others_change_is_ignored(lab: Lab) -> None:
    create_live(lab, with_index=True)
    lab.up(adopted)
    change_what_others_change(lab)
    lab.preview(kept)
    lab.client.update_table(TableName=NAME, DeletionProtectionEnabled=False)
    lab.refresh()
    lab.up(kept)


def ignoring_tags_alone_takes_away_what_others_add(lab: Lab) -> None:
    def program(import_: bool) -> Callable[[], None]:
        def run() -> None:
            ignored = [name for name in NOT_OURS if name != "tagsAll"]
            opts = pulumi.ResourceOptions(import_=NAME if import_ else None, ignore_changes=ignored)
            table(opts, **PROTECTION)

        return run

    create_live(lab, with_index=True)
    lab.up(program(import_=True))
    change_what_others_change(lab)
    lab.preview(program(import_=False))
    lab.up(program(import_=False))


def an_index_dropped_by_hand_is_forgotten_by_a_refresh(lab: Lab) -> None:
    create_live(lab, with_index=True)
    lab.up(adopted)
    lab.client.update_table(TableName=NAME, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": INDEX}}])
    lab.refresh()
    lab.preview(kept)


def other_index_keys_plan_a_replacement(lab: Lab) -> None:
    create_live(lab, with_index=True)
    lab.up(adopted)

    def program() -> None:
        table(pulumi.ResourceOptions(ignore_changes=NOT_OURS), **PROTECTION)
        index(pulumi.ResourceOptions(ignore_changes=["provisionedThroughput"]), keys=("status",))

    lab.preview(program)


def another_projection_plans_a_replacement(lab: Lab) -> None:
    create_live(lab, with_index=True)
    lab.up(adopted)

    def program() -> None:
        table(pulumi.ResourceOptions(ignore_changes=NOT_OURS), **PROTECTION)
        keys_only = {"projection_type": "KEYS_ONLY"}
        index(pulumi.ResourceOptions(ignore_changes=["provisionedThroughput"]), projection=keys_only)

    lab.preview(program)


def other_table_keys_or_name_plan_a_replacement(lab: Lab) -> None:
    lab.up(lambda: table() and None)
    lab.preview(lambda: table(hash_key="SK", range_key="PK") and None)
    lab.preview(lambda: table(name="others") and None)
    lab.preview(lambda: table(range_key=None, attributes=KEYS[:1]) and None)


def import_of_a_missing_table_fails(lab: Lab) -> None:
    lab.up(lambda: table(pulumi.ResourceOptions(import_=NAME)) and None)


def import_of_a_missing_index_fails(lab: Lab) -> None:
    create_live(lab)
    lab.up(lambda: index(pulumi.ResourceOptions(import_=f"{NAME},{INDEX}")) and None)


def import_of_a_table_with_other_keys(lab: Lab) -> None:
    create_live(lab)
    lab.preview(lambda: table(pulumi.ResourceOptions(import_=NAME), hash_key="SK", range_key="PK") and None)


def an_existing_table_is_not_created_again(lab: Lab) -> None:
    create_live(lab)
    lab.up(lambda: table() and None)


def a_stream_needs_a_view_type(lab: Lab) -> None:
    lab.preview(lambda: table(stream_enabled=True) and None)
    lab.up(lambda: table(stream_enabled=True) and None)


def on_demand_takes_no_capacity(lab: Lab) -> None:
    lab.preview(lambda: table(billing_mode="PAY_PER_REQUEST") and None)
    lab.up(lambda: table(billing_mode="PAY_PER_REQUEST") and None)


def expiry_needs_an_attribute(lab: Lab) -> None:
    lab.preview(lambda: table(ttl={"enabled": True}) and None)
    lab.up(lambda: table(ttl={"enabled": True}) and None)


def every_attribute_is_indexed(lab: Lab) -> None:
    lab.preview(lambda: table(attributes=[*KEYS, {"name": "status", "type": "S"}]) and None)


def an_index_of_a_provisioned_table_needs_capacity(lab: Lab) -> None:
    create_live(lab)
    lab.preview(lambda: index(provisioned_throughput=None) and None)
    lab.up(lambda: index(provisioned_throughput=None) and None)


def an_index_of_an_on_demand_table_takes_no_capacity(lab: Lab) -> None:
    create_live(lab, on_demand=True)
    lab.up(lambda: index() and None)


def an_index_of_an_on_demand_table(lab: Lab) -> None:
    create_live(lab, on_demand=True)

    def program() -> None:
        index(provisioned_throughput=None)

    lab.up(program)
    lab.preview(program)


SCENARIOS: dict[str, Callable[[Lab], None]] = {
    scenario.__name__: scenario
    for scenario in (
        adopt_protect_and_preview,
        adopt_only,
        import_of_an_index_in_the_state_plans_a_replacement,
        import_of_an_index_that_pulumi_made_plans_a_replacement,
        create_a_full_table_with_an_index,
        create_index_then_delete_it,
        change_capacity,
        change_protection_tags_and_expiry,
        drift_is_seen_after_a_refresh,
        what_others_change_is_ignored,
        ignoring_tags_alone_takes_away_what_others_add,
        an_index_dropped_by_hand_is_forgotten_by_a_refresh,
        other_index_keys_plan_a_replacement,
        another_projection_plans_a_replacement,
        other_table_keys_or_name_plan_a_replacement,
        import_of_a_missing_table_fails,
        import_of_a_missing_index_fails,
        import_of_a_table_with_other_keys,
        an_existing_table_is_not_created_again,
        a_stream_needs_a_view_type,
        on_demand_takes_no_capacity,
        expiry_needs_an_attribute,
        every_attribute_is_indexed,
        an_index_of_a_provisioned_table_needs_capacity,
        an_index_of_an_on_demand_table_takes_no_capacity,
        an_index_of_an_on_demand_table,
    )
} | adoption.SCENARIOS
