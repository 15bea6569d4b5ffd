"""The signature is the schema: what a handler's parameters say about the arguments of a call.

Arguments arrive under their names on the wire (`sessionId` for `session_id`), are checked and converted by
msgspec, and leave as keywords. Session IDs become sessions on the way.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec
import msgspec.inspect

from pillion_server.errors import ArgumentError, DefinitionError
from pillion_server.sessions import SessionId, Sessions
from pillion_shared import Int64
from pillion_shared.ids import quotable
from pillion_shared.wire import SESSION_ARG, SESSION_PARAM

_PASS_THROUGH = (bytes,)  # otherwise msgspec takes text for base64
_MISSING_FIELD = re.compile(r"Object missing required field `(.*?)`(?: - at `\$\.?(.*)`)?$", re.DOTALL)
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?$", re.DOTALL)
_QUOTED_VALUE = re.compile(r"\AInvalid (?:enum )?value (?:.*(?= - at `)|.*)", re.DOTALL)
_AT = re.compile(r"(.*) - at `(key` in `)?\$\.?(.*)`$", re.DOTALL)

LONGEST = 400
"""How much is said about a wrong argument, in characters: a type of the user's may quote what it was given."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a handler, after `ctx`."""

    name: str
    annotation: Any
    required: bool


def parameters_of(handler: Callable[..., object]) -> tuple[Parameter, ...]:
    """The parameters after the first, which is the context; raises `DefinitionError`."""
    name = name_of(handler)
    every = list(inspect.signature(handler).parameters.values())
    if not every or every[0].kind not in (every[0].POSITIONAL_ONLY, every[0].POSITIONAL_OR_KEYWORD):
        raise DefinitionError(f"{name} needs the context as its first parameter: def {name}(ctx, ...).")
    others = every[1:]
    for parameter in others:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise DefinitionError(f"{name}: {parameter} can't be filled by a call; name each argument.")
        if parameter.annotation is parameter.empty:
            raise DefinitionError(f"{name}: say what `{parameter.name}` is, `{parameter.name}: str` or `: Any`.")
        if parameter.name == SESSION_ARG:
            raise DefinitionError(f"{name}: write `{SESSION_PARAM}: SessionId`; it is {SESSION_ARG} on the wire.")
    hints = _hints(handler, {parameter.name: parameter.annotation for parameter in others})
    return tuple(Parameter(each.name, hints[each.name], each.default is each.empty) for each in others)


class Signature:
    """The arguments that a function takes from its caller."""

    def __init__(self, owner: str, parameters: Iterable[Parameter]) -> None:
        self.parameters = tuple(parameters)
        names = {parameter.name: _wire_name(parameter.name) for parameter in self.parameters}
        fields = [
            (each.name, each.annotation) if each.required else (each.name, each.annotation, None)
            for each in self.parameters
        ]
        try:
            self._struct = msgspec.defstruct(owner, fields, kw_only=True, forbid_unknown_fields=True, rename=names)
            custom = set(_custom_types(msgspec.inspect.type_info(self._struct)))
        except TypeError as error:
            raise DefinitionError(f"{owner}: a parameter is annotated with what can't be checked: {error}.") from error
        self.takes_sessions = SessionId in custom
        if strange := custom - {SessionId, Int64}:
            kinds = ", ".join(sorted(kind.__name__ for kind in strange))
            raise DefinitionError(
                f"{owner}: arguments can't be made into {kinds}; take str, int, list, dict or dataclasses."
            )
        for each in self.parameters:
            if each.name == SESSION_PARAM and SessionId not in _members(each.annotation):
                raise DefinitionError(f"{owner}: annotate `{SESSION_PARAM}` as SessionId; no handler gets a raw ID.")

    def convert(self, args: Mapping[str, object], sessions: Sessions, *, trusted: bool = False) -> dict[str, Any]:
        """The keywords for the handlers, from arguments by their names on the wire.

        sessions: makes the `SessionId`s among them. trusted: they come from a function of this server, under
        their names in Python, and a `SessionId` among them is a digest already. Raises `ArgumentError`.
        """
        if trusted:
            args = {_wire_name(name): value for name, value in args.items()}

        def hook(kind: type, value: object) -> object:
            if kind is Int64:
                return _int64(value)
            if trusted and isinstance(value, SessionId):
                return sessions.again(value)
            return sessions.of(value)

        try:
            struct = msgspec.convert(args, self._struct, dec_hook=hook, builtin_types=_PASS_THROUGH)
        except msgspec.ValidationError as error:
            raise ArgumentError(self._sentence(str(error))) from None
        given = (each.name for each in self.parameters if _wire_name(each.name) in args)
        return {name: getattr(struct, name) for name in given}

    def _sentence(self, message: str) -> str:
        """msgspec's message, with the place first; what it quotes of the arguments could be a session ID."""
        message = _QUOTED_VALUE.sub("Not one of the values that are allowed", message)
        if match := _MISSING_FIELD.match(message):
            text = f"{_place(match[2])}the required field `{match[1]}` is missing"
        elif match := _UNKNOWN_FIELD.match(message):
            names = ", ".join(f"`{_wire_name(each.name)}`" for each in self.parameters) or "no arguments"
            takes = "" if match[2] else f" (the function takes {names})"
            text = f"{_place(match[2])}there is no field `{quotable(match[1][:80])}`{takes}"
        elif match := _AT.match(message):
            key = "a key: " if match[2] else ""
            text = f"{_place(match[3])}{key}{match[1][:1].lower()}{quotable(match[1][1:])}"
        else:
            text = quotable(message)
        return f"ArgumentValidationError: {text if len(text) <= LONGEST else text[:LONGEST] + '...'}."


def name_of(handler: Callable[..., object]) -> str:
    """What a handler is called, for messages."""
    return getattr(handler, "__name__", type(handler).__name__)


def _wire_name(name: str) -> str:
    return SESSION_ARG if name == SESSION_PARAM else name


def _place(path: str | None) -> str:
    return f"`{path}`: " if path else ""


def _hints(handler: Callable[..., object], annotations: dict[str, Any]) -> dict[str, Any]:
    """The annotations, evaluated if they are strings. The context's is left alone: nothing depends on it."""
    holder = types.SimpleNamespace(__annotations__=annotations)
    try:
        return typing.get_type_hints(holder, globalns=getattr(handler, "__globals__", {}), include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        raise DefinitionError(
            f"{name_of(handler)}: an annotation can't be read ({error}); import what it names."
        ) from error


def _members(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _custom_types(node: object) -> Iterable[type]:
    """The classes that msgspec can't make itself, anywhere in a type."""
    pending, seen = [node], set[int]()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, msgspec.inspect.CustomType):
            yield node.cls
        elif isinstance(node, msgspec.inspect.DictType) and isinstance(node.key_type, msgspec.inspect.CustomType):
            raise TypeError(f"{node.key_type.cls.__name__} as the key of a dict")  # msgspec converts values only
        elif isinstance(node, tuple):
            pending.extend(cast("tuple[object, ...]", node))
        elif isinstance(node, (msgspec.inspect.Type, msgspec.inspect.Field)):
            pending.extend(getattr(node, name) for name in node.__struct_fields__)


def _int64(value: object) -> Int64:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"Expected `Int64`, got `{type(value).__name__}`")  # noqa: TRY004 - for msgspec
    return Int64(value)
