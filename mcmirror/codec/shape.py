"""How a frozen dataclass is written as a JSON object and read back: a list of fields, in the order of the document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, NamedTuple, Protocol, get_origin, get_type_hints


class Kind(Protocol):
    """A kind of value."""

    def to(self, value: Any) -> Any:
        """What stands in the document."""

    def of(self, document: Any) -> Any:
        """The value that this was made of."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A kind made of two functions."""

    to: Callable[[Any], Any]
    of: Callable[[Any], Any]


class Field(NamedTuple):
    """One name of a document."""

    name: str
    get: Callable[[Any], Any]
    """What stands there, of the whole value."""
    attribute: str = ""
    """Which attribute is read back from it; empty: none."""
    put: Callable[[Mapping[str, Any]], Any] = dict
    """The attribute, of the whole document."""


class Shape:
    """The document of a class. What a document lacks has its default; names that are unknown here are passed over."""

    def __init__(self, made: type[Any], *parts: Field, inside: Mapping[str, "Shape"] | None = None) -> None:
        """``inside``: attributes whose own fields stand in the same document."""
        self.made, self.fields, self._inside = made, parts, inside or {}
        self._read = [one for one in parts if one.attribute]

    def to(self, value: Any) -> dict[str, Any]:
        """The document of a value."""
        return {one.name: one.get(value) for one in self.fields}

    def of(self, document: Mapping[str, Any], **more: Any) -> Any:
        """The value of a document and ``more`` attributes. Raises KeyError, TypeError, AttributeError, ValueError."""
        found = {one.attribute: one.put(document) for one in self._read if one.name in document}
        return self.made(**found, **more, **{name: shape.of(document) for name, shape in self._inside.items()})


def _same(value: Any) -> Any:
    return value


AS_IS = Pair(_same, _same)
OR_NULL = Pair(lambda text: text or None, lambda text: text or "")
"""A text, null when it is empty."""
OBJECT = Pair(dict, dict)


def word(kind: type[Enum]) -> Kind:
    """A member of an enumeration."""
    return Pair(lambda member: member.value, kind)


def optional(kind: Kind) -> Kind:
    """Null for None."""
    return Pair(
        lambda value: None if value is None else kind.to(value), lambda value: None if value is None else kind.of(value)
    )


def many(kind: Kind) -> Kind:
    """A tuple, as an array."""
    return Pair(
        lambda values: [kind.to(value) for value in values], lambda values: tuple(kind.of(one) for one in values)
    )


def by_name(kind: Kind) -> Kind:
    """A mapping from names."""
    return Pair(
        lambda values: {name: kind.to(value) for name, value in values.items()},
        lambda values: {name: kind.of(value) for name, value in values.items()},
    )


def field(name: str, kind: Kind = AS_IS, attribute: str = "") -> Field:
    """An attribute, under its own name unless another is given."""
    attribute = attribute or name
    return Field(name, lambda value: kind.to(getattr(value, attribute)), attribute, lambda found: kind.of(found[name]))


def same(names: str) -> list[Field]:
    """Attributes that stand in the document as they are."""
    return [field(name) for name in names.split()]


def spread(attribute: str, shape: Shape) -> list[Field]:
    """The fields of an attribute, in the same document; name it ``inside`` as well."""
    return [_spread(attribute, one) for one in shape.fields]


def _spread(attribute: str, inner: Field) -> Field:
    return Field(inner.name, lambda value: inner.get(getattr(value, attribute)))


def plain(made: type[Any], kinds: Mapping[Any, Kind], *, only: type[Any] | None = None) -> Shape:
    """The shape of a class whose fields stand in their own order; ``kinds`` by their types."""

    def kind(hint: Any) -> Kind:
        if isinstance(hint, type) and issubclass(hint, Enum):
            return word(hint)
        return OBJECT if get_origin(hint) is Mapping else kinds.get(hint, AS_IS)

    hints = get_type_hints(made)
    names = [one.name for one in fields(made) if only is None or hints[one.name] is only]
    return Shape(made, *(field(name, kind(hints[name])) for name in names))
