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
GENERAL = {"status", "timestamp", "createdAt"}
"""Attributes of SiteLogix whose names are words that code may use for something else."""


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


def project_words() -> set[str]:
    """The names of the SiteLogix tables, and of the attributes that their indexes and backfills use."""
    words = {table.name for table in SITELOGIX} | {name for table in SITELOGIX for name in table.backfilled}
    words |= {key.name for table in SITELOGIX for index in table.every_index for key in index.keys}
    words |= {name for table in SITELOGIX if table.backfill for name in table.backfill.reads}
    return words - GENERAL


def general_files() -> list[Path]:
    """The code of the tool itself, which serves any project."""
    return [
        path
        for path in CHECKOUT.rglob("*.py")
        if path.relative_to(CHECKOUT).parts[0] not in {"sitelogix", "examples", "tests", ".venv", ".local"}
    ]


def test_only_a_project_s_own_folder_knows_its_tables_and_attributes() -> None:
    words = project_words()
    assert {"reports", "work-logs", "vendor_type", "dateLastSeen", "projectId", "full_name"} <= words
    for path in general_files():
        texts = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert words & texts == set(), path


def test_the_tool_s_own_code_says_sitelogix_only_in_former_type_tokens() -> None:
    said = {
        (path.relative_to(CHECKOUT).as_posix(), line)
        for path in [*general_files(), CHECKOUT / "invoke"]
        for line in path.read_text(encoding="utf-8").splitlines()
        if "sitelogix" in line.lower() and "import PROJECT" not in line
    }
    assert said == {
        ("components/indexed_table.py", 'FORMER_TYPE = "sitelogix:dynamodb:IndexedTable"'),
        ("components/monitoring.py", 'FORMER_TYPE = "sitelogix:cloudwatch:Monitoring"'),
    }


def test_only_the_root_s_two_entry_points_import_a_project() -> None:
    importing = {
        path.relative_to(CHECKOUT).as_posix(): line
        for path in [*general_files(), *(CHECKOUT / "examples").rglob("*.py")]
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(from|import) sitelogix", line)
    }
    assert importing == dict.fromkeys(("tasks.py", "__main__.py"), "from sitelogix.project import PROJECT")


def test_no_file_has_outgrown_one_subject() -> None:
    long = {
        path.relative_to(CHECKOUT).as_posix(): count
        for package in MAY_IMPORT
        for path in (CHECKOUT / package).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert long == {}
