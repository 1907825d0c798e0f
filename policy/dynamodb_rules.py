"""Rules for DynamoDB tables and indexes as a Pulumi program declares them. Pure: they know no Pulumi.

A rule of one resource takes its properties, its options, and the rule's configuration, and gives a sentence for each
thing that is wrong. `__main__.py` makes a policy pack of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TABLE = "aws:dynamodb/table:Table"
INDEX = "aws:dynamodb/globalSecondaryIndex:GlobalSecondaryIndex"

Properties = Mapping[str, Any]
"""The properties of a resource by their names in Pulumi, such as `streamEnabled`."""


@dataclass(frozen=True)
class Options:
    """Those options of a resource that a policy pack is told of."""

    protect: bool = False
    ignored: tuple[str, ...] = ()
    delete_before_replace: bool = False

    def ignores(self, name: str) -> bool:
        """Whether changes of a property, or of something in it, are ignored."""
        return any(each.replace("[", ".").partition(".")[0] == name for each in self.ignored)


Rule = Callable[[Properties, Options, Mapping[str, Any]], Iterable[str]]


def kept(properties: Properties, options: Options, config: Mapping[str, Any]) -> Iterator[str]:
    """A table is neither deleted nor replaced: Pulumi itself refuses both for a protected resource."""
    if not options.protect:
        yield "The table is not protected, so an `up` may delete or replace it with all its items. Set protect=True."
    if options.delete_before_replace:
        yield "The table would be deleted before it is replaced. Take delete_before_replace out."


def deletion_protection(properties: Properties, options: Options, config: Mapping[str, Any]) -> Iterator[str]:
    """AWS refuses to delete the table, whoever asks."""
    if properties.get("deletionProtectionEnabled") is not True:
        yield "Deletion protection is off. Set deletion_protection_enabled=True."
    yield from _ignored(options, "deletionProtectionEnabled")


def recovery(properties: Properties, options: Options, config: Mapping[str, Any]) -> Iterator[str]:
    """The table can be restored to any second of the last days."""
    found = properties.get("pointInTimeRecovery")
    if not isinstance(found, Mapping) or found.get("enabled") is not True:
        yield 'Point-in-time recovery is off. Set point_in_time_recovery={"enabled": True}.'
    yield from _ignored(options, "pointInTimeRecovery")


def stream(properties: Properties, options: Options, config: Mapping[str, Any]) -> Iterator[str]:
    """The table's stream carries what its readers need."""
    allowed = config.get("viewTypes", ["NEW_AND_OLD_IMAGES"])
    found = properties.get("streamViewType")
    if properties.get("streamEnabled") is not True:
        yield "The stream is off. Set stream_enabled=True and a stream_view_type."
    elif found not in allowed:
        yield f"The stream's view type is {found}; allowed is {' or '.join(allowed)}."


def no_inline_index(properties: Properties, options: Options, config: Mapping[str, Any]) -> Iterator[str]:
    """Each index is a resource of its own, so that it is one diff, and no table is changed for it."""
    inline = properties.get("globalSecondaryIndexes")
    if inline:
        names = ", ".join(str(index.get("name")) for index in inline if isinstance(index, Mapping))
        yield (
            f"The table declares indexes inline: {names}. Declare each as aws.dynamodb.GlobalSecondaryIndex; the two "
            "ways do not go together on one table."
        )
    if options.ignores("globalSecondaryIndexes"):
        yield (
            "Changes of globalSecondaryIndexes are ignored, which copies the live indexes into the table's inputs. "
            "Leave the property out instead."
        )


def tags(properties: Properties, options: Options, config: Mapping[str, Any]) -> Iterator[str]:
    """The table has the tags that a team wants, unless its tags are left to others."""
    if config.get("exceptIgnored", True) and options.ignores("tags"):
        return
    found = {**_mapping(properties.get("tagsAll")), **_mapping(properties.get("tags"))}
    missing = [name for name in config.get("required", []) if not found.get(name)]
    if missing:
        yield f"Tags are missing: {', '.join(missing)}."


def index_stays_until_deleted(properties: Properties, options: Options, config: Mapping[str, Any]) -> Iterator[str]:
    """An index is never deleted to make room for itself."""
    if options.delete_before_replace:
        yield (
            "The index would be deleted before it is replaced, and missing until it is built anew. Give the changed "
            "index a new name, and take delete_before_replace out."
        )


def expected(tables: Collection[str], indexes: Collection[tuple[str, str]], config: Mapping[str, Any]) -> Iterator[str]:
    """Tables and indexes that a stack has to have are declared: `tables` are names in AWS, `indexes` the table's name
    and the index's."""
    for name in config.get("tables", []):
        if name not in tables:
            yield f"Table {name} is not declared, so this `up` deletes or abandons it."
    declared = {f"{table}/{index}" for table, index in indexes}
    for name in config.get("indexes", []):
        if name not in declared:
            yield f"Index {name} is not declared, so this `up` deletes or abandons it."


def unknown(config: Mapping[str, Any], properties: Collection[str] | None) -> Iterator[str]:
    """Configuration that a policy does not have: the engine lets it pass, and a mistyped rule would hold nothing."""
    names = sorted(set(config) - set(properties or ()))
    if names:
        yield f"The policy has no configuration {', '.join(names)}. It has: {', '.join(properties or ()) or 'none'}."


def _ignored(options: Options, name: str) -> Iterator[str]:
    if options.ignores(name):
        yield f"Changes of {name} are ignored, so it is not kept as it is declared. Take it out of ignore_changes."


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
