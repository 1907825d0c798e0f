"""Small stacks on moto: before the migration, migrated but for an old index that nobody approved to go, and migrated.

The migrations are made once in a run of the suite; tests get copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.once import once
from tests.snapshots import Snapshot, forget
from tests.stacks import APPROVED, PEOPLE, SCHEMA, SmallStack


@pytest.fixture
def stack(tmp_path: Path, moto_endpoint: str) -> Iterator[SmallStack]:
    """The pre-migration table, and a stack file that approves the removal of the old index."""
    made = SmallStack.make(tmp_path, moto_endpoint, SCHEMA, APPROVED)
    made.seed({"personnel": PEOPLE})
    yield made
    forget(made)


@pytest.fixture(scope="session")
def unapproved_once(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Snapshot:
    """A stack after its first run, which nobody allowed to remove the old index."""
    with once(tmp_path_factory, "unapproved") as root:
        snapshot = Snapshot(root / "unapproved")
        if not snapshot.exists:
            made = SmallStack.make(tmp_path_factory.mktemp("unapproved"), moto_endpoint, SCHEMA)
            made.seed({"personnel": PEOPLE})
            snapshot.take(made, made.migrate())
            forget(made)
        return snapshot


@pytest.fixture(scope="session")
def migrated_once(unapproved_once: Snapshot, tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Snapshot:
    """A stack that was migrated to the end."""
    with once(tmp_path_factory, "migrated") as root:
        snapshot = Snapshot(root / "migrated")
        if not snapshot.exists:
            directory = tmp_path_factory.mktemp("migrated")
            made = unapproved_once.copy(directory, moto_endpoint, SCHEMA, APPROVED)
            snapshot.take(made, made.migrate())
            forget(made)
        return snapshot


@pytest.fixture
def migrated(migrated_once: Snapshot, tmp_path: Path, moto_endpoint: str) -> Iterator[SmallStack]:
    """A stack that was migrated to the end."""
    made = migrated_once.copy(tmp_path, moto_endpoint, SCHEMA, APPROVED)
    yield made
    forget(made)


@pytest.fixture
def unapproved(unapproved_once: Snapshot, tmp_path: Path, moto_endpoint: str) -> Iterator[SmallStack]:
    """A stack after its first run, which nobody allowed to remove the old index."""
    made = unapproved_once.copy(tmp_path, moto_endpoint, SCHEMA)
    yield made
    forget(made)
