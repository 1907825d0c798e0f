"""The ledger names the least version of the tool that may change the stack."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from schema.errors import Refused
from stack.ledger import versions
from stack.ledger.ledger import Ledger
from stack.ledger.records import STACK, LeastVersionProof, OwnerProof
from stack.ledger.versions import LEAST_VERSION, VERSION
from tests.conftest import EmulatedStack

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ledger(moto_stack: EmulatedStack) -> Ledger:
    made = Ledger(moto_stack.client, moto_stack.config)
    made.create()
    return made


def noted(ledger: Ledger) -> str | None:
    proof = ledger.proof(LeastVersionProof, STACK)
    return proof.version if proof is not None else None


def test_the_version_of_the_code_is_that_of_the_project() -> None:
    assert tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == VERSION


def test_this_version_may_go_on_with_what_it_has_changed() -> None:
    assert not versions.is_too_old(LEAST_VERSION)


def test_a_run_notes_the_least_version_where_none_stands(ledger: Ledger) -> None:
    ledger.note_version()
    assert noted(ledger) == LEAST_VERSION
    ledger.refuse_older_code(ledger.proofs())


def test_an_older_one_is_raised_and_a_newer_one_never_lowered(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.prove(LeastVersionProof(subject=STACK, version="0.1.9"))
    ledger.note_version()
    assert noted(ledger) == LEAST_VERSION
    monkeypatch.setattr(versions, "VERSION", "0.10.0")
    ledger.prove(LeastVersionProof(subject=STACK, version="0.10.0"))
    ledger.note_version()
    assert noted(ledger) == "0.10.0", "0.10 is newer than 0.2 and 0.9"


@pytest.mark.parametrize("least", ["0.10.0", "1.0.0", f"{VERSION}-rc1", "", "something"])
def test_an_older_checkout_is_refused_by_name_and_told_what_to_do(ledger: Ledger, least: str) -> None:
    ledger.prove(LeastVersionProof(subject=STACK, version=least))
    for refused_by in (ledger.note_version, lambda: ledger.refuse_older_code(ledger.proofs())):
        with pytest.raises(Refused) as refused:
            refused_by()
        assert refused.value.exit_code == 4
        assert refused.value.what == (
            f"Stack test needs version {least} of keyshift or a newer one. This checkout is {VERSION}."
        )
        assert refused.value.next.startswith(f"Check out version {least} or newer, then repeat.")
    assert noted(ledger) == least


def test_whoever_only_looks_reads_on_where_it_can(ledger: Ledger) -> None:
    ledger.prove(LeastVersionProof(subject=STACK, version="99.0.0"))
    ledger.prove(OwnerProof(subject=STACK, stack="test"))
    proofs = ledger.proofs()
    assert ledger.needs_newer_code(proofs)
    assert proofs.get(OwnerProof, STACK) is not None


@pytest.mark.parametrize("record", [("colour#reports", {}), ("owner#stack", {"stack": "test", "colour": "blue"})])
def test_a_record_of_a_newer_version_that_cannot_be_read_is_refused_with_that_version(
    ledger: Ledger, record: tuple[str, dict[str, str]]
) -> None:
    key, attributes = record
    ledger.put("PROOF", key, attributes)
    with pytest.raises(Refused, match="this version"):
        ledger.proofs()
    ledger.prove(LeastVersionProof(subject=STACK, version="99.0.0"))
    with pytest.raises(Refused, match="Stack test needs version 99"):
        ledger.proofs()
