"""Which tool or program a table's tags name as its owner."""

from __future__ import annotations

import pytest

from stack.world.owners import owner_of


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ({}, None),
        ({"Project": "shop", "Stack": "prod", "Name": "things"}, None),
        ({"aws:cloudformation:stack-name": "shop"}, "CloudFormation stack shop"),
        ({"ManagedBy": "terraform"}, "terraform"),
        ({"managed-by": "CDK"}, "CDK"),
        ({"managed_by": "Pulumi"}, "Pulumi"),
        ({"managedBy": "the storage team"}, None),
        ({"pulumi:project": "shop", "pulumi:stack": "prod"}, "Pulumi project shop, stack prod"),
        ({"pulumi:Project": "shop"}, "Pulumi project shop"),
        ({"user:Project": "shop", "user:Stack": "prod"}, "Pulumi project shop, stack prod"),
        ({"sst:app": "shop", "sst:stage": "prod"}, "Pulumi program of SST app shop, stage prod"),
    ],
)
def test_the_owner_that_tags_name(tags: dict[str, str], owner: str | None) -> None:
    assert owner_of(tags) == owner
