"""A run on a stack that promotes from another one, which has no attestation: what begins, and what is ended anyway."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from migration.plan.result import Plan
from migration.promotion.checking import run_checks
from migration.run.items import survey
from migration.run.runner import Undertaking, run
from migration.session.brown_out import PARTITION, at_work, read_policy
from migration.session.context import Context
from migration.session.locks import Locks
from migration.steps.step import Step
from schema.errors import Refused
from schema.model import Schema
from schema.references import IndexRef
from sitelogix.tables import REPORTS
from stack.file.settings import PromotesFrom
from stack.ledger.codec import attributes, now
from stack.ledger.history import ROLLED_BACK
from stack.ledger.ledger import Facts
from stack.ledger.records import STACK, BrownOutNote, VerifiedProof
from stack.policies import denying_reads
from stack.world.managed import Managed
from stack.world.world import World
from tests.conftest import EmulatedStack
from tests.moto.test_backfill_decisions import context as plain
from tests.rolling_back import RecordingEngine

UNATTESTED = "Stack prod promotes from stack staging, which has no matching attestation."


@dataclass(frozen=True, kw_only=True)
class Noted(Step):
    """A step that notes in `done` that it was done, and whether the stack still counted as verified."""

    done: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def tables(self) -> tuple[str, ...]:
        return ("reports",)

    def apply(self, context: Context, world: World) -> Facts:
        self.done.append((self.ACTION, context.ledger.proof(VerifiedProof, STACK) is not None))
        return {}

    def effect(self, world: World) -> World:
        return world


class Looks(Noted):
    ACTION = "look"
    ONLY_LOOKS = True


class Changes(Noted):
    ACTION = "change"


@pytest.fixture
def prod(moto_stack: EmulatedStack, moto_endpoint: str, tmp_path: Path) -> Context:
    moto_stack.create("reports", [])
    made = plain(moto_stack)
    made.schema = Schema((REPORTS,))
    made.engine = RecordingEngine(Managed(created=True))
    made.engine.locks = Locks(made.ledger)
    config = replace(made.config, stack="prod", sts_endpoint=moto_endpoint, checkout=tmp_path)
    (tmp_path / "Pulumi.yaml").write_text(f"name: {config.project}\n", encoding="utf-8")
    (tmp_path / "Pulumi.staging.yaml").write_text(
        "config:\n"
        "  aws:region: us-east-1\n"
        f"  aws:endpoints: [{{dynamodb: '{moto_endpoint}', sts: '{moto_endpoint}'}}]\n"
        f'  {config.project}:account: "{config.settings.account}"\n'
        f"  {config.project}:tablePrefix: {config.settings.table_prefix}staging-\n",
        encoding="utf-8",
    )
    wanted = PromotesFrom.model_validate({"stack": "staging"})
    made.config = replace(config, settings=config.settings.model_copy(update={"promotes_from": wanted}))
    return made


def one_after_the_other(*steps: Step) -> Undertaking:
    """A run whose look shows that something is to be changed: the plan before it did not say so."""

    def left(world: World, tried: Collection[str]) -> Plan:
        return Plan(tuple(step for step in steps if step.name not in tried)[:1])

    return Undertaking("a test", left)


def test_a_look_that_leads_to_a_change_begins_with_the_attestation(prod: Context) -> None:
    done: list[tuple[str, bool]] = []
    with pytest.raises(Refused) as refused:
        run(prod, one_after_the_other(Looks(done=done), Changes(done=done)))
    assert (refused.value.what, done) == (UNATTESTED, [])


def test_what_is_changed_after_a_look_is_no_longer_verified(prod: Context) -> None:
    settings = prod.config.settings.model_copy(update={"promotes_from": None})
    prod.config = replace(prod.config, settings=settings)
    prod.ledger.prove(VerifiedProof(subject=STACK, schema=prod.schema.digest, checks=1, at=now()))
    done: list[tuple[str, bool]] = []
    run(prod, one_after_the_other(Looks(done=done), Changes(done=done)))
    assert done == [("look", True), ("change", False)]


def test_a_rollback_asks_for_none(prod: Context) -> None:
    done: list[tuple[str, bool]] = []
    run(prod, replace(one_after_the_other(Looks(done=done), Changes(done=done)), result=ROLLED_BACK))
    assert [name for name, _ in done] == ["look", "change"]


def test_a_brown_out_that_a_killed_run_left_is_ended_though_the_run_is_refused(prod: Context) -> None:
    described = prod.client.describe_table(TableName=prod.config.physical_name("reports"))
    arn, ref = described["Table"]["TableArn"], IndexRef("reports", "GSI1-ProjectIndex")
    denying = denying_reads(None, f"{arn}/index/{ref.index}")
    left = BrownOutNote(
        index=ref, table_arn=arn, index_arn=f"{arn}/index/{ref.index}", denying=denying, at=now() - timedelta(hours=1)
    )
    prod.ledger.put(PARTITION, str(ref), attributes(left))
    prod.client.put_resource_policy(ResourceArn=arn, Policy=denying)
    with pytest.raises(Refused) as refused:
        run(prod, one_after_the_other(Changes()))
    assert refused.value.what == UNATTESTED
    assert at_work(prod) == []
    assert read_policy(prod.client, arn)[0] is None


def test_what_is_mended_is_no_longer_verified(prod: Context) -> None:
    settings = prod.config.settings.model_copy(update={"promotes_from": None})
    prod.config = replace(prod.config, settings=settings)
    prod.ledger.prove(VerifiedProof(subject=STACK, schema=prod.schema.digest, checks=1, at=now()))
    survey(prod, "reports", check=True, mend=False)
    assert prod.ledger.proof(VerifiedProof, STACK) is not None
    survey(prod, "reports", check=True, mend=True)
    assert prod.ledger.proof(VerifiedProof, STACK) is None


def test_what_a_check_prints_of_its_environment_is_masked_also_where_only_the_name_says_that_it_is_secret(
    prod: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "a-token-of-a-ci-host")
    monkeypatch.setenv("DEPLOY_REGION", "a-region-of-a-ci-host")
    settings = prod.config.settings.model_copy(update={"checks": {"leaking": "env"}})
    prod.config = replace(prod.config, settings=settings)
    (check,) = run_checks(prod, None, {"SHOP_DB_PASSWORD": "correct horse"}).checks
    kept = (prod.config.checkout / check.file).read_text(encoding="utf-8").splitlines()
    shown = {line for line in kept if line.startswith(("DEPLOY_", "SHOP_"))}
    assert shown == {"DEPLOY_TOKEN=[masked]", "DEPLOY_REGION=a-region-of-a-ci-host", "SHOP_DB_PASSWORD=[masked]"}
