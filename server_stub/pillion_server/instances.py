"""Instances as what they hold, wherever values are stored or leave: `Item(name="tea")` as `{"name": "tea"}`.

A dataclass or a msgspec.Struct becomes a dict of its fields, by the names they have on the wire, and what travels as
text (`datetime`, `UUID`, `Enum`, ...) that text. Whether they fit is judged afterwards, by whoever declares a type.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, cast

import msgspec

from pillion_server.fitting import Session
from pillion_server.scalars import FOREIGN
from pillion_shared.values import MAX_DEPTH

_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))


class Dataclass(Protocol):
    """An instance of any dataclass, to type checkers."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


Fields = Mapping[str, object] | Dataclass | msgspec.Struct
"""What a document may be given as: a dict, a TypedDict, a dataclass or a msgspec.Struct."""

NO_FIELDS: Fields = MappingProxyType({})
"""Those of a document that is given by keywords alone."""


@dataclass(frozen=True)
class Whatever:
    """`Any` of what is returned: every value, without instances."""

    name = "Any"

    def fit(self, value: object, _: Session) -> Any:
        return plain(value)


def plain(value: object, depth: int = 0) -> object:
    """The value without instances, at any depth; what can't be told apart stays as it is."""
    if type(value) in _PLAIN or depth > MAX_DEPTH:
        return value
    if isinstance(value, FOREIGN):
        return msgspec.to_builtins(value)
    if isinstance(value, dict):
        return {key: plain(each, depth + 1) for key, each in cast("dict[object, object]", value).items()}
    if isinstance(value, (list, tuple)):
        items = [plain(each, depth + 1) for each in cast("list[object]", value)]
        return items if isinstance(value, list) else tuple(items)
    held = _held(value)
    return value if held is None else plain(held, depth)


def plain_fields(document: object, more: Mapping[str, object]) -> dict[str, object]:
    """The fields of a document, and `more`, without instances; raises `TypeError` for what has no fields."""
    held = _fields(document)
    if held is None:
        given = f"the class {document.__name__}" if isinstance(document, type) else f"a {type(document).__name__}"
        raise TypeError(f"A document is a dict, a dataclass or a msgspec.Struct, not {given}.")
    return {name: plain(each) for name, each in {**held, **more}.items()}


def _fields(document: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", document) if isinstance(document, Mapping) else _held(document)


def _held(value: object) -> dict[str, object] | None:
    """The fields of an instance; those of a Struct that are unset are left out, and its tag is one."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        tag = {} if config.tag_field is None else {config.tag_field: config.tag}
        fields = ((each.encode_name, getattr(value, each.name)) for each in msgspec.structs.fields(value))
        return {**tag, **{name: each for name, each in fields if each is not msgspec.UNSET}}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value) if each.init}
    return None
