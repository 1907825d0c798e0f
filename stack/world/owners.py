"""Which other tool says, by a table's tags, that the table is its own."""

from __future__ import annotations

from collections.abc import Mapping

PULUMI = "Pulumi"
# CloudFormation tags what it makes; the others are tagged by convention, as ManagedBy, managed-by or managed_by.
_TOOLS = {"cdk", "cloudformation", "opentofu", "pulumi", "sam", "serverless", "sst", "terraform"}
# Pulumi itself tags nothing. These are the tags of its own guide to tagging, and of programs that follow it.
_PROGRAM_TAGS = (("pulumi:project", "pulumi:stack"), ("user:project", "user:stack"))
_SST_TAGS = ("sst:app", "sst:stage")


def owner_of(tags: Mapping[str, str]) -> str | None:
    """The tool, with the stack or program that it names, or None. A Pulumi program's begins with PULUMI."""
    stack = tags.get("aws:cloudformation:stack-name")
    if stack:
        return f"CloudFormation stack {stack}"
    lower = {name.lower(): value for name, value in tags.items()}
    for project, stack_tag in _PROGRAM_TAGS:
        if lower.get(project):
            named = f"{PULUMI} project {lower[project]}"
            return f"{named}, stack {lower[stack_tag]}" if lower.get(stack_tag) else named
    app, stage = (lower.get(name) for name in _SST_TAGS)
    if app:
        return f"{PULUMI} program of SST app {app}" + (f", stage {stage}" if stage else "")
    for name, value in lower.items():
        if name.replace("-", "").replace("_", "") == "managedby" and value.lower() in _TOOLS:
            return PULUMI if value.lower() == "pulumi" else value
    return None
