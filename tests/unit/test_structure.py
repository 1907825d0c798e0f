"""The structure that CONTRIBUTING.md describes, held against the code's own imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sitelogix.tables import SITELOGIX

CHECKOUT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "schema": set[str](),
    "stack": {"schema"},
    "components": {"schema", "stack"},
    "backfills": {"schema", "stack"},
    "migration": {"schema", "stack", "backfills"},
    "local": {"schema", "stack"},
    "terminal": {"schema", "stack", "components", "backfills", "migration", "local", "benchmarks"},
    "benchmarks": {"schema", "stack", "backfills", "local"},
}
LONGEST_FILE = 330


def imports(path: Path) -> set[str]:
    """The project's packages that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found & set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    for path in (CHECKOUT / package).rglob("*.py"):
        assert imports(path) - {package} <= MAY_IMPORT[package], path


def test_only_the_engine_imports_the_automation_api() -> None:
    importers = {
        path.relative_to(CHECKOUT).as_posix()
        for package in MAY_IMPORT
        for path in (CHECKOUT / package).rglob("*.py")
        if re.search(r"^(from|import) pulumi(\.| import )automation", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert importers == {"migration/session/engine.py"}


def test_nothing_uses_a_target() -> None:
    engine = (CHECKOUT / "migration" / "session" / "engine.py").read_text(encoding="utf-8")
    assert "target" not in engine, "docs/pulumi.md says what a target can lose"


def test_nothing_but_data_and_rules_knows_a_sitelogix_table() -> None:
    names = [table.name for table in SITELOGIX if table.name != "reports"] + ["project_id", "dateLastSeen"]
    general = [
        path
        for package in ("stack", "components", "migration", "terminal")
        for path in (CHECKOUT / package).rglob("*.py")
    ]
    rules = {"__init__", "last_seen", *(table.name for table in SITELOGIX)}
    general += [path for path in (CHECKOUT / "backfills").glob("*.py") if path.stem not in rules]
    general += [CHECKOUT / "schema" / "model.py", CHECKOUT / "tasks.py"]
    for path in general:
        text = path.read_text(encoding="utf-8")
        assert [name for name in names if f'"{name}"' in text] == [], path


def test_no_file_has_outgrown_one_subject() -> None:
    long = {
        path.relative_to(CHECKOUT).as_posix(): count
        for package in MAY_IMPORT
        for path in (CHECKOUT / package).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert long == {}
