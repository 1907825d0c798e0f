"""An attestation that comes as a file: a key of KMS has signed it, or nobody accepts it; and the other stack's ledger,
which is only read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from schema.errors import Refused, ToolError, UsageError, Waiting
from schema.model import Schema
from sitelogix.tables import PERSONNEL
from stack.aws import dynamodb, read_only_dynamodb
from stack.file.config import StackConfig
from stack.file.settings import Override, PromotesFrom
from stack.ledger.ledger import Ledger
from stack.ledger.proofs import Proofs
from stack.ledger.records import STACK, AttestationProof
from stack.promotion.attestation import digest_of, message_of, read_file, text_of
from stack.promotion.code import code_digest, lock_digest
from stack.promotion.requiring import accepted, required
from stack.promotion.signing import is_signed, sign
from tests.conftest import EmulatedStack

SCHEMA = Schema((PERSONNEL,))
ACCOUNT = "123456789012"
AT = datetime(2026, 1, 3, tzinfo=UTC)


@dataclass
class Prod:
    """A stack that promotes from `staging`, whose ledger is on the same moto."""

    config: StackConfig
    staging: StackConfig
    endpoint: str

    def ledger(self) -> Ledger:
        """Staging's own."""
        return Ledger(dynamodb(self.staging), self.staging)

    def wanting(self, **changes: Any) -> StackConfig:
        wanted = PromotesFrom.model_validate({"stack": "staging", **changes})
        return replace(self.config, settings=self.config.settings.model_copy(update={"promotes_from": wanted}))

    def attestation(self, **changes: Any) -> AttestationProof:
        made = AttestationProof(
            subject=STACK,
            stack="staging",
            account=ACCOUNT,
            code=code_digest(self.config.checkout),
            schema=SCHEMA.digest,
            lock=lock_digest(),
            commit="c0ffee",
            verified=AT - timedelta(hours=48),
            verified_by="a run",
            clean_since=AT - timedelta(hours=48),
            attested=AT - timedelta(hours=1),
            by="ana@host",
        )
        return replace(made, **changes)

    def require(self, config: StackConfig, file: Path | None = None, proofs: Proofs | None = None) -> None:
        """Raises what a task would."""
        found = required(config, SCHEMA, proofs or Proofs(), AT, file)
        assert found is not None
        found.refuse(config)

    def key(self, spec: str) -> str:
        """A new key of KMS: its ARN."""
        client = boto3.client(
            "kms",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        made: Any = client.create_key(KeyUsage="SIGN_VERIFY", KeySpec=spec)
        return str(made["KeyMetadata"]["Arn"])


@pytest.fixture
def prod(moto_stack: EmulatedStack, moto_endpoint: str, tmp_path: Path) -> Prod:
    config = replace(
        moto_stack.config, stack="prod", kms_endpoint=moto_endpoint, sts_endpoint=moto_endpoint, checkout=tmp_path
    )
    prefix = f"{config.settings.table_prefix}staging-"
    (tmp_path / "Pulumi.yaml").write_text(f"name: {config.project}\n", encoding="utf-8")
    (tmp_path / "Pulumi.staging.yaml").write_text(
        "config:\n"
        "  aws:region: us-east-1\n"
        f"  aws:endpoints: [{{dynamodb: '{moto_endpoint}', sts: '{moto_endpoint}'}}]\n"
        f'  {config.project}:account: "{ACCOUNT}"\n'
        f"  {config.project}:tablePrefix: {prefix}\n",
        encoding="utf-8",
    )
    staging = replace(config, stack="staging", settings=config.settings.model_copy(update={"table_prefix": prefix}))
    return Prod(config, staging, moto_endpoint)


def test_the_attestation_in_the_other_stack_s_ledger_is_enough(prod: Prod) -> None:
    with pytest.raises(Refused) as refused:
        prod.require(prod.wanting())
    assert refused.value.why == "attested: stack staging has no attestation. Nothing was changed."
    prod.ledger().create()
    prod.ledger().prove(prod.attestation())
    prod.require(prod.wanting())


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256"])
def test_a_file_that_the_key_has_signed_is_accepted_and_a_changed_one_is_not(
    prod: Prod, tmp_path: Path, spec: str
) -> None:
    key = prod.key(spec)
    attestation = prod.attestation()
    signature = sign(prod.staging, key, message_of(attestation))
    file = tmp_path / "attestation.json"
    file.write_text(text_of(attestation, signature), encoding="utf-8")
    prod.require(prod.wanting(kmsKey=key), file)
    # Spaces and the order of the fields say nothing.
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(document), encoding="utf-8")
    prod.require(prod.wanting(kmsKey=key), file)
    document["attestation"]["commit"] = "another"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        prod.require(prod.wanting(kmsKey=key), file)
    assert refused.value.why == f"Its signature is not that of {key}. Nothing was changed."


def test_the_key_of_the_stack_file_counts_and_not_the_one_that_the_file_names(prod: Prod, tmp_path: Path) -> None:
    ours, another = prod.key("RSA_2048"), prod.key("RSA_2048")
    attestation = prod.attestation()
    signature = sign(prod.staging, another, message_of(attestation))
    file = tmp_path / "attestation.json"
    file.write_text(text_of(attestation, replace(signature, key=ours)), encoding="utf-8")
    with pytest.raises(Refused):
        prod.require(prod.wanting(kmsKey=ours), file)
    file.write_text(text_of(attestation, signature), encoding="utf-8")
    with pytest.raises(Refused):
        prod.require(prod.wanting(kmsKey=ours), file)
    with pytest.raises(Refused) as refused:
        prod.require(prod.wanting(), file)
    assert refused.value.why == (
        "It is signed, and things:promotesFrom.kmsKey names no key to ask. Nothing was changed."
    )


def test_another_algorithm_or_no_base64_is_no_signature(prod: Prod) -> None:
    key = prod.key("RSA_2048")
    message = message_of(prod.attestation())
    signature = sign(prod.staging, key, message)
    assert is_signed(prod.config, key, message, signature)
    assert not is_signed(prod.config, key, message, replace(signature, algorithm="RSASSA_PKCS1_V1_5_SHA_256"))
    assert not is_signed(prod.config, key, message, replace(signature, signature="?"))


def test_a_key_that_does_not_sign_or_is_not_there_is_refused_by_name(prod: Prod) -> None:
    missing = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(Refused) as refused:
        sign(prod.staging, missing, b"x")
    assert refused.value.what == f"KMS key {missing} cannot sign an attestation, or say who did."


def test_a_pinned_digest_is_that_of_the_very_file(prod: Prod, tmp_path: Path) -> None:
    file = tmp_path / "attestation.json"
    file.write_text(text_of(prod.attestation(), None), encoding="utf-8")
    digest = digest_of(file.read_bytes())
    prod.require(prod.wanting(digest=digest), file)
    file.write_text(text_of(prod.attestation(commit="another"), None), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        prod.require(prod.wanting(digest=digest), file)
    assert refused.value.why == (
        f"Its digest is {digest_of(file.read_bytes())}, and {digest} is pinned. Nothing was changed."
    )
    assert refused.value.next.endswith(f"digest: {digest_of(file.read_bytes())}")


def changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def text(before: str) -> str:
        document = json.loads(before)
        change(document)
        return json.dumps(document)

    return text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (changed(lambda it: it.update(format=2)), "Its format is 2, and this version knows 1"),
        (changed(lambda it: it.update(format=True)), "Its format is True, and this version knows 1"),
        (changed(lambda it: it.pop("format")), "Its format is None, and this version knows 1"),
        (changed(lambda it: it.update(note="x")), "It has an unknown field 'note'"),
        (changed(lambda it: it["attestation"].update(note="x")), "note: Unexpected keyword argument"),
        (changed(lambda it: it["attestation"].update(at="x")), "It has an unknown field 'at'"),
        (changed(lambda it: it["attestation"].pop("code")), "code: Field required"),
        (
            changed(lambda it: it["attestation"].update(attested="2026-01-01T00:00:00")),
            "attested is a time without a zone",
        ),
        (changed(lambda it: it.update(attestation=[])), "It says nothing"),
        (changed(lambda it: it.update(signature={"key": "x"})), "signature.algorithm: Field required"),
        (lambda text: text.replace('"by"', '"commit"'), "It is not JSON: a field stands twice"),
        (lambda text: text + " " * 100_000, "It has more than 100,000 bytes"),
        (lambda text: "[" * 5, "It is not JSON"),
    ],
)
def test_what_a_version_does_not_understand_is_refused_by_name(
    prod: Prod, tmp_path: Path, change: Callable[[str], str], why: str
) -> None:
    file = tmp_path / "attestation.json"
    file.write_text(change(text_of(prod.attestation(), None)), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        read_file(file, "from/staging")
    assert refused.value.what == "attestation.json is no attestation that this version accepts."
    assert refused.value.why.casefold().startswith(why.casefold())
    assert refused.value.exit_code == 4


def test_what_was_written_is_read_again(prod: Prod, tmp_path: Path) -> None:
    file = tmp_path / "attestation.json"
    attestation = prod.attestation(check_runs={"1": "c0ffee"}, overridden={"checks": "ana: a test"})
    file.write_text(text_of(attestation, None), encoding="utf-8")
    assert read_file(file, STACK).attestation == attestation


def test_a_missing_file_is_a_wrong_flag_and_so_is_one_for_a_stack_that_promotes_from_none(
    prod: Prod, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        prod.require(prod.wanting(), tmp_path / "missing.json")
    with pytest.raises(UsageError) as refused:
        required(prod.config, SCHEMA, Proofs(), AT, tmp_path / "missing.json")
    assert refused.value.what == "Stack prod promotes from no other stack."


def test_a_stack_in_another_account_is_out_of_reach_without_a_role_and_an_accepted_file_is_remembered(
    prod: Prod,
) -> None:
    file = prod.config.checkout / "Pulumi.staging.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(ACCOUNT, "222222222222"), encoding="utf-8")
    # What stands in a ledger of that name in this account is not that stack's.
    prod.ledger().create()
    prod.ledger().prove(prod.attestation())
    with pytest.raises(Refused) as refused:
        prod.require(prod.wanting())
    assert refused.value.why == "attested: stack staging has no attestation. Nothing was changed."
    kept = prod.attestation(subject="from/staging", account="222222222222")
    prod.require(prod.wanting(), proofs=Proofs.of([kept]))


def test_with_a_role_the_other_account_s_ledger_is_read(prod: Prod) -> None:
    other = "222222222222"
    file = prod.config.checkout / "Pulumi.staging.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(ACCOUNT, other), encoding="utf-8")
    role = f"arn:aws:iam::{other}:role/reads-the-ledger"
    within = replace(prod.staging, settings=prod.staging.settings.model_copy(update={"account": other}))
    credentials = boto3.client(
        "sts",
        endpoint_url=prod.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    ).assume_role(RoleArn=role, RoleSessionName="a-test")["Credentials"]
    within = replace(
        within,
        access_key=credentials["AccessKeyId"],
        secret_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
    )
    ledger = Ledger(dynamodb(within), within)
    ledger.create()
    ledger.prove(prod.attestation(account=other))
    prod.require(prod.wanting(role=role))


def test_a_ledger_that_cannot_be_read_refuses(prod: Prod) -> None:
    prod.ledger().create()
    prod.ledger().prove(prod.attestation())
    prod.ledger().put("PROOF", "attestation#stack", {"stack": "staging", "colour": "blue"})
    with pytest.raises(Refused) as refused:
        prod.require(prod.wanting())
    assert refused.value.what == (
        "The ledger of stack staging cannot be read, so nobody can say whether it is attested."
    )
    file = prod.config.checkout / "Pulumi.staging.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(prod.endpoint, "http://127.0.0.1:9"), encoding="utf-8")
    with pytest.raises(Refused):
        prod.require(prod.wanting())


def test_a_ledger_that_cannot_be_read_is_overridden_as_one_that_holds_no_attestation(prod: Prod) -> None:
    prod.ledger().create()
    prod.ledger().put("PROOF", "attestation#stack", {"stack": "staging", "colour": "blue"})
    git = ["git", "-C", str(prod.config.checkout), "-c", "user.name=a test", "-c", "user.email=test@example.com"]
    for line in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "one"]):
        subprocess.run([*git, *line], check=True, capture_output=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    given = {"rule": "attestation", "reason": "an outage", "by": "ana", "at": "2026-01-01", "commit": commit}

    def overriding(rule: str) -> StackConfig:
        config = prod.wanting()
        override = Override.model_validate({**given, "rule": rule})
        return replace(config, settings=config.settings.model_copy(update={"overrides": [override]}))

    with pytest.raises(Refused, match="cannot be read"):
        prod.require(overriding("bake-time"))
    found = required(overriding("attestation"), SCHEMA, Proofs(), AT)
    assert found is not None
    assert (found.judged.failing, found.attestation) == ((), None)
    _, evidence = found.judged.used["attestation"]
    assert evidence.startswith("The ledger of stack staging cannot be read, so nobody can say whether it is attested.")


def test_a_stack_file_that_does_not_say_where_the_ledger_is_refuses(prod: Prod) -> None:
    file = prod.config.checkout / "Pulumi.staging.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text("".join(line for line in text.splitlines(True) if "tablePrefix" not in line), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        prod.require(prod.wanting())
    assert refused.value.what == "Pulumi.staging.yaml does not say things:tablePrefix as plain text."


def test_a_client_that_only_reads_sends_no_write(prod: Prod) -> None:
    prod.ledger().create()
    ledger = Ledger(read_only_dynamodb(prod.staging), prod.staging)
    assert list(ledger.records("PROOF")) == []
    with pytest.raises(ToolError, match="is not sent with a client that only reads"):
        ledger.prove(prod.attestation())
    with pytest.raises(Refused, match="is not sent with a client that only reads"):
        ledger.put("A", "B", {})
    assert list(prod.ledger().records("PROOF")) == []


def test_the_bake_time_is_waited_for(prod: Prod) -> None:
    prod.ledger().create()
    prod.ledger().prove(prod.attestation(clean_since=AT - timedelta(hours=10)))
    with pytest.raises(Waiting) as waits:
        prod.require(prod.wanting())
    assert waits.value.why == (
        "bake time over: clean since 2026-01-02T14:00:00Z (attested); 24 h are over at 2026-01-03T14:00:00Z."
    )


def test_a_pinned_file_that_is_signed_by_another_is_still_pinned(prod: Prod, tmp_path: Path) -> None:
    file = tmp_path / "attestation.json"
    file.write_text(text_of(prod.attestation(), None), encoding="utf-8")
    found = read_file(file, "from/staging")
    wanted = PromotesFrom.model_validate({"stack": "staging", "digest": found.digest})
    assert accepted(prod.config, wanted, found, file) == found.attestation


def test_a_key_of_another_region_than_the_stack_s_is_asked_there(prod: Prod, tmp_path: Path) -> None:
    key = prod.key("RSA_2048")
    file = tmp_path / "attestation.json"
    file.write_text(
        text_of(prod.attestation(), sign(prod.staging, key, message_of(prod.attestation()))), encoding="utf-8"
    )
    elsewhere = replace(prod.wanting(kmsKey=key), region="eu-central-1")
    prod.require(elsewhere, file)
