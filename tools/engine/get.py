"""Gets the Pulumi engine: from PATH, a per-user cache, the official download, or built from Go modules.

Run by ./invoke as `get.py VERSION FILE`; writes the engine's directory into FILE. Exit code 2 when there is no way.
VERSION is the one that is tested. What is on PATH may be another one that Pulumi.yaml takes: the team uses it too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT_FILE = HERE.parents[1] / "Pulumi.yaml"
DOWNLOAD = "https://get.pulumi.com"
REACH_SECONDS = 4
"""How long the download site may take to answer before we build instead."""
ABANDONED_SECONDS = 3600
"""Age after which the leavings of an interrupted try are removed; a younger one may be at work."""
MINIMUM_GO = (1, 25)
PROGRAMS = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec")
SDK = "github.com/pulumi/pulumi/sdk/v3"


class NoEngine(Exception):
    """One way to get the engine failed; the message says why."""


def main(version: str, answer: Path) -> int:
    """Tries each way in turn and writes the directory of the first that works."""
    failures: list[str] = []
    for way in (on_path, cached, downloaded, built):
        try:
            directory = way(version)
        except NoEngine as failure:
            failures.append(str(failure))
            continue
        answer.write_text(f"{directory}\n", encoding="utf-8")
        return 0
    say(f"The Pulumi engine {version} cannot be had: {'; '.join(failures)}.")
    say(
        f"There are three ways: put pulumi {version} on PATH; let this machine reach {DOWNLOAD}; "
        f"or install Go {MINIMUM_GO[0]}.{MINIMUM_GO[1]} or newer."
    )
    say("Then run ./invoke again.")
    return 2


def on_path(version: str) -> Path:
    """The directory of the `pulumi` on PATH, if its version is taken and its Python host is beside it."""
    program = shutil.which("pulumi")
    if program is None:
        raise NoEngine("there is no pulumi on PATH")
    directory = Path(program).resolve().parent
    found = version_of(directory)
    if found is None or not is_taken(found, version):
        what = "does not run or lacks its Python language host" if found is None else f"is version {found}"
        raise NoEngine(f"the pulumi on PATH {what}; {oldest()} and newer ones are taken")
    if found != version:
        say(f"Using Pulumi {found} from PATH. The project is tested with {version}.")
    return directory


def is_taken(found: str, tested: str) -> bool:
    """Whether a version is not older than the oldest that Pulumi.yaml takes, nor of another major version."""
    return numbers(oldest()) <= numbers(found) and numbers(found)[0] == numbers(tested)[0]


def oldest() -> str:
    """The oldest version that Pulumi.yaml takes."""
    found = re.search(
        r"^requiredPulumiVersion:.*>=\s*([0-9.]+)", PROJECT_FILE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found is not None, "Pulumi.yaml says no requiredPulumiVersion"
    return found[1]


def numbers(version: str) -> tuple[int, ...]:
    """A version's numbers; what follows them, such as `-beta.1`, does not count."""
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("-")[0]))


def cached(version: str) -> Path:
    """The directory that an earlier download or build left, shared by all checkouts of this user."""
    directory = cache() / f"pulumi-{version}"
    if not runs(directory, version):
        raise NoEngine(f"{directory} has none")
    return directory


def downloaded(version: str) -> Path:
    """Pulumi's own release, installed by Pulumi's own installer."""
    try:
        with urllib.request.urlopen(f"{DOWNLOAD}/install.sh", timeout=REACH_SECONDS):
            pass
    except OSError as error:
        raise NoEngine(f"{DOWNLOAD} cannot be reached ({error})") from None
    # Imported here: it takes half a second, and the other ways do not need it.
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    say(f"Downloading the Pulumi engine {version}: about a minute, once per user …")

    def install(directory: Path) -> None:
        try:
            PulumiCommand.install(root=str(directory / "installed"), version=VersionInfo.parse(version))
        except Exception as error:  # noqa: BLE001  # whatever went wrong, there are other ways
            raise NoEngine(f"the download failed ({error})") from None
        for program in PROGRAMS:
            shutil.move(directory / "installed" / "bin" / program, directory / program)
        shutil.rmtree(directory / "installed")

    return into_cache(version, install)


def built(version: str) -> Path:
    """The engine built from Go modules, their checksums pinned in go.sum beside this file."""
    go = shutil.which("go")
    if go is None:
        raise NoEngine("there is no go on PATH to build it with")
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"go(\d+)\.(\d+)", said)
    if number is None or (int(number[1]), int(number[2])) < MINIMUM_GO:
        raise NoEngine(f"go is too old to build it ({said.strip()})")
    say(f"Building the Pulumi engine {version} from Go modules: about 4 minutes on 2 cores, once per user …")

    def build(directory: Path) -> None:
        sources = directory / "sources"
        for part in ("cli", "language"):
            shutil.copytree(HERE / part, sources / part)
        linked = f"-s -w -X {SDK}/go/common/version.Version=v{version}"
        cli = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
        host = f"{SDK}/python/cmd/pulumi-language-python"
        compile_go(go, sources / "cli", cli, directory / "pulumi", linked)
        compile_go(go, sources / "language", host, directory / "pulumi-language-python", "-s -w")
        # The host's script has to be of the engine's own version; the module cache holds it read-only.
        listing = [go, "list", "-mod=mod", "-m", "-f", "{{.Dir}}", SDK]
        listed = subprocess.run(listing, cwd=sources / "cli", capture_output=True, text=True, check=False)
        sdk = listed.stdout.strip()
        if not sdk:
            raise NoEngine(f"go does not find its module ({listed.stderr.strip()})")
        script = directory / "pulumi-language-python-exec"
        shutil.copyfile(Path(sdk, "python", "cmd", script.name), script)
        script.chmod(0o755)
        shutil.rmtree(sources)

    return into_cache(version, build)


def compile_go(go: str, module: Path, package: str, out: Path, linked: str) -> None:
    """Builds one program, saying now and then that it goes on. Raises NoEngine with Go's last words."""
    command = [go, "build", "-mod=mod", "-ldflags", linked, "-o", str(out), package]
    began = spoke = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, cwd=module, stdout=log, stderr=log) as process:
            while process.poll() is None:
                time.sleep(0.2)
                if time.monotonic() - spoke > 30:
                    spoke = time.monotonic()
                    say(f"  … {out.name}: {spoke - began:.0f} s")
        if process.returncode:
            log.seek(0)
            last = log.read().strip().splitlines()[-1:] or ["no message"]
            raise NoEngine(f"go build failed ({last[0]})")


def into_cache(version: str, make: Callable[[Path], None]) -> Path:
    """Lets `make` fill a directory of its own and moves that into place whole: half an engine is never found."""
    directory = cache() / f"pulumi-{version}"
    try:
        cache().mkdir(parents=True, exist_ok=True)
        for left_over in cache().glob(f"pulumi-{version}.partial-*"):
            if time.time() - left_over.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(left_over, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache(), prefix=f"pulumi-{version}.partial-") as partial:
            whole = Path(partial, "whole")
            whole.mkdir()
            make(whole)
            if not runs(whole, version):
                raise NoEngine("what was made does not run")
            shutil.rmtree(directory, ignore_errors=True)
            whole.rename(directory)
    except OSError as error:
        raise NoEngine(f"{directory} cannot be written ({error})") from None
    return directory


def runs(directory: Path, version: str) -> bool:
    """Whether the directory has every program of the engine, at that version."""
    return version_of(directory) == version


def version_of(directory: Path) -> str | None:
    """The version of the engine in a directory; None if it lacks a program, or does not run."""
    if not all(os.access(directory / program, os.X_OK) for program in PROGRAMS):
        return None
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    command = [str(directory / "pulumi"), "version"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    except OSError:
        return None
    said = result.stdout.strip()
    return said.removeprefix("v") if re.fullmatch(r"v\d+\.\d+\.\d+\S*", said) else None


def cache() -> Path:
    """The per-user cache, outside any checkout."""
    root = os.environ.get("XDG_CACHE_HOME")
    return Path(root) / "keyshift" if root else Path.home() / ".cache" / "keyshift"


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], Path(sys.argv[2])))
    except KeyboardInterrupt:
        say("Interrupted. Run ./invoke again: it goes on with what is downloaded or compiled already.")
        sys.exit(130)
