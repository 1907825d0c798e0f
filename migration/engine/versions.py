"""Which versions of the Pulumi engine are taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from semver import VersionInfo

from schema.errors import UsageError

TOOL = Path(__file__).resolve().parents[2]
VERSION_FILE = ".pulumi.version"
"""In the tool's own folder: the version of the engine that all tests run on."""
PROJECT_FILE = "Pulumi.yaml"
"""In the tool's own folder too. Its `requiredPulumiVersion` says the oldest version that is taken; Pulumi refuses older
ones itself in each preview and `up`."""


@dataclass(frozen=True)
class Versions:
    """The oldest version that is taken, and the one that is tested. What is newer is taken with a warning."""

    oldest: VersionInfo
    tested: VersionInfo

    @staticmethod
    def of(tool: Path = TOOL) -> Versions:
        """Reads both from the tool's files."""
        project = (tool / PROJECT_FILE).read_text(encoding="utf-8")
        oldest = re.search(r"^requiredPulumiVersion:.*>=\s*([0-9.]+)", project, re.MULTILINE)
        assert oldest is not None, f"{PROJECT_FILE} says no requiredPulumiVersion"
        tested = (tool / VERSION_FILE).read_text(encoding="utf-8").strip()
        return Versions(VersionInfo.parse(oldest[1]), VersionInfo.parse(tested))

    def warning(self, version: VersionInfo | None) -> str:
        """What to know of a version (None: the engine does not say one); empty if nothing is. Raises UsageError for
        one that is not taken."""
        if version is None or version < self.oldest or version.major != self.tested.major:
            raise UsageError(
                f"The Pulumi engine on PATH is version {version or 'unknown'}.",
                f"The project takes {self.oldest} and newer ones of version {self.tested.major}; "
                f"it is tested with {self.tested}.",
                "Run ./invoke again: it gets that version.",
            )
        if version > self.tested:
            return f"The Pulumi engine is version {version}, newer than {self.tested}, which this tool is tested with."
        return ""
