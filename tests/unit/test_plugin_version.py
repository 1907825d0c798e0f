"""The least version of the aws plugin."""

from __future__ import annotations

import pytest

from components.plugin import refuse_old_plugin
from schema.errors import UsageError


def test_the_installed_plugin_is_new_enough() -> None:
    refuse_old_plugin()


@pytest.mark.parametrize("version", ["7.37.0", "7.51.1", "8.0.0"])
def test_the_least_version_and_newer_ones_are_taken(version: str) -> None:
    refuse_old_plugin(version)


@pytest.mark.parametrize("version", ["7.36.9", "6.83.4"])
def test_an_older_one_is_refused_by_name(version: str) -> None:
    with pytest.raises(UsageError) as refused:
        refuse_old_plugin(version)
    assert refused.value.what == f"The aws plugin is version {version}."
    assert "from 7.37.0 on" in refused.value.why
