"""What a stack is called: `staging`, or with its organization and project, as Pulumi writes it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from schema.errors import UsageError

_STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
LOCAL = "local"
"""The stack of this machine; `local-…` are others that stand for what is elsewhere, such as staging and prod."""
OWN_ORGANIZATION = "organization"
"""The one organization that a backend of one's own (a folder, a bucket) knows (pulumi: backend/diy/store.go)."""


@dataclass(frozen=True)
class StackReference:
    """A stack as `--stack` names it: `stack`, `organization/stack` or `organization/project/stack`. What it leaves out
    is None; Pulumi then takes the user's own organization, and the project of Pulumi.yaml."""

    name: str
    organization: str | None = None
    project: str | None = None

    @staticmethod
    def parse(text: str) -> StackReference | None:
        """The reference that the text is; None for what is none."""
        *before, name = text.split("/")
        if len(before) > 2 or not all(map(_STACK_NAME.fullmatch, (*before, name))):
            return None
        organization, project = (*before, None, None)[:2]
        return StackReference(name, organization, project)

    def within(self, project: str, backend: str) -> str:
        """What Pulumi calls the stack in that backend (a URL): only on Pulumi's service does an organization make a
        difference. Raises UsageError for another project's stack, and for an organization that the backend cannot have.
        """
        if self.project not in {None, project}:
            raise UsageError(
                f"Stack {self.name} is asked for in project {self.project}, and this is project {project}.",
                "A stack belongs to the project whose Pulumi.yaml lies beside its file.",
                f"Name it {self.organization}/{project}/{self.name}, or just {self.name}.",
            )
        if is_service(backend):
            return "/".join(part for part in (self.organization, self.project, self.name) if part)
        if self.organization not in {None, OWN_ORGANIZATION}:
            raise UsageError(
                f"Stack {self.name} is asked for in organization {self.organization}.",
                f"Its state is kept in {backend}, where Pulumi knows only `{OWN_ORGANIZATION}`.",
                f"Name it {OWN_ORGANIZATION}/{project}/{self.name}, or just {self.name}.",
            )
        return self.name


def is_service(backend: str) -> bool:
    """Whether the backend is Pulumi's service, or one that speaks like it; otherwise it is a folder or a bucket."""
    return backend.startswith(("https://", "http://"))


def backend_url(backend: str, checkout: Path) -> str:
    """Where Pulumi keeps the state: a relative `file://` path starts at the checkout."""
    scheme, separator, path = backend.partition("://")
    if scheme == "file" and separator and not path.startswith(("/", "~")):
        return f"file://{checkout / path}"
    return backend


def find_stack_file(stack: str, checkout: Path) -> Path:
    """The file of the stack that `stack` refers to. Raises UsageError for a name that no file of the checkout has."""
    reference = StackReference.parse(stack)
    present = sorted(path.name[len("Pulumi.") : -len(".yaml")] for path in checkout.glob("Pulumi.*.yaml"))
    if reference is None or reference.name not in present:
        raise UsageError(
            f"There is no stack {stack!r}.",
            f"A stack is a file Pulumi.<stack>.yaml in {checkout}; there are: {', '.join(present) or 'none'}.",
            guess(stack.rpartition("/")[2], present) or "Run: ./invoke --help plan",
        )
    return checkout / f"Pulumi.{reference.name}.yaml"


def stack_name(stack: str) -> str:
    """The last part of a reference, after which the stack's file is named."""
    return stack.rpartition("/")[2]


def is_local(stack: str) -> bool:
    """Whether a stack of that name (or reference) is embedded: on this machine, on the local server."""
    name = stack_name(stack)
    return name == LOCAL or name.startswith(f"{LOCAL}-")


def guess(word: str, known: list[str]) -> str:
    """A question about what was meant by a mistyped word, or nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]}?" if close else ""
