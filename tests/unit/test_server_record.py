"""What `.local/server.json` says of the local stack's server, also where an earlier version wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from local.server import Server


@pytest.mark.parametrize(
    ("written", "loaded"), [(True, {"local": ""}), (False, {}), ({"local": "a-"}, {"local": "a-"})]
)
def test_a_server_that_an_earlier_version_started_keeps_its_data(
    tmp_path: Path, written: object, loaded: dict[str, str]
) -> None:
    this = psutil.Process()
    record = {"pid": this.pid, "started": this.create_time(), "endpoint": "http://127.0.0.1:1", "loaded": written}
    (tmp_path / "server.json").write_text(json.dumps(record), encoding="utf-8")
    found = Server("http://127.0.0.1:1", tmp_path).record()
    assert found is not None
    assert found.loaded == loaded
