"""Fixtures that several suites use: a moto server, and a stack of its own on it for each test."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from werkzeug.serving import make_server

from local.dynamodb_local import DynamoDbLocal, Missing
from local.emulation import application
from local.stack import create_table, put_items
from migration.run.prediction import CHECK
from sitelogix.tables import SITELOGIX
from stack.aws import dynamodb
from stack.file.config import StackConfig
from tests.worlds import settings

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# Loading hypothesis's tables of letters takes a second on a slow machine, and is no fault of a test.
hypothesis_settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("project")
# Every step that a test runs is held against its own prediction.
os.environ.setdefault(CHECK, "1")

# The Pulumi engine runs for a second at a time: collecting its garbage costs more than the memory is worth.
os.environ.setdefault("GOGC", "400")

LONGEST_FIRST = ["test_local_migration", "test_backfill_tasks", "e2e", "faults", "conformance", "fidelity", "moto"]
"""Files and folders. The kills measure themselves by the local migration, so that it is made before them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files run side by side; the longest begin first, so that none of them is left to run alone in the end."""

    def place(item: pytest.Item) -> int:
        named = [LONGEST_FIRST.index(name) for name in (item.path.stem, item.path.parent.name) if name in LONGEST_FIRST]
        return min(named, default=len(LONGEST_FIRST))

    items.sort(key=place)


@dataclass
class EmulatedStack:
    """A stack of its own on an emulator: settings, client, and a hand for its tables."""

    config: StackConfig
    client: DynamoDBClient

    def create(self, table: str, items: list[dict[str, Any]]) -> str:
        """Creates the table as it was before the migration, with these items; returns its physical name."""
        before = SITELOGIX.table(table).before()
        assert before is not None
        physical = self.config.physical_name(table)
        create_table(self.client, physical, before)
        put_items(self.client, physical, items)
        return physical

    def items(self, table: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Every item of the table by its key."""
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.config.physical_name(table), ConsistentRead=True
        )
        return {(item["PK"]["S"], item["SK"]["S"]): dict(item) for page in pages for item in page["Items"]}


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """The URL of a local AWS that lives as long as the test session: moto, and what the local stack adds to it."""
    # A line a request, kept by pytest for every test.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, application(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def moto_stack(moto_endpoint: str, tmp_path: Path) -> EmulatedStack:
    """A stack with tables of its own, on moto."""
    return stack_on(moto_endpoint, tmp_path)


@pytest.fixture(scope="session")
def dynamodb_local_endpoint() -> Iterator[str]:
    """The URL of a DynamoDB Local that lives as long as the test session. Skips where it cannot be had, but in CI."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(DynamoDbLocal())
        except Missing as missing:
            if os.environ.get("CI"):
                pytest.fail(f"CI has to run this on DynamoDB Local: {missing}")
            pytest.skip(f"needs DynamoDB Local: {missing}")
        yield server.endpoint


@pytest.fixture
def dynamodb_local(dynamodb_local_endpoint: str, tmp_path: Path) -> EmulatedStack:
    """A stack with tables of its own, on DynamoDB Local."""
    return stack_on(dynamodb_local_endpoint, tmp_path)


def stack_on(endpoint: str, checkout: Path) -> EmulatedStack:
    config = StackConfig(
        stack="test",
        checkout=checkout,
        settings=settings(table_prefix=f"t{uuid.uuid4().hex[:8]}-"),
        region="us-east-1",
        project="things",
        endpoint=endpoint,
        access_key="test",
        secret_key="test",
    )
    return EmulatedStack(config, dynamodb(config))
