"""Type annotations as shapes: which types a value can be checked against, and how each is read.

None bool int float str bytes Int64 SessionId Id["table"] Any Literal
list tuple dict and their abstract kin, unions, TypedDict, dataclasses, msgspec.Struct
datetime date time timedelta UUID Decimal Enum, which travel as text
"""

import collections.abc
import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from pillion_server import containers, scalars
from pillion_server.document_id import DocumentId
from pillion_server.errors import DefinitionError
from pillion_server.fitting import Shape
from pillion_server.instances import Whatever
from pillion_server.objects import Field, Object
from pillion_server.sessions import SessionId
from pillion_server.type_text import type_text
from pillion_shared import Int64

_SCALARS: dict[Any, Shape] = {
    None: scalars.Scalar(type(None), "null"),
    type(None): scalars.Scalar(type(None), "null"),
    bool: scalars.Scalar(bool, "bool"),
    int: scalars.Integer(),
    float: scalars.Number(),
    str: scalars.Scalar(str, "str"),
    bytes: scalars.Scalar(bytes, "bytes"),
    Int64: scalars.Long(),
    SessionId: scalars.OfSession(),
    Any: scalars.Anything(),
    object: scalars.Anything(),
}
_STORED: dict[Any, Shape] = {
    **_SCALARS,
    int: scalars.NoLong(scalars.Integer()),
    float: scalars.NoLong(scalars.Number()),
    Int64: scalars.Scalar(Int64, "Int64"),
}
_RETURNED: dict[Any, Shape] = {**_SCALARS, Any: Whatever(), object: Whatever()}
_EXACT = (type(None), bool, int, float, str, bytes, Int64)
_LISTS = (list, collections.abc.Sequence, collections.abc.Collection, collections.abc.Iterable)
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_UNIONS = (typing.Union, types.UnionType)
_LIMITED = {"int": int, "float": float, "str": str, "bytes": bytes, "array": list, "object": dict}


def hints_of(owner: str, handler: Callable[..., object], annotations: Mapping[str, Any]) -> dict[str, Any]:
    """Annotations of a handler, evaluated if they are strings; raises `DefinitionError`."""
    holder = types.SimpleNamespace(__annotations__=dict(annotations))
    try:
        return typing.get_type_hints(
            holder, globalns=getattr(inspect.unwrap(handler), "__globals__", {}), include_extras=True
        )
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise DefinitionError(f"{owner}: an annotation can't be read ({error}); import what it names.") from error


class Use(enum.Enum):
    """What values a type is to be held against.

    ARGUMENT: they become what the type says; a `SessionId` arrives as a raw ID.
    RESULT: they become what can travel, without the fields that the type doesn't name.
    DOCUMENT: as they are read from the database; they have to be of the type as they stand.
    """

    ARGUMENT = enum.auto()
    RESULT = enum.auto()
    DOCUMENT = enum.auto()


_OF_USE = {Use.ARGUMENT: _SCALARS, Use.RESULT: _RETURNED, Use.DOCUMENT: _STORED}


class Reader:
    """Reads annotations.

    takes_sessions: whether any of them holds a `SessionId`.
    """

    def __init__(self, use: Use) -> None:
        self._use = use
        self._out = use is Use.RESULT
        self._scalars = _OF_USE[use]
        self._objects: dict[Any, Object] = {}
        self.takes_sessions = False

    def shape_of(self, annotation: Any) -> Shape:
        """The shape of a type; raises `TypeError` with what is wrong with it."""
        annotation = _behind(annotation)
        self.takes_sessions = self.takes_sessions or annotation is SessionId
        if _is_hashable(annotation) and annotation in self._scalars:
            return self._scalars[annotation]
        origin, args = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Required, typing.NotRequired):
            return self.shape_of(args[0])
        if origin is typing.Annotated:
            return self._limited(self.shape_of(args[0]), args[1:])
        if origin is typing.Literal:
            return scalars.OneOf(args)
        if origin in _UNIONS:
            return self._union(annotation, args)
        kind: Any = origin or annotation
        if kind is tuple:
            return self._tuple(args if args or annotation not in (tuple, typing.Tuple) else (Any, ...))  # noqa: UP006
        if kind in _LISTS:
            return containers.Items(self.shape_of(args[0] if args else Any), list)
        if kind in _DICTS:
            return self._dict(args or (str, Any))
        if isinstance(kind, type):
            return self._class(annotation, kind)
        raise TypeError(f"{type_text(annotation)} is no type of values")

    def _class(self, annotation: Any, kind: type[Any]) -> Shape:
        if issubclass(kind, DocumentId) and kind.table:
            return scalars.OfTable(kind)
        if issubclass(kind, scalars.FOREIGN):
            return scalars.Foreign(kind, self._out)
        if dataclasses.is_dataclass(kind) or typing.is_typeddict(kind) or issubclass(kind, msgspec.Struct):
            return self._object(annotation, kind)
        raise TypeError(
            f"values can't be made {'of' if self._out else 'into'} {kind.__name__}; "
            "take str, int, list, dict, a TypedDict or a dataclass"
        )

    def _object(self, annotation: Any, kind: type) -> Object:
        there = self._objects.get(annotation)
        if there is None:
            there = self._objects[annotation] = Object(kind, self._out)
            there.tag = _tag_of(kind)
            fields = [
                Field(name, wire, self.shape_of(hint), required)
                for name, wire, hint, required in _fields(annotation, kind)
            ]
            there.fields = tuple(sorted(fields, key=lambda each: not isinstance(each.shape, scalars.OneOf)))
        return there

    def _tuple(self, args: tuple[Any, ...]) -> Shape:
        make = list if self._out else tuple
        if args[-1:] == (Ellipsis,):
            return containers.Items(self.shape_of(args[0]), make)
        return containers.Row(tuple(self.shape_of(each) for each in args), make)

    def _dict(self, args: tuple[Any, ...]) -> Shape:
        if args[0] is SessionId:
            raise TypeError("SessionId as the key of a dict")
        key = self.shape_of(args[0])
        if not (isinstance(key, (scalars.OneOf, scalars.OfTable)) or key is _SCALARS[str]):
            raise TypeError(f"{type_text(args[0])} as the key of a dict, which is a str")
        return containers.Entries(key, self.shape_of(args[1]))

    def _union(self, annotation: Any, args: tuple[Any, ...]) -> Shape:
        if SessionId in args and self._use is Use.ARGUMENT and set(args) != {SessionId, type(None)}:
            raise TypeError(
                f"{type_text(annotation)}: a SessionId may only be optional, so that no raw ID passes for another"
            )
        members = {each: self.shape_of(each) for each in args if each is not msgspec.UnsetType}
        return containers.Union(
            tuple(members.values()), {each: shape for each, shape in members.items() if each in _EXACT}
        )

    def _limited(self, shape: Shape, extras: tuple[Any, ...]) -> Shape:
        limits = tuple(each for each in extras if isinstance(each, msgspec.Meta))
        if not limits:
            return shape
        kind = _LIMITED.get(shape.name)
        if kind is None:
            raise TypeError(f"msgspec.Meta limits numbers, texts and lists, not {shape.name}")
        annotated: Any = cast("Any", typing.Annotated)[(kind, *limits)]
        msgspec.convert([], list[annotated])  # raises `TypeError` for limits of another type
        return scalars.Limited(shape, annotated)


def _fields(annotation: Any, kind: type) -> list[tuple[str, str, Any, bool]]:
    """Each field of a class: its name, its name on the wire, its type, and whether it must be given."""
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except (NameError, AttributeError, SyntaxError) as error:
        raise TypeError(f"an annotation of {kind.__name__} can't be read ({error})") from error
    parameters: tuple[Any, ...] = getattr(kind, "__parameters__", ())
    given = {**dict.fromkeys(parameters, Any), **dict(zip(parameters, typing.get_args(annotation), strict=False))}
    hints = {name: _filled(hint, given) for name, hint in hints.items()}
    if typing.is_typeddict(kind):
        needed: frozenset[str] = vars(kind)["__required_keys__"]
        return [(name, name, hint, _required(hint, name in needed)) for name, hint in hints.items()]
    if dataclasses.is_dataclass(kind):
        none = dataclasses.MISSING
        return [
            (each.name, each.name, hints[each.name], each.default is none and each.default_factory is none)
            for each in dataclasses.fields(kind)
            if each.init
        ]
    return [
        (each.name, each.encode_name, hints[each.name], each.required)
        for each in msgspec.structs.fields(cast("type[msgspec.Struct]", kind))
    ]


def _filled(hint: Any, given: Mapping[Any, Any]) -> Any:
    """A type with the parameters of a generic class put in, `list[T]` as `list[int]`."""
    if isinstance(hint, typing.TypeVar):
        return given.get(hint, hint)
    parameters: tuple[Any, ...] = getattr(hint, "__parameters__", ())
    generic = typing.get_origin(hint) is not None and parameters
    return hint[tuple(given.get(each, each) for each in parameters)] if generic else hint


def _behind(annotation: Any) -> Any:
    """The type that a `NewType` or a `type` statement names."""
    for name in ("__supertype__", "__value__"):
        if not isinstance(annotation, type) and hasattr(annotation, name):
            return _behind(getattr(annotation, name))
    return annotation


def _is_hashable(annotation: Any) -> bool:
    try:
        hash(annotation)
    except TypeError:
        return False
    return True


def _required(hint: Any, declared: bool) -> bool:
    """PEP 655, also where the class's own annotations are strings."""
    origin = typing.get_origin(hint)
    return origin is typing.Required or (declared and origin is not typing.NotRequired)


def _tag_of(kind: type) -> tuple[str, object] | None:
    config = getattr(kind, "__struct_config__", None)
    return None if config is None or config.tag_field is None else (config.tag_field, config.tag)
