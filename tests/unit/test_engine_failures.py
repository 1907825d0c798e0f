"""What a failure of the Pulumi CLI means, by the errors that the engine reported."""

from __future__ import annotations

from migration.engine.failures import failure
from schema.errors import EngineLost, Refused, ToolError

NOT_REACHED = "expected resource operations for urn:pulumi:local::x::aws:sns/topic:Topic::alarms but none were seen"
VIOLATION = "resource urn:pulumi:local::x::aws:dynamodb/table:Table::reports violates plan: create is not allowed"


def test_what_a_failed_up_did_not_come_to_does_not_hide_why_it_failed() -> None:
    found = failure("`pulumi up` failed.", "", [NOT_REACHED, "creating index: LimitExceededException"], "again")
    assert type(found) is ToolError
    assert (found.what, found.why) == ("`pulumi up` failed.", "creating index: LimitExceededException")


def test_an_up_that_leaves_out_what_was_previewed_is_refused() -> None:
    found = failure("`pulumi up` failed.", "", [NOT_REACHED], "again")
    assert type(found) is Refused
    assert found.why == NOT_REACHED


def test_an_up_that_does_more_than_was_previewed_is_refused() -> None:
    found = failure("`pulumi up` failed.", "", [VIOLATION, NOT_REACHED], "again")
    assert type(found) is Refused
    assert found.why == VIOLATION


def test_a_program_that_finds_no_engine_has_lost_it_whatever_it_asked_for() -> None:
    said = (
        "Exception calling application: <_InactiveRpcError of RPC that terminated with: "
        'status = StatusCode.UNAVAILABLE details = "failed to connect to all addresses" >'
    )
    assert type(failure("`pulumi preview` failed.", "code: 255", [said], "it")) is EngineLost
    other = said.replace("UNAVAILABLE", "INTERNAL")
    assert type(failure("`pulumi preview` failed.", "code: 255", [other], "it")) is ToolError
