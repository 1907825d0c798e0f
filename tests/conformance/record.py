"""Records what a plugin does: `python -m tests.conformance.record PLUGIN [--upstream VERSION] [--out FILE] [NAME…]`.

PLUGIN is a path, or `stand-in`. Named scenarios are recorded anew, and all others stay as they are.
"""

from __future__ import annotations

import argparse
import json
import logging
import mmap
import re
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pulumi import automation
from werkzeug.serving import make_server

from local.emulation import application
from tests.conformance.lab import Lab
from tests.conformance.scenarios import SCENARIOS

EXPECTED = Path(__file__).with_name("expected.json")
"""What the near-real plugin did in each scenario, and the versions with which: the reference for the stand-in."""
_BRIDGE = re.compile(rb"\tgithub\.com/pulumi/pulumi-terraform-bridge/v3\t(v[0-9A-Za-z.-]+)")
"""How a Go program says in itself which bridge it was built with."""


def record(plugin: str | None, names: list[str]) -> dict[str, Any]:
    """Runs the scenarios, each on a stack of its own, and returns what each operation showed."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request
    server = make_server("127.0.0.1", 0, application(), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen: dict[str, Any] = {}
    try:
        for name in names:
            with tempfile.TemporaryDirectory() as directory:
                lab = Lab(plugin, f"http://127.0.0.1:{server.server_port}", Path(directory))
                SCENARIOS[name](lab)
                seen[name] = lab.recording()
            print(name, file=sys.stderr, flush=True)
    finally:
        server.shutdown()
    return seen


def versions(plugin: str, upstream: str) -> dict[str, str]:
    """What a recording was made with. A plugin does not say which upstream provider it holds: the caller does."""
    with Path(plugin).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as program:
        found = _BRIDGE.search(program)
        bridge = found[1].decode() if found else "unknown"
    return {
        "engine": f"v{automation.PulumiCommand().version}",
        "bridge": bridge,
        "upstream": upstream or "unknown",
        "pulumi_aws": version("pulumi-aws"),
        "moto": version("moto"),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("plugin")
    parser.add_argument("--upstream", default="")
    parser.add_argument("--out", type=Path, default=EXPECTED)
    parser.add_argument("names", nargs="*")
    given = parser.parse_intermixed_args()
    known = json.loads(given.out.read_text(encoding="utf-8")) if given.names and given.out.exists() else {}
    stand_in = given.plugin == "stand-in"
    used = {"plugin": "stand-in"} if stand_in else versions(given.plugin, given.upstream)
    seen = record(None if stand_in else given.plugin, given.names or list(SCENARIOS))
    recording = known | {name: {"recorded_with": used, "seen": each} for name, each in seen.items()}
    text = json.dumps(recording, indent=1, sort_keys=True, ensure_ascii=False)
    given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
