"""Whatever runs with credentials, or decides about a deletion, has an owner who reviews it."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
OTHERS = {"benchmarks", "docs", "tests"}
"""Folders of which nothing runs with credentials."""


def test_every_folder_and_program_that_runs_with_credentials_has_an_owner() -> None:
    text = (CHECKOUT / ".github" / "CODEOWNERS").read_text(encoding="utf-8")
    owned = re.findall(r"^/(\S+)\s+@", text, re.MULTILINE)
    code = {f"{path.parent.name}/" for path in CHECKOUT.glob("*/*.py") if path.parent.name not in OTHERS}
    code |= {path.name for path in CHECKOUT.glob("*.py")} | {"invoke"}
    assert sorted(code - set(owned)) == []
