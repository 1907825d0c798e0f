"""YAML in which a key that stands twice is a fault: the usual reading keeps the last one in silence."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.constructor import ConstructorError


class _Loader(yaml.SafeLoader):
    """A safe loader whose mappings hold each key once. What a merge (`<<`) brings along may be overridden."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise ConstructorError(None, None, f"the key {key.value} stands there twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read(text: str) -> Any:
    """What the text holds. Raises YAMLError."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # it is a SafeLoader
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except ValueError as error:
        # An unquoted date that is none.
        raise yaml.YAMLError(str(error)) from None
