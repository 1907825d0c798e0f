"""What the lint finds of the stack, as the change document shows it."""

from __future__ import annotations

from migration.change.document import LintFinding, Severity
from schema.project import Project
from stack.file.config import StackConfig
from stack.lint.finding import Severity as Found
from stack.lint.linting import findings

_SEVERITIES: dict[Found, Severity] = {Found.ERROR: "error", Found.WARNING: "warning", Found.NOTE: "note"}
"""The worst first."""


def lint_of(project: Project, config: StackConfig) -> tuple[LintFinding, ...]:
    """What is found, also what the stack accepts: that comes last, the worst of the rest first. It asks neither AWS nor
    Pulumi. Raises UsageError for a stack file that cannot be read."""
    order = list(_SEVERITIES)
    found = sorted(
        findings(project, config),
        key=lambda one: (
            one.accepted is not None,
            order.index(one.severity),
            one.code,
            one.file,
            one.line,
            one.subject,
        ),
    )
    return tuple(
        LintFinding(
            code=one.code,
            severity=_SEVERITIES[one.severity],
            title=one.title,
            subject=one.subject,
            what=one.what,
            why=one.why,
            next=one.next,
            file=one.file,
            line=one.line,
            accepted=one.accepted,
        )
        for one in found
    )
