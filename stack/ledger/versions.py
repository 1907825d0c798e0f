"""Which version of this tool may work on a stack. The ledger names the least one; an older checkout changes nothing.

A run notes LEAST_VERSION before it changes anything. It is noted as a proof, because version 0.1.0 refuses proofs of a
kind that it does not know: so that version, which cannot read this one, is refused as well.
"""

from __future__ import annotations

import re

from schema.errors import Refused

VERSION = "0.2.0"
"""The version of this checkout, as in pyproject.toml."""
LEAST_VERSION = "0.2.0"
"""The least version that may go on with a stack which this one has changed. To be raised to VERSION by whoever writes a
record that an older version would misread, or changes a stack in a way that an older version would undo."""
_FORM = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def is_too_old(least: str | None) -> bool:
    """Whether this version is older than the ledger's least one. One that cannot be read is newer than any."""
    return least is not None and _numbers(least) > _numbers(VERSION)


def greatest(least: str | None) -> str:
    """What the ledger has to name once this version has changed something."""
    if least is None or _numbers(least) < _numbers(LEAST_VERSION):
        return LEAST_VERSION
    return least


def too_old(stack: str, least: str) -> Refused:
    """What is told to an older checkout."""
    return Refused(
        f"Stack {stack} needs version {least} of keyshift or a newer one. This checkout is {VERSION}.",
        "A newer version has changed the stack, and this one could misread what it has proven. Nothing was changed.",
        f"Check out version {least} or newer, then repeat. The code of each run: ./invoke history --stack {stack}",
    )


def _numbers(version: str) -> tuple[float, ...]:
    found = _FORM.fullmatch(version)
    return tuple(map(float, found.groups())) if found else (float("inf"),)
