"""How ./invoke gets the Pulumi engine: from PATH, the cache, a download, a build, or an error that names the ways."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
VERSION = "9.8.7"


@pytest.fixture
def get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tools/engine/get.py with a cache of its own, an empty PATH, and no download site."""
    spec = importlib.util.spec_from_file_location("get", CHECKOUT / "tools" / "engine" / "get.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(module, "DOWNLOAD", "http://127.0.0.1:9")
    return module


def engine(directory: Path, version: str = VERSION) -> Path:
    """Puts an engine of that version into the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
        program = directory / name
        program.write_text(f"#!/bin/sh\necho v{version}\n", encoding="utf-8")
        program.chmod(0o755)
    return directory


def test_the_engine_on_path_is_used_when_it_is_the_pinned_version(get: ModuleType, tmp_path: Path) -> None:
    engine(tmp_path / "bin")
    assert get.main(VERSION, tmp_path / "answer") == 0
    assert (tmp_path / "answer").read_text(encoding="utf-8") == f"{tmp_path / 'bin'}\n"


def test_another_version_on_path_is_passed_over_for_the_cache(get: ModuleType, tmp_path: Path) -> None:
    engine(tmp_path / "bin", "9.8.6")
    cached = engine(tmp_path / "cache" / "keyshift" / f"pulumi-{VERSION}")
    assert get.main(VERSION, tmp_path / "answer") == 0
    assert (tmp_path / "answer").read_text(encoding="utf-8") == f"{cached}\n"


def test_an_engine_without_its_python_host_is_no_engine(get: ModuleType, tmp_path: Path) -> None:
    (engine(tmp_path / "bin") / "pulumi-language-python").unlink()
    assert get.main(VERSION, tmp_path / "answer") == 2
    assert not (tmp_path / "answer").exists()


def test_without_any_way_one_error_names_the_three(
    get: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert get.main(VERSION, tmp_path / "answer") == 2
    said = capsys.readouterr().err
    assert f"The Pulumi engine {VERSION} cannot be had" in said
    assert f"put pulumi {VERSION} on PATH" in said
    assert "let this machine reach" in said
    assert "install Go 1.25 or newer" in said
    assert said.endswith("Then run ./invoke again.\n")


def test_an_old_go_is_said_to_be_too_old(get: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bin").mkdir()
    go = tmp_path / "bin" / "go"
    go.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n", encoding="utf-8")
    go.chmod(0o755)
    assert get.main(VERSION, tmp_path / "answer") == 2
    assert "go is too old to build it (go version go1.19.8 linux/amd64)" in capsys.readouterr().err


def test_an_engine_made_half_way_is_never_found(get: ModuleType, tmp_path: Path) -> None:
    def interrupted(directory: Path) -> None:
        (engine(directory) / "pulumi").unlink()

    with pytest.raises(get.NoEngine):
        get.into_cache(VERSION, interrupted)
    assert list((tmp_path / "cache" / "keyshift").iterdir()) == []


def test_leavings_of_an_interrupted_try_are_removed_by_the_next(get: ModuleType, tmp_path: Path) -> None:
    left_over = tmp_path / "cache" / "keyshift" / f"pulumi-{VERSION}.partial-old"
    left_over.mkdir(parents=True)
    os.utime(left_over, (0, 0))
    made = get.into_cache(VERSION, engine)
    assert list((tmp_path / "cache" / "keyshift").iterdir()) == [made]
    assert get.cached(VERSION) == made


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.strip().split("."))


def test_the_cli_is_built_in_the_pinned_version() -> None:
    pinned = (CHECKOUT / ".pulumi.version").read_text(encoding="utf-8").strip()
    module = (CHECKOUT / "tools" / "engine" / "cli" / "go.mod").read_text(encoding="utf-8")
    assert re.findall(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", module) == [pinned]


def test_the_sdk_is_of_the_engine_s_major_version_and_not_older() -> None:
    engine_version = numbers((CHECKOUT / ".pulumi.version").read_text(encoding="utf-8"))
    (sdk,) = re.findall(
        r"^pulumi==(\S+)", (CHECKOUT / "requirements.lock").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"pulumi=={sdk}" in project["dependencies"]
    assert numbers(sdk)[0] == engine_version[0]
    assert numbers(sdk) >= engine_version


def test_without_the_engine_a_task_says_to_use_the_bootstrap() -> None:
    bare = {**os.environ, "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "terminal", "plan"]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, env=bare)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "The Pulumi engine is missing.",
        "There is no `pulumi` on PATH.",
        "Run the tasks through ./invoke.",
    ]
