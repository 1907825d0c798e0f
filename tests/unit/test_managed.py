"""What is read out of Pulumi's state."""

from __future__ import annotations

from typing import Any

import pytest

from schema.references import IndexRef
from stack.world.managed import (
    ALARM_TYPE,
    DASHBOARD_TYPE,
    INDEX_TYPE,
    SUBSCRIPTION_TYPE,
    TABLE_TYPE,
    TOPIC_TYPE,
    Managed,
)


def resource(type: str, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": type,
        "urn": f"urn:pulumi:prod::sitelogix::sitelogix:dynamodb:IndexedTable${type}::{name}",
        **changes,
    }


def test_tables_indexes_and_what_watches_them_are_known_by_their_names() -> None:
    found = Managed.of(
        {
            "resources": [
                resource("pulumi:pulumi:Stack", "sitelogix-prod"),
                resource(TABLE_TYPE, "reports"),
                resource(INDEX_TYPE, "reports/GSI3-StatusIndex"),
                resource(TOPIC_TYPE, "topic"),
                resource(DASHBOARD_TYPE, "dashboard"),
                resource(SUBSCRIPTION_TYPE, "subscription/https/https://[2001:db8::1]/alarms"),
                resource(ALARM_TYPE, "reports/throttling"),
                resource(ALARM_TYPE, "reports/capacity", delete=True),
            ],
            "pending_operations": [{}],
        }
    )
    assert found == Managed(
        created=True,
        tables=frozenset({"reports"}),
        indexes=frozenset({IndexRef("reports", "GSI3-StatusIndex")}),
        monitors=frozenset(
            {"topic", "dashboard", "subscription/https/https://[2001:db8::1]/alarms", "reports/throttling"}
        ),
        pending=1,
    )


@pytest.mark.parametrize("parent", ["", "shop:x:Tables$"])
def test_a_table_that_was_moved_into_the_stack_is_no_table_of_ours(parent: str) -> None:
    table = f"urn:pulumi:prod::sitelogix::{parent}{TABLE_TYPE}::reports"
    index = f"urn:pulumi:prod::sitelogix::{parent}{INDEX_TYPE}::byStatus"
    found = Managed.of({"resources": [{"type": TABLE_TYPE, "urn": table}, {"type": INDEX_TYPE, "urn": index}]})
    assert found == Managed(created=True, strangers=tuple(sorted((table, index))))


def test_an_index_that_somebody_named_otherwise_is_not_one_of_ours() -> None:
    found = Managed.of({"resources": [resource(INDEX_TYPE, "by-hand"), resource(INDEX_TYPE, "reports/ByHand")]})
    assert found.indexes == frozenset({IndexRef("reports", "ByHand")})
