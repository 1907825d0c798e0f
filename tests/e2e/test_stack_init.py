"""The one-time set-up of a stack: what it makes, what it writes, and what other tasks say before it was done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from schema.errors import UsageError
from sitelogix.project import PROJECT
from stack.file.cli import CliError, ask
from stack.file.config import load_config
from stack.file.initialising import Initialised, initialise
from stack.file.strict_yaml import read
from terminal.results.settings import InitialisedResult

CHECKOUT = Path(__file__).resolve().parents[2]
TEXT = """\
# What a team wrote stays as it is.
config:
  aws:region:   us-east-1
  sitelogix:account: "123456789012"
  sitelogix:tablePrefix: 'sitelogix-'   # quotes and spaces too
  sitelogix:backend: file://states
"""


@dataclass
class Workplace:
    """A checkout with one stack `test`, which was never set up."""

    path: Path

    @property
    def file(self) -> Path:
        return self.path / "Pulumi.test.yaml"

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def init(self, stack: str = "test") -> Initialised:
        return initialise(stack, self.path, PROJECT, {})

    def refused(self) -> UsageError:
        before = self.text()
        with pytest.raises(UsageError) as error:
            self.init()
        assert self.text() == before
        return error.value


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "a passphrase")
    (tmp_path / "states").mkdir()
    project = (CHECKOUT / "Pulumi.yaml").read_text(encoding="utf-8")
    (tmp_path / "Pulumi.yaml").write_text(project, encoding="utf-8")
    made = Workplace(tmp_path)
    made.write(TEXT)
    return made


def test_other_tasks_are_refused_before_it_and_work_after_it(workplace: Workplace) -> None:
    with pytest.raises(UsageError) as error:
        load_config("test", workplace.path, PROJECT)
    assert error.value.what == "Pulumi.test.yaml: it has no encryptionsalt."
    assert error.value.next == "Run: ./invoke stack.init --stack test"
    workplace.init()
    assert load_config("test", workplace.path, PROJECT).stack == "test"


def test_without_the_key_pulumi_itself_would_write_the_file_at_each_preview(workplace: Workplace) -> None:
    environment = {"PULUMI_BACKEND_URL": f"file://{workplace.path}/states"}
    workplace.init()
    workplace.write(TEXT)
    with pytest.raises(CliError):
        # There is no program here, so it fails: but only after it has made a key.
        ask(["preview", "--stack", "test"], workplace.path, environment)
    assert "encryptionsalt" in read(workplace.text())


def test_the_stack_is_made_and_its_key_is_the_only_new_line(workplace: Workplace) -> None:
    assert workplace.init() == Initialised(workplace.file, "file://states", True, "encryptionsalt")
    key = read(workplace.text())["encryptionsalt"]
    assert workplace.text() == f"{TEXT}encryptionsalt: {key}\n"
    assert (workplace.path / "states/.pulumi/stacks/sitelogix/test.json").exists()


def test_it_says_what_to_commit_and_when_there_is_nothing(workplace: Workplace) -> None:
    first, second = (
        "\n".join(map(str, InitialisedResult("test", done).text())) for done in (workplace.init(), workplace.init())
    )
    assert "git add Pulumi.test.yaml && git commit" in first
    assert "Nothing is to be committed" in second


def test_repeating_it_changes_nothing(workplace: Workplace) -> None:
    workplace.init()
    before = workplace.text()
    assert workplace.init("organization/sitelogix/test") == Initialised(workplace.file, "file://states", False, None)
    assert workplace.text() == before


def test_a_key_that_was_never_committed_is_taken_from_the_state(workplace: Workplace) -> None:
    workplace.init()
    first = workplace.text()
    workplace.write(TEXT)
    assert workplace.init().key == "encryptionsalt"
    assert workplace.text() == first


def test_a_key_service_makes_the_key(workplace: Workplace, moto_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    kms = boto3.client("kms", endpoint_url=moto_endpoint, **credentials)  # type: ignore[call-overload]
    kms.create_alias(AliasName="alias/pulumi", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    text = TEXT.replace("config:\n", f"config:\n  aws:accessKey: test\n  aws:secretKey: test\n{ENDPOINTS}").format(
        moto_endpoint
    )
    workplace.write(f"{text}secretsprovider: awskms://alias/pulumi?region=us-east-1\n")
    with pytest.raises(UsageError, match=r"Pulumi\.test\.yaml: it has no encryptedkey"):
        load_config("test", workplace.path, PROJECT)
    assert workplace.init().key == "encryptedkey"
    assert load_config("test", workplace.path, PROJECT).secrets_provider == "awskms://alias/pulumi?region=us-east-1"
    assert workplace.init().key is None


ENDPOINTS = "  aws:endpoints:\n    - kms: {0}\n"


def test_secrets_whose_key_is_lost_get_no_other_key(workplace: Workplace) -> None:
    secret = "  sitelogix:subscriptions: [{protocol: https, endpoint: {secure: v1:AAAA:BBBB}}]\n"
    workplace.write(TEXT + secret)
    error = workplace.refused()
    assert error.what == (
        "Pulumi.test.yaml: its secrets were encrypted with a key that it does not hold (encryptionsalt)."
    )
    assert not (workplace.path / "states/.pulumi/stacks").exists()


@pytest.mark.parametrize(
    ("change", "what", "then"),
    [
        (
            ("file://states", "file://nowhere"),
            "Stack test cannot be made in file://nowhere.",
            "Make that backend and the key of its secrets, with access to both; then repeat.",
        ),
        (('"123456789012"', '"12"'), "Pulumi.test.yaml: sitelogix:account has a wrong value: '12'.", "Edit"),
    ],
)
def test_what_cannot_be_set_up_is_one_clear_error(
    workplace: Workplace, change: tuple[str, str], what: str, then: str
) -> None:
    workplace.write(TEXT.replace(*change))
    error = workplace.refused()
    assert (error.what, error.exit_code) == (what, 2)
    assert error.next.startswith(then)


def test_without_a_passphrase_it_says_which_variable_is_missing(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    assert workplace.refused().next == "Set PULUMI_CONFIG_PASSPHRASE to the passphrase of this stack, then repeat."
