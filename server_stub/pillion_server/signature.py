"""The signature is the schema: what a handler's parameters say about the arguments of a call.

Arguments arrive under their names on the wire (`sessionId` for `session_id`), are checked and converted, and
leave as keywords. Session IDs become sessions on the way.
"""

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pillion_server.annotations import Reader, Use, hints_of
from pillion_server.errors import ArgumentError, DefinitionError
from pillion_server.fitting import Misfit, shown
from pillion_server.objects import Field, fields_of
from pillion_server.sessions import SessionId, Sessions
from pillion_shared.wire import SESSION_PARAM, WIRE_NAMES, on_wire, wire_name

LONGEST = 400
"""How much is said about a wrong argument, in characters: a type of the user's may quote what it was given."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a handler, after `ctx`."""

    name: str
    annotation: Any
    required: bool
    keyword_only: bool = False


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
        for python, wire in WIRE_NAMES.items():
            if parameter.name == wire:
                raise DefinitionError(f"{name}: write `{python}`; it is {wire} on the wire.")
    hints = hints_of(name, handler, {parameter.name: parameter.annotation for parameter in others})
    return tuple(
        Parameter(each.name, hints[each.name], each.default is each.empty, each.kind is each.KEYWORD_ONLY)
        for each in others
    )


class Signature:
    """The arguments that a function takes from its caller."""

    def __init__(self, owner: str, parameters: Iterable[Parameter]) -> None:
        self.parameters = tuple(parameters)
        reader = Reader(Use.ARGUMENT)
        try:
            self._fields = tuple(
                Field(each.name, wire_name(each.name), reader.shape_of(each.annotation), each.required)
                for each in self.parameters
            )
        except TypeError as error:
            raise DefinitionError(f"{owner}: a parameter is annotated with what can't be checked: {error}.") from error
        self.takes_sessions = reader.takes_sessions
        for each in self.parameters:
            if each.name == SESSION_PARAM and SessionId not in _members(each.annotation):
                raise DefinitionError(f"{owner}: annotate `{SESSION_PARAM}` as SessionId; no handler gets a raw ID.")

    def convert(self, args: Mapping[str, object], sessions: Sessions, *, trusted: bool = False) -> dict[str, Any]:
        """The keywords for the handlers, from arguments by their names on the wire.

        sessions: makes the `SessionId`s among them. trusted: they come from a function of this server, under
        their names in Python, and a `SessionId` among them is a digest already. Raises `ArgumentError`, and
        `EncodingError` for an argument that is given under both of its names.
        """
        if trusted:
            args = on_wire(args)

        def session(value: object) -> SessionId:
            return sessions.again(value) if trusted and isinstance(value, SessionId) else sessions.of(value)

        wires = [each.wire for each in self._fields]
        for name in args:
            if name not in wires:
                takes = ", ".join(f"`{wire}`" for wire in wires) or "no arguments"
                raise _refusal(f"there is no field `{shown(name)}` (the function takes {takes})")
        try:
            return fields_of(self._fields, args, session)
        except Misfit as error:
            place = f"`{error.place}`: " if error.place else ""
            raise _refusal(place + error.sentence) from None


def name_of(handler: Callable[..., object]) -> str:
    """What a handler is called, for messages."""
    return getattr(handler, "__name__", type(handler).__name__)


def _refusal(text: str) -> ArgumentError:
    return ArgumentError(f"ArgumentValidationError: {text if len(text) <= LONGEST else text[:LONGEST] + '...'}.")


def _members(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)
