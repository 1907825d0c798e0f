"""A small stack on moto, before and after its migration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stacks import APPROVED, PEOPLE, SCHEMA, SmallStack


@pytest.fixture
def stack(tmp_path: Path, moto_endpoint: str) -> SmallStack:
    """The pre-migration table, and a stack file that approves the removal of the old index."""
    made = SmallStack.make(tmp_path, moto_endpoint, SCHEMA, APPROVED)
    made.seed({"personnel": PEOPLE})
    return made


@pytest.fixture
def migrated(stack: SmallStack) -> SmallStack:
    """The same, migrated to the end."""
    stack.migrate()
    return stack
