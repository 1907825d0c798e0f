"""No condition, permission or concurrency key of the workflows can be dropped or changed without breaking a promise.

The changes are made of the files as they are, so that whatever is added to them is changed as well.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.workflow_claims import CLAIMS
from tests.workflows import FOLDER, Workflows, jobs, workflows

REAL = workflows()
PERMISSIONS = ("contents", "id-token", "checks", "issues", "pull-requests", "actions", "packages")
GUARDING = frozenset(
    [
        "if",
        "permissions",
        "concurrency",
        "environment",
        "needs",
        "timeout-minutes",
        "continue-on-error",
        "on",
        "outputs",
        "env",
        "ref",
        "fetch-depth",
        "persist-credentials",
        "role-to-assume",
        "run",
    ]
)
Place = tuple[str | int, ...]
Mutation = tuple[str, Callable[[Workflows], None]]


def places(node: Any, path: Place = ()) -> Iterator[Place]:
    """The path of each value below a guarding key, of the key itself too."""
    entries: list[tuple[str | int, Any]] = []
    if isinstance(node, dict):
        entries = list(node.items())
    elif isinstance(node, list):
        entries = list(enumerate(node))
    for key, value in entries:
        here = (*path, key)
        if any(part in GUARDING for part in here):
            yield here
        yield from places(value, here)


def changed(value: Any) -> Iterator[Any]:
    """Other values that could stand there."""
    match value:
        case bool():
            yield not value
        case int():
            yield value + 360
        case "read" | "write" | "none":
            yield from {"read", "write", "none"} - {value}
        case str() if "exec " in value:
            yield value.replace("exec ", "")
        case str():
            yield f"{value}x"
    if isinstance(value, str) and re.search(r"[=!(]", value):
        yield from weakened(value)


def weakened(condition: str) -> Iterator[str]:
    """The condition negated, with one operand less, with `and` and `or` exchanged, and without its demand on what came
    before."""
    text = condition.removeprefix("${{").removesuffix("}}").strip()
    yield f"!({text})"
    if not re.search(r"(always|cancelled)\(\)", text):
        yield f"always() && ({text})"
    for joint, other in (("&&", "||"), ("||", "&&")):
        parts = text.split(f" {joint} ")
        for number, part in enumerate(parts):
            if len(parts) > 1 and part.count("(") == part.count(")"):
                yield f" {joint} ".join(parts[:number] + parts[number + 1 :])
        if len(parts) > 1:
            yield text.replace(f" {joint} ", f" {other} ")
    for old, new in ((" == ", " != "), (" != ", " == "), ("'0'", "'3'")):
        if old in text:
            yield text.replace(old, new, 1)


def put(place: Place, found: Workflows, value: Any = None) -> None:
    """Puts the value there; without one, drops what is there."""
    parent: Any = found
    for key in place[:-1]:
        parent = parent[key]
    if value is None:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value


def mutations() -> Iterator[Mutation]:
    for place in places(REAL):
        name = "/".join(map(str, place))

        value: Any = REAL
        for key in place:
            value = value[key]
        yield f"{name} dropped", partial(put, place)
        for other in changed(value):
            yield f"{name}: {other}", partial(put, place, value=other)
    for workflow, job, body in jobs(REAL):
        for permission in PERMISSIONS:
            if body["permissions"].get(permission) != "write":
                place = (workflow, "jobs", job, "permissions", permission)
                yield f"{workflow}/{job} may write {permission}", partial(put, place, value="write")


def broken(found: Workflows) -> list[str]:
    """The claims that do not hold, or cannot be looked at any more."""
    names = []
    for claim in CLAIMS:
        try:
            claim(found)
        except (AssertionError, KeyError, IndexError, AttributeError, TypeError, ValueError):
            names.append(claim.__name__)
    return names


def test_every_change_of_a_condition_permission_or_concurrency_key_breaks_a_promise() -> None:
    assert broken(REAL) == []
    unseen, count = [], 0
    for name, mutate in mutations():
        mutant = copy.deepcopy(REAL)
        mutate(mutant)
        count += 1
        if not broken(mutant):
            unseen.append(name)
    assert unseen == []
    assert count > 300


def test_every_job_and_step_that_has_a_condition_is_mutated() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yml"))
    named = [name for name, _ in mutations()]
    assert len([name for name in named if name.endswith("/if dropped")]) == len(
        re.findall(r"^ +if:", text, re.MULTILINE)
    )
