"""Records what a plugin does: `python -m tests.conformance.record PLUGIN [OUT]`. PLUGIN is a path, or `stand-in`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from moto.server import ThreadedMotoServer

from tests.conformance.lab import Lab
from tests.conformance.scenarios import SCENARIOS

EXPECTED = Path(__file__).with_name("expected.json")
"""What the near-real plugin did: the reference for the stand-in."""


def record(plugin: str | None, names: list[str]) -> dict[str, Any]:
    """Runs the scenarios, each on a stack of its own, and returns what each operation showed."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    seen: dict[str, Any] = {}
    try:
        for name in names:
            with tempfile.TemporaryDirectory() as directory:
                lab = Lab(plugin, f"http://{host}:{port}", Path(directory))
                SCENARIOS[name](lab)
                seen[name] = lab.seen
            print(name, file=sys.stderr, flush=True)
    finally:
        server.stop()
    return seen


def main() -> None:
    plugin = sys.argv[1]
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else EXPECTED
    names = sys.argv[3:] or list(SCENARIOS)
    seen = record(None if plugin == "stand-in" else plugin, names)
    out.write_text(json.dumps(seen, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
