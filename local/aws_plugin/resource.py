"""What a resource type of the plugin has to do, and the small things that all of them need."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

Properties = dict[str, Any]
"""Inputs or state of a resource as Pulumi sends them: camelCase names, plain values."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine sends in a preview for a value that is not known yet (pulumi/sdk: plugin.UnknownStringValue)."""

POLL_SECONDS = 0.05
"""How often a change is looked at until AWS says it is done: moto is instant."""

Client = TypeVar("Client")


class PluginError(Exception):
    """Fails one operation; the engine shows the message as the resource's error."""


def keeping(inputs: Properties, state: Properties, ignored: set[str]) -> Properties:
    """The inputs, with ignored properties as the state has them. Tags stay as they are only where `tagsAll` is ignored
    too: with `tags` alone the real plugin still takes away what the program does not declare."""
    kept = ignored if "tagsAll" in ignored else ignored - {"tags"}
    return {**inputs, **{name: state[name] for name in kept if name in state}}


def with_every_tag(inputs: Properties) -> Properties:
    """The inputs with all tags that the resource gets: its own, and the provider's default tags."""
    return {**inputs, "tags": inputs["tagsAll"]} if "tagsAll" in inputs else inputs


def said(error: ClientError, service: str = "DynamoDB") -> str:
    """An AWS error in the words of the Go SDK, which the real plugin shows."""
    details = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    return (
        f"operation error {service}: {error.operation_name}, https response error StatusCode: "
        f"{metadata.get('HTTPStatusCode')}, RequestID: {metadata.get('RequestId')}, "
        f"{details.get('Code')}: {details.get('Message')}"
    )


def one_error(message: str) -> str:
    """The frame that the real plugin puts around an error of a table."""
    return f"1 error occurred:\n\t* {message}\n\n"


@dataclass(frozen=True)
class Difference:
    """What differs between a resource's state and its new inputs, and which of these properties force a replacement."""

    changed: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()

    def without(self, ignored: set[str]) -> Difference:
        """The difference but for ignored properties."""
        return Difference(
            tuple(name for name in self.changed if name not in ignored),
            tuple(name for name in self.replacing if name not in ignored),
        )


def differing(
    state: Properties, inputs: Properties, replacing: tuple[str, ...], updating: tuple[str, ...] = ()
) -> Difference:
    """Which of these properties the inputs would change. A value that is not known yet may well be another one."""
    forced = tuple(name for name in replacing if state.get(name) != inputs.get(name))
    changed = tuple(name for name in updating if state.get(name) != inputs.get(name))
    # What AWS computes anew from a change is part of the real plugin's diff.
    computed = ("tagsAll",) if "tags" in changed else ()
    return Difference((*forced, *changed, *computed), forced)


def tags_of(listed: Iterable[Any]) -> dict[str, str]:
    """Tags by their key, out of AWS's list of them."""
    return {tag["Key"]: tag["Value"] for tag in listed}


def tag_list(tags: Mapping[str, str]) -> Any:
    """Tags as AWS's list of them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass(frozen=True)
class Found:
    """A resource as AWS has it: its id, the inputs that would make it so, and its state."""

    id: str
    inputs: Properties
    state: Properties


class Strict(BaseModel):
    """A set of properties in which an unknown name is an error: being ignored would look like having worked."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class ResourceType(ABC, Generic[Client]):
    """The operations of one resource type of an AWS service, whose client is made when it is first needed. INPUTS are
    the properties that the program may give."""

    INPUTS: ClassVar[type[Strict]]

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect

    @property
    def _client(self) -> Client:
        return self._connect()

    @property
    def tagged(self) -> bool:
        """Whether AWS keeps tags of it, so that the provider's default tags are added to its own."""
        return "tags" in self.INPUTS.model_fields

    @property
    def defaults(self) -> Properties:
        """What an input is when the program leaves it out."""
        return {}

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        """Faults of the inputs: property and reason."""
        return faults(self.INPUTS, inputs)

    @abstractmethod
    def diff(self, state: Properties, inputs: Properties) -> Difference:
        """What an update of `state` to `inputs` would change."""

    def planned(self, inputs: Properties) -> Properties:
        """The state as a preview of a creation knows it. Raises PluginError for what AWS is known to refuse."""
        return {**inputs, "arn": UNKNOWN}

    def recomputed(self, state: Properties, inputs: Properties) -> tuple[str, ...]:
        """What of the state a preview of an update does not know yet."""
        return ()

    def refuse(self, difference: Difference) -> None:
        """Raises PluginError for an update that the real plugin cannot make."""

    @abstractmethod
    def create(self, inputs: Properties, timeout: float) -> Found:
        """Makes the resource and waits until it can be used; at most `timeout` seconds."""

    @abstractmethod
    def read(self, id: str, state: Properties) -> Found | None:
        """The resource as it is, by import id or by its last state; None if AWS lacks it."""

    @abstractmethod
    def update(self, urn: str, id: str, state: Properties, inputs: Properties, timeout: float) -> Found:
        """Changes the resource in place and waits until that is done."""

    @abstractmethod
    def delete(self, state: Properties, timeout: float) -> None:
        """Removes the resource and waits until it is gone. Harmless when it is."""

    def _set_tags(self, state: Properties, inputs: Properties, **arn: str) -> None:
        """Makes the tags of the resource of that ARN those of the inputs."""
        client: Any = self._client
        wanted = inputs.get("tags") or {}
        gone = sorted(set(state.get("tags") or {}) - set(wanted))
        if gone:
            client.untag_resource(**arn, TagKeys=gone)
        if wanted:
            client.tag_resource(**arn, Tags=tag_list(wanted))

    def _made(self, doing: str, id: str, state: Properties) -> Found:
        """The resource after a change, which must have it. Raises PluginError, with what was being done."""
        found = self.read(id, state)
        if found is None:
            raise PluginError(f"{doing}: couldn't find resource")
        return found


def faults(model: type[Strict], inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the model refuses of the inputs: property and reason."""
    known = {name: value for name, value in inputs.items() if value != UNKNOWN and not name.startswith("__")}
    try:
        model.model_validate(known)
    except ValidationError as error:
        return [
            (".".join(str(part) for part in fault["loc"]), _reason(fault["type"], fault["msg"]))
            for fault in error.errors()
            if not (fault["type"] == "missing" and inputs.get(str(fault["loc"][0])) == UNKNOWN)
        ]
    return []


class Cancellation:
    """What an engine asks for when somebody interrupts it: that whatever it has begun ends. What is begun later does
    not: tests share one plugin."""

    def __init__(self) -> None:
        self._times = 0
        self._of = threading.local()

    def begin(self) -> None:
        """The operation of this thread begins."""
        self._of.times = self._times

    def cancel(self) -> None:
        """Ends what has begun."""
        self._times += 1

    @property
    def is_on(self) -> bool:
        """Whether the operation of this thread is to end."""
        return bool(getattr(self._of, "times", self._times) != self._times)


CANCELLATION = Cancellation()


def wait_until(done: Callable[[], bool], what: str, timeout: float) -> None:
    """Polls until `done`. Raises PluginError after `timeout` seconds (0: thirty minutes), and when it is cancelled."""
    deadline = time.monotonic() + (timeout or 30 * 60)
    while not done():
        if CANCELLATION.is_on:
            raise PluginError(f"waiting for {what}: context canceled")
        if time.monotonic() > deadline:
            raise PluginError(f"timeout while waiting for {what}")
        time.sleep(POLL_SECONDS)


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "the stand-in plugin of the local stack does not know this property"
    if kind == "missing":
        return "Missing required argument"
    return message
