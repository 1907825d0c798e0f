"""A table of another Pulumi program: refused until that program has let it go, and never lost on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pytest
from pulumi import automation
from pulumi_aws import dynamodb

from schema.errors import Refused
from schema.project import Project
from stack.file.config import load_config
from terminal.session import pulumi_environment
from tests.plugin import attached
from tests.snapshots import forget
from tests.stacks import APPROVED, NAME, PEOPLE, SCHEMA, SmallStack

TAGS = {"user:Project": "shop", "user:Stack": "prod"}
TABLE = "urn:pulumi:prod::shop::aws:dynamodb/table:Table::people"
ACKNOWLEDGED = f"{APPROVED}  {NAME}:acknowledgedOwners: [personnel]\n"


@dataclass
class Shop:
    """The other program, project `shop`, whose stack `prod` has the table; its state is in the same backend."""

    directory: Path
    physical: str
    environment: dict[str, str]
    declares_table: bool = True

    @staticmethod
    def beside(stack: SmallStack, directory: Path) -> Shop:
        own = (stack.directory / "Pulumi.local.yaml").read_text(encoding="utf-8")
        lines = [line for line in own.splitlines() if f"  {NAME}:" not in line and "personnel/" not in line]
        (directory / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", encoding="utf-8")
        for name in ("prod", "handed-over"):
            (directory / f"Pulumi.{name}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        project = Project(NAME, SCHEMA)
        variables = pulumi_environment(load_config("local", stack.directory, project), project)
        return Shop(directory, stack.physical("personnel"), {**variables, **attached()})

    def up(self, *, adopting: bool = False) -> None:
        self._stack(adopting=adopting).up(on_output=lambda line: None)

    def preview(self) -> dict[str, int]:
        """How many resources a preview would treat in which way."""
        try:
            summary = self._stack().preview(on_output=lambda line: None).change_summary
        except automation.CommandError as error:
            # On a busy machine the SDK may log to an engine that has just ended. A preview can be repeated.
            if "StatusCode.UNAVAILABLE" not in str(error):
                raise
            summary = self._stack().preview(on_output=lambda line: None).change_summary
        return {str(getattr(kind, "value", kind)): count for kind, count in summary.items()}

    def pulumi(self, *arguments: str) -> str:
        done = subprocess.run(
            [shutil.which("pulumi") or "pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _stack(self, *, adopting: bool = False) -> automation.Stack:
        def program() -> None:
            if self.declares_table:
                dynamodb.Table(
                    "people",
                    name=self.physical,
                    hash_key="PK",
                    range_key="SK",
                    attributes=[{"name": name, "type": "S"} for name in ("PK", "SK")],
                    billing_mode="PROVISIONED",
                    read_capacity=5,
                    write_capacity=5,
                    tags=TAGS,
                    opts=pulumi.ResourceOptions(import_=self.physical) if adopting else None,
                )

        options = automation.LocalWorkspaceOptions(work_dir=str(self.directory), env_vars=self.environment)
        return automation.create_or_select_stack("prod", project_name="shop", program=program, opts=options)


@pytest.fixture
def shop(tmp_path: Path, moto_endpoint: str) -> Iterator[tuple[SmallStack, Shop]]:
    directory, other = tmp_path / "keyshift", tmp_path / "shop"
    directory.mkdir()
    other.mkdir()
    stack = SmallStack.make(directory, moto_endpoint, SCHEMA, APPROVED)
    stack.seed({"personnel": PEOPLE})
    arn = stack.client.describe_table(TableName=stack.physical("personnel"))["Table"]["TableArn"]
    stack.client.tag_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in TAGS.items()])
    stack.context()
    made = Shop.beside(stack, other)
    made.up(adopting=True)
    yield stack, made
    forget(stack)


def test_a_table_of_another_program_is_handed_over_by_way_of_a_stack_of_its_own(shop: tuple[SmallStack, Shop]) -> None:
    stack, other = shop
    with pytest.raises(Refused, match="Table personnel is managed by Pulumi project shop, stack prod"):
        stack.migrate()

    other.pulumi("stack", "init", "organization/shop/handed-over")
    source, dest = "organization/shop/prod", "organization/shop/handed-over"
    other.pulumi("state", "move", "--yes", "--source", source, "--dest", dest, TABLE)
    other.declares_table = False
    assert set(other.preview()) <= {"same"}

    stack.configure(ACKNOWLEDGED)
    stack.migrate()
    assert stack.indexes("personnel") == ["GSI1-NameIndex", "GSI2-StatusIndex"]
    items = stack.client.scan(TableName=stack.physical("personnel"))["Count"]
    assert items == len(PEOPLE)
    assert set(other.preview()) <= {"same"}


def test_a_table_that_was_moved_straight_into_the_stack_is_refused_and_not_lost(shop: tuple[SmallStack, Shop]) -> None:
    stack, other = shop
    stack.configure(ACKNOWLEDGED)
    context = stack.context()
    context.engine.create_stack()
    source, dest = "organization/shop/prod", f"organization/{NAME}/local"
    other.pulumi("state", "move", "--yes", "--source", source, "--dest", dest, TABLE)
    with pytest.raises(Refused, match=f"has what its program does not declare: .*local::{NAME}::aws:dynamodb/table"):
        stack.migrate()

    moved = f"urn:pulumi:local::{NAME}::aws:dynamodb/table:Table::people"
    other.pulumi("state", "move", "--yes", "--source", dest, "--dest", source, moved)
    assert set(other.preview()) <= {"same"}
    assert stack.world().managed.strangers == ()
