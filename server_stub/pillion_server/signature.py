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
from pillion_server.fitting import Misfit, Session, shown
from pillion_server.objects import Field, present
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
    try:
        every = list(inspect.signature(handler).parameters.values())
    except (TypeError, ValueError):
        raise DefinitionError(f"{name} can't be called with a context: write def name(ctx, ...).") from None
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
        readers = [Reader(Use.ARGUMENT) for _ in self.parameters]
        try:
            self._fields = tuple(
                Field(each.name, wire_name(each.name), reader.shape_of(each.annotation), each.required)
                for each, reader in zip(self.parameters, readers, strict=True)
            )
        except TypeError as error:
            raise DefinitionError(f"{owner}: a parameter is annotated with what can't be checked: {error}.") from error
        self._of_sessions = tuple(
            field for field, reader in zip(self._fields, readers, strict=True) if reader.takes_sessions
        )
        for each in self.parameters:
            if each.name == SESSION_PARAM and SessionId not in _members(each.annotation):
                raise DefinitionError(f"{owner}: annotate `{SESSION_PARAM}` as SessionId; no handler gets a raw ID.")

    @property
    def takes_sessions(self) -> bool:
        """Whether a session can be among the arguments."""
        return bool(self._of_sessions)

    def convert(self, args: Mapping[str, object], sessions: Sessions, *, trusted: bool = False) -> dict[str, Any]:
        """The keywords for the handlers, from arguments by their names on the wire.

        sessions: makes the `SessionId`s among them. trusted: they come from a function of this server, under
        their names in Python, and a `SessionId` among them is a digest already. Raises `ArgumentError`, and
        `EncodingError` for an argument that is given under both of its names.
        """
        if trusted:
            args = on_wire(args)
        try:
            made = present(self._fields, args, _session(sessions, trusted=trusted), wire=False)
            if len(made) < len(args):
                self._check_names(args)
            return made
        except Misfit as error:
            self._check_names(args)
            place = f"`{error.place}`: " if error.place else ""
            raise _refusal(place + error.sentence) from None

    def of_sessions(self, args: Mapping[str, object], sessions: Sessions, *, trusted: bool = False) -> dict[str, Any]:
        """The keywords among those of `convert` that may hold sessions."""
        if trusted:
            args = on_wire(args)
        return present(self._of_sessions, args, _session(sessions, trusted=trusted), wire=False)

    def _check_names(self, args: Mapping[str, object]) -> None:
        wires = [each.wire for each in self._fields]
        for name in args:
            if name not in wires:
                takes = ", ".join(f"`{wire}`" for wire in wires) or "no arguments"
                raise _refusal(f"there is no field `{shown(name)}` (the function takes {takes})")


def name_of(handler: Callable[..., object]) -> str:
    """What a handler is called, for messages."""
    return getattr(handler, "__name__", type(handler).__name__)


def _session(sessions: Sessions, *, trusted: bool) -> Session:
    """Makes an argument a session."""
    if not trusted:
        return sessions.of
    return lambda value: sessions.again(value) if isinstance(value, SessionId) else sessions.of(value)


def _refusal(text: str) -> ArgumentError:
    return ArgumentError(f"ArgumentValidationError: {text if len(text) <= LONGEST else text[:LONGEST] + '...'}.")


def _members(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)
