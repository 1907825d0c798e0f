"""The least version of the aws plugin. Pulumi uses the plugin of the same version as the installed SDK."""

from __future__ import annotations

from importlib.metadata import version

from semver import VersionInfo

from schema.errors import UsageError

LEAST = VersionInfo(7, 37, 0)
"""It ships terraform-provider-aws 6.54. Before 6.44 an index as a resource of its own was an experiment there, refused
unless the environment said TF_AWS_EXPERIMENT_dynamodb_global_secondary_index (provider pull request 47747)."""


def refuse_old_plugin(installed: str | None = None) -> None:
    """Refuses an installed pulumi-aws that is too old. Raises UsageError."""
    found = installed or version("pulumi-aws")
    if VersionInfo.parse(found) < LEAST:
        raise UsageError(
            f"The aws plugin is version {found}.",
            f"An index can be a resource of its own from {LEAST} on; before, the plugin may refuse it or need a flag.",
            "Install requirements.txt, or at least that version of pulumi-aws.",
        )
