"""Which versions of the Pulumi engine are taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from semver import VersionInfo

from migration.engine.versions import Versions
from schema.errors import UsageError

VERSIONS = Versions(VersionInfo(3, 250, 0), VersionInfo(3, 259, 0))


def test_the_range_is_that_of_the_project_file_and_the_tested_one_that_of_the_version_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text('name: a\nrequiredPulumiVersion: ">=3.250.0 <4.0.0"\n', encoding="utf-8")
    (tmp_path / ".pulumi.version").write_text("3.259.0\n", encoding="utf-8")
    assert Versions.of(tmp_path) == VERSIONS


@pytest.mark.parametrize("version", ["3.250.0", "3.255.1", "3.259.0"])
def test_the_tested_range_is_taken_without_a_word(version: str) -> None:
    assert VERSIONS.warning(VersionInfo.parse(version)) == ""


def test_a_newer_one_is_taken_with_a_warning_that_says_which_is_tested() -> None:
    assert VERSIONS.warning(VersionInfo.parse("3.260.0")) == (
        "The Pulumi engine is version 3.260.0, newer than 3.259.0, which this tool is tested with."
    )


@pytest.mark.parametrize("version", ["3.249.9", "2.300.0", "4.0.0"])
def test_an_older_one_and_another_major_version_are_refused(version: str) -> None:
    with pytest.raises(UsageError) as refused:
        VERSIONS.warning(VersionInfo.parse(version))
    assert str(refused.value).splitlines() == [
        f"The Pulumi engine on PATH is version {version}.",
        "The project takes 3.250.0 and newer ones of version 3; it is tested with 3.259.0.",
        "Run ./invoke again: it gets that version.",
    ]


def test_an_engine_that_does_not_say_its_version_is_refused() -> None:
    with pytest.raises(UsageError, match="The Pulumi engine on PATH is version unknown"):
        VERSIONS.warning(None)
