"""What a step of Pulumi changes, property by property, out of the engine's events. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeGuard

from pydantic import JsonValue

from stack.allowed_changes import CREATE, DELETE, ValueChange
from stack.world.managed import INDEX_TYPE, TABLE_TYPE

SECRET, UNKNOWN = "[secret]", "[unknown]"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks a secret among properties (pulumi 3.259: sdk/go/common/resource/sig/sig.go)."""
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_NOT_KNOWN_YET = frozenset(
    {
        _UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
    }
)
"""What a preview holds in place of a value that is not known yet: a text, boolean, number, list, or asset (pulumi
3.259: sdk/go/common/resource/plugin/rpc.go)."""
LONGEST = 500
"""Characters of a text that is kept; of a longer one the beginning. A dashboard's body has tens of thousands."""
_DATA = frozenset({TABLE_TYPE, INDEX_TYPE})
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\.?([^.\[\]]+)')
"""One step of a property path, as Pulumi writes it: `a`, `.a`, `["a.b"]`, `[0]`."""

Masked = Callable[[str], str]


class State(Protocol):
    """What an event tells of a resource before or after the step."""

    inputs: Mapping[str, Any] | None
    outputs: Mapping[str, Any] | None


class PathDifference(Protocol):
    """How one property path differs: `input_diff` says that old and new inputs were compared."""

    input_diff: bool


class Event(Protocol):
    """What is read of a step's event, as the Automation API types it."""

    type: str
    diffs: list[str] | None

    @property
    def old(self) -> State | None: ...
    @property
    def new(self) -> State | None: ...
    @property
    def detailed_diff(self) -> Mapping[str, PathDifference] | None: ...


def differences(operation: str, metadata: Event, masked: Masked) -> tuple[ValueChange, ...]:
    """The properties that differ, with their values before and after; of a table or an index that is created or
    deleted, all of them. Secrets are replaced by SECRET, and texts are `masked`."""
    old, new = metadata.old, metadata.new
    before, after = _inputs(old), _inputs(new)
    if operation in {CREATE, DELETE}:
        if metadata.type not in _DATA:
            return ()
        names: list[str] = sorted(name for name in {*before, *after} if not name.startswith("__"))
    else:
        names = sorted(metadata.detailed_diff or metadata.diffs or ())
    outputs = _outputs(old)

    def before_of(name: str) -> object:
        diff = (metadata.detailed_diff or {}).get(name)
        found = None if diff is not None and diff.input_diff else at(outputs, name)
        return at(before, name) if found is None else found

    def after_of(name: str) -> object:
        found = at(after, name)
        # What the program sets neither before nor after, AWS computes.
        computed = found is None and at(before, name) is None and at(outputs, name) is not None
        return _UNKNOWN if computed and operation != DELETE else found

    found = (ValueChange(name, _shown(before_of(name), masked), _shown(after_of(name), masked)) for name in names)
    return tuple(one for one in found if one.old != one.new)


def _inputs(state: State | None) -> Mapping[str, object]:
    return (state.inputs if state is not None else None) or {}


def _outputs(state: State | None) -> Mapping[str, object]:
    return (state.outputs if state is not None else None) or {}


def at(properties: Mapping[str, object], path: str) -> object:
    """The value at a property path; None where there is none."""
    found: object = properties
    for quoted, number, name in _STEP.findall(path):
        if number and isinstance(found, list):
            found = found[int(number)] if int(number) < len(found) else None
        elif _is_map(found):
            found = found.get(name or quoted.replace('\\"', '"') or number)
        else:
            return None
    return found


def _shown(value: object, masked: Masked) -> JsonValue:
    if _is_map(value):
        if _SIGNATURE in value:
            return SECRET
        return {masked(str(name)): _shown(each, masked) for name, each in sorted(_own(value))}
    if isinstance(value, list):
        return [_shown(each, masked) for each in value]
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = masked(value if isinstance(value, str) else json.dumps(value, default=str))
    if text in _NOT_KNOWN_YET:
        return UNKNOWN
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def _own(value: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Without what the bridge notes for itself, such as `__defaults`."""
    return ((name, each) for name, each in value.items() if not name.startswith("__"))


def _is_map(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)
