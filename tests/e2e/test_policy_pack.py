"""The policy pack, asked by the real engine: of a migrated stack, and of a program that knows nothing of keyshift."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.limits import HANGS
from tests.plugin import attached
from tests.policy_pack import copied
from tests.stacks import SmallStack

STACK = """\
config:
  aws:region: us-east-1
  aws:accessKey: test
  aws:secretKey: test
  aws:skipCredentialsValidation: "true"
  aws:skipRequestingAccountId: "true"
  aws:skipMetadataApiCheck: "true"
  aws:endpoints: [{dynamodb: 'ENDPOINT', sts: 'ENDPOINT'}]
encryptionsalt: v1:O/sc2Tmb26w=:v1:cEcQnGmSQoYTXhRY:1uHok73GDjcnOO9vyI/1bM/973MP8w==
"""
PROGRAM = """\
import pulumi
from pulumi_aws import dynamodb

ID = [{"name": "id", "type": "S"}]
plain = {"hash_key": "id", "billing_mode": "PAY_PER_REQUEST"}
careful = dynamodb.Table(
    "careful",
    **plain,
    name="shop-careful",
    attributes=ID,
    stream_enabled=True,
    stream_view_type="NEW_AND_OLD_IMAGES",
    point_in_time_recovery={"enabled": True},
    deletion_protection_enabled=True,
    tags={"Team": "shop"},
    opts=pulumi.ResourceOptions(protect=True),
)
dynamodb.GlobalSecondaryIndex(
    "careful/ByDay",
    index_name="ByDay",
    table_name=careful.name,
    key_schemas=[{"attribute_name": "day", "attribute_type": "S", "key_type": "HASH"}],
    projection={"projection_type": "ALL"},
)
dynamodb.Table(
    "careless",
    **plain,
    name="shop-careless",
    attributes=ID,
    stream_enabled=True,
    stream_view_type="KEYS_ONLY",
    opts=pulumi.ResourceOptions(delete_before_replace=True),
)
"""
INLINE = """\
dynamodb.Table(
    "inline",
    **plain,
    attributes=[*ID, {"name": "day", "type": "S"}],
    global_secondary_indexes=[{"name": "ByDay", "hash_key": "day", "projection_type": "ALL"}],
    opts=pulumi.ResourceOptions(protect=True),
)
"""
"""The stand-in plugin refuses this as well, so that a preview ends with it."""
CONFIG = {
    "table-tags": {"required": ["Team"]},
    "table-stream": {"enforcementLevel": "advisory"},
    "expected-resources": {
        "tables": ["shop-careful", "shop-lost"],
        "indexes": ["shop-careful/ByDay", "shop-careful/ByHour"],
    },
}


class Shop:
    """A program of another team, on the stand-in plugin. It imports nothing of keyshift."""

    def __init__(self, directory: Path, endpoint: str) -> None:
        self._directory = directory
        (directory / "state").mkdir()
        (directory / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
        (directory / "Pulumi.dev.yaml").write_text(STACK.replace("ENDPOINT", endpoint), encoding="utf-8")
        self.declare(PROGRAM)
        assert self.pulumi("stack", "init", "dev").returncode == 0

    def declare(self, program: str) -> None:
        """Writes the program."""
        (self._directory / "__main__.py").write_text(program, encoding="utf-8")

    def preview(self, pack: Path, config: object) -> subprocess.CompletedProcess[str]:
        """A preview with the pack, configured so."""
        (self._directory / "rules.json").write_text(json.dumps(config), encoding="utf-8")
        return self.pulumi(
            "preview", "--stack", "dev", "--policy-pack", str(pack), "--policy-pack-config", "rules.json"
        )

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        return subprocess.run(
            command,
            cwd=self._directory,
            env={
                **os.environ,
                **attached(),
                "PULUMI_BACKEND_URL": f"file://{self._directory / 'state'}",
                "PULUMI_HOME": str(self._directory / "home"),
                "PULUMI_CONFIG_PASSPHRASE": "local",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )


def violations(shown: subprocess.CompletedProcess[str]) -> set[tuple[str, str, str]]:
    """Level, policy and resource of each violation."""
    return set(re.findall(r"\[(mandatory|advisory)\]\s+(\S+)\s+\([\w:/]+: ([\w-]+)\)", shown.stdout))


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """The program that starts the pack."""
    return copied(tmp_path / "a pack") / "pack"


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Shop:
    """A program with a careful and a careless table."""
    return Shop(tmp_path_factory.mktemp("shop"), moto_endpoint)


def test_a_migrated_stack_violates_no_policy(migrated: SmallStack, pack: Path) -> None:
    shown = migrated.plain("preview", "--expect-no-changes", "--policy-pack", str(pack))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "dynamodb-tables@v1.0.0" in shown.stdout
    assert violations(shown) == set()


def test_what_a_careless_program_declares_fails_its_preview(shop: Shop, pack: Path) -> None:
    shown = shop.preview(pack, CONFIG)
    assert shown.returncode != 0
    assert violations(shown) == {
        ("mandatory", "table-kept", "careless"),
        ("mandatory", "table-deletion-protection", "careless"),
        ("mandatory", "table-recovery", "careless"),
        ("advisory", "table-stream", "careless"),
        ("mandatory", "table-tags", "careless"),
        ("mandatory", "expected-resources", "shop-dev"),
    }
    assert "Table shop-lost is not declared" in shown.stdout
    assert "Index shop-careful/ByHour is not declared" in shown.stdout
    assert "shop-careful is not declared" not in shown.stdout
    assert "shop-careful/ByDay is not declared" not in shown.stdout


def test_an_inline_index_fails_a_preview(shop: Shop, pack: Path) -> None:
    shop.declare(f"{PROGRAM.partition('careful =')[0]}{INLINE}")
    shown = shop.preview(pack, {"table-stream": "disabled", "table-recovery": "disabled"})
    assert violations(shown) == {
        ("mandatory", "table-deletion-protection", "inline"),
        ("mandatory", "table-no-inline-index", "inline"),
    }


def test_a_mistyped_configuration_is_a_violation(shop: Shop, pack: Path) -> None:
    shown = shop.preview(pack, {"table-tags": {"require": ["Team"]}})
    assert ("mandatory", "table-tags", "careful") in violations(shown)
    assert "The policy has no configuration require." in shown.stdout


def test_a_pack_without_its_environment_says_how_to_make_it(shop: Shop, pack: Path) -> None:
    (pack.parent / ".venv").unlink()
    shown = shop.preview(pack, {})
    assert shown.returncode != 0
    assert "policy/README.md says how it is made" in shown.stdout + shown.stderr
