"""The structure that CONTRIBUTING.md describes, held against the code's own imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from sitelogix.tables import SITELOGIX

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "schema",
    "dynamo",
    "stack",
    "components",
    "backfills",
    "hosting",
    "loadtest",
    "migration",
    "terminal",
    "local",
    "benchmarks",
    "sitelogix",
)
ROOMS = sorted(
    path.parent.relative_to(CHECKOUT).as_posix().replace("/", ".")
    for package in PACKAGES
    for path in (CHECKOUT / package).rglob("__init__.py")
)
MOST_FILES = 13
"""Files of one folder, its `__init__.py` among them."""
LONGEST_FILE = 330
GENERAL = {"status", "timestamp", "createdAt"}
"""Attributes of SiteLogix whose names are words that code may use for something else."""


def imports(path: Path) -> set[str]:
    """The project's modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.partition(".")[0] in PACKAGES}


def folder(room: str) -> Path:
    return CHECKOUT / room.replace(".", "/")


def may_import(room: str) -> list[str]:
    """What the docstring of a room says that it may import."""
    said = re.search(r"^May import: (.*)\.$", (folder(room) / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert said is not None, f"{room} does not say what it may import"
    return [] if said[1] == "nothing of the project" else said[1].split(", ")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_says(room: str) -> None:
    allowed = (room, *may_import(room))
    assert {name for name in allowed if name not in ROOMS} == set()
    for path in folder(room).glob("*.py"):
        # A collection of tasks puts together what the rooms below it hold.
        assembling = path.relative_to(CHECKOUT).as_posix() == "terminal/collection.py"
        for name in imports(path):
            known = any(name == each or name.startswith(f"{each}.") for each in allowed)
            assert known or (assembling and name.startswith("terminal.")), f"{path} imports {name}"


def test_no_room_imports_back_what_imports_it() -> None:
    above = {room: {each for each in may_import(room) if not room.startswith(f"{each}.")} for room in ROOMS}
    while free := {room for room, others in above.items() if not any(each in above for each in others)}:
        above = {room: others for room, others in above.items() if room not in free}
    assert above == {}


@pytest.mark.parametrize("room", ROOMS)
def test_no_folder_holds_more_than_a_dozen_files(room: str) -> None:
    assert len(list(folder(room).glob("*.py"))) <= MOST_FILES


def test_only_the_engine_imports_the_automation_api() -> None:
    importers = {
        path.relative_to(CHECKOUT).as_posix()
        for package in PACKAGES
        for path in (CHECKOUT / package).rglob("*.py")
        if re.search(r"^(from|import) pulumi(\.| import )automation", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert importers == {"migration/session/cli.py", "migration/session/engine.py"}


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
        if path.relative_to(CHECKOUT).parts[0] not in {"sitelogix", "examples", "tests", ".local"}
        and ".venv" not in path.parts
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


def test_the_tool_s_own_code_says_sitelogix_only_in_former_names() -> None:
    said = {
        (path.relative_to(CHECKOUT).as_posix(), line)
        for path in [*general_files(), CHECKOUT / "invoke"]
        for line in path.read_text(encoding="utf-8").splitlines()
        if "sitelogix" in line.lower() and "import PROJECT" not in line
    }
    assert said == {
        ("components/indexed_table.py", 'FORMER_TYPE = "sitelogix:dynamodb:IndexedTable"'),
        ("components/monitoring.py", 'FORMER_TYPE = "sitelogix:cloudwatch:Monitoring"'),
        ("stack/processes.py", 'FORMER_LAUNCHER = "SITELOGIX_LAUNCHER"'),
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
        for package in PACKAGES
        for path in (CHECKOUT / package).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert long == {}
