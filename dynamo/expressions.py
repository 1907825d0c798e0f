"""The expressions of one request to DynamoDB, with a placeholder for each name and each value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dynamo.keys import IndexKey, prefix_of
from dynamo.values import Value
from schema.parts import Attribute, AttributeType


class Expressions:
    """Builds the expressions of one request, which returns these `attributes` of items (none: all of them).

    Names are placeholders because many are reserved words (`status`, `timestamp`); values are placeholders so that no
    value is ever read as an expression. `filter` and `key_condition` are conditions made by the methods.
    """

    def __init__(self, attributes: Iterable[str] = ()) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Value] = {}
        self._projection = ", ".join([self.name(attribute) for attribute in dict.fromkeys(attributes)])
        self.filter = ""
        self.key_condition = ""

    def name(self, attribute: str) -> str:
        """The placeholder of an attribute's name."""
        return self._names.setdefault(attribute, f"#n{len(self._names)}")

    def value(self, typed: Value) -> str:
        """A placeholder of a typed value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = typed
        return placeholder

    def exists(self, attribute: str) -> str:
        """The item has the attribute."""
        return f"attribute_exists({self.name(attribute)})"

    def lacks(self, attribute: str) -> str:
        """The item does not have the attribute."""
        return f"attribute_not_exists({self.name(attribute)})"

    def equals(self, attribute: str, typed: Value) -> str:
        """The attribute holds that value. In an update: it is set to it."""
        return f"{self.name(attribute)} = {self.value(typed)}"

    def begins_with(self, attribute: str, typed: Value) -> str:
        """The attribute begins with that text or binary."""
        return f"begins_with({self.name(attribute)}, {self.value(typed)})"

    def is_one_of(self, attribute: str, values: Iterable[Value]) -> str:
        """The attribute holds one of these values."""
        return f"{self.name(attribute)} IN ({', '.join(self.value(typed) for typed in values)})"

    def fits(self, key: IndexKey) -> str:
        """The attribute can be that index key. Some values that can be are not recognised: `size` counts the characters
        of a string, each of up to four bytes."""
        condition = f"attribute_type({self.name(key.name)}, {self.value({'S': key.type.value})})"
        if key.type is AttributeType.NUMBER:
            return condition
        longest = key.longest // 4 if key.type is AttributeType.STRING else key.longest
        shortest, most = self.value({"N": "1"}), self.value({"N": str(longest)})
        return f"{condition} AND size({self.name(key.name)}) BETWEEN {shortest} AND {most}"

    def under(self, keys: Sequence[Attribute], value: Value, prefix: str | None = None) -> Expressions:
        """Narrows a query to one value of the partition key, and to sort keys that begin with `prefix`."""
        self.key_condition = self.equals(keys[0].name, value)
        if prefix and len(keys) > 1:
            self.key_condition += f" AND {self.begins_with(keys[1].name, prefix_of(keys[1], prefix))}"
        return self

    def parameters(self) -> dict[str, Any]:
        """The parameters of a request."""
        found = {
            "ProjectionExpression": self._projection,
            "FilterExpression": self.filter,
            "KeyConditionExpression": self.key_condition,
            "ExpressionAttributeNames": {placeholder: attribute for attribute, placeholder in self._names.items()},
            "ExpressionAttributeValues": dict(self._values),
        }
        return {name: value for name, value in found.items() if value}
