"""What handlers get as `ctx`: documents and sessions in queries and mutations, other functions in actions.

Each has `ctx.log(...)` for lines that are sent with the answer, and `ctx.auth` for who calls.

A custom builder adds attributes of its own (`Custom(ctx={"session_id": ...})`), which are found on `ctx` as
well. A subclass names them, for type checkers and for whoever reads the handlers:

    class SessionCtx(QueryCtx):
        session_id: SessionId
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.identity import Auth
from pillion_server.log_lines import Log
from pillion_server.succession import SessionsReader, SessionsWriter
from pillion_shared.wire import ACTION, MUTATION, QUERY

C = TypeVar("C", bound="Context")

Run = Callable[[str, object, Mapping[str, object]], Awaitable[Any]]
"""Runs a function of the server: kind, function, arguments by their Python names."""


class Context:
    """Attributes for a handler."""

    def __init__(self, attributes: Mapping[str, object]) -> None:
        self.__dict__.update(attributes)

    if not TYPE_CHECKING:  # to a type checker, what no class names is not there

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            there = ", ".join(each for each in self.__dict__ if not each.startswith("_"))
            raise AttributeError(
                f"ctx has no {name!r}, only {there}: a custom builder adds it with Custom(ctx={{{name!r}: ...}})."
            )

    def log(self, *values: object) -> None:
        """Says something to the caller, as a line of the answer's `logLines`, and to the server's log.

        What the caller is not to know goes to Python's own `logging`.
        """
        cast("Log", self.__dict__["_log"]).say(*values)

    @property
    def auth(self) -> Auth:
        """Who calls, by a checked token."""
        return cast("Auth", self.__dict__["auth"])


class QueryCtx(Context):
    """What a query gets."""

    @property
    def db(self) -> DatabaseReader:
        """The documents, to be read."""
        return cast("DatabaseReader", self.__dict__["db"])

    @property
    def sessions(self) -> SessionsReader:
        """Whose a session is."""
        return cast("SessionsReader", self.__dict__["sessions"])


class MutationCtx(QueryCtx):
    """What a mutation gets."""

    @property
    def db(self) -> DatabaseWriter:
        """The documents, to be read and written."""
        return cast("DatabaseWriter", self.__dict__["db"])

    @property
    def sessions(self) -> SessionsWriter:
        """Whose a session is; ends sessions and lets them go on as others."""
        return cast("SessionsWriter", self.__dict__["sessions"])


class ActionCtx(Context):
    """What an action gets: other functions, internal ones too. Each call is a transaction of its own.

    A function is named by `api.module.name`, by `"module:name"`, or by itself. Its failures are raised as
    they are.
    """

    _run: Run

    def __init__(self, run: Run, log: Log, auth: Auth | None = None) -> None:
        super().__init__({"_run": run, "_log": log, "auth": auth or Auth()})

    async def run_query(self, function: object, /, **args: object) -> Any:
        """What a query returns."""
        return await self._run(QUERY, function, args)

    async def run_mutation(self, function: object, /, **args: object) -> Any:
        """What a mutation returns, once it is on disk."""
        return await self._run(MUTATION, function, args)

    async def run_action(self, function: object, /, **args: object) -> Any:
        """What another action returns."""
        return await self._run(ACTION, function, args)


class RunsFunctions(Protocol):
    """A context that runs functions: an action's."""

    async def run_query(self, function: object, /, **args: object) -> Any: ...
    async def run_mutation(self, function: object, /, **args: object) -> Any: ...
    async def run_action(self, function: object, /, **args: object) -> Any: ...


def with_attributes(ctx: C, more: Mapping[str, object], kind: type[C] | None = None) -> C:
    """A copy of `ctx`, of the class `kind` if one is given, that also has `more`; the new ones win."""
    kind = kind or type(ctx)
    if not more and kind is type(ctx):
        return ctx
    copy = object.__new__(kind)
    copy.__dict__.update(ctx.__dict__, **more)
    return copy


def taken(ctx: Context, names: Iterable[str], kind: type[Context] | None = None) -> list[str]:
    """The names that `ctx` has already, without those that `kind`, the class it is to be of, declares anew."""
    under: type = type(ctx)
    there = [name for name in names if name in ctx.__dict__ or any(name in vars(each) for each in under.__mro__)]
    return [name for name in there if name not in _declared(kind or under, under)]


def lacking(ctx: Context) -> list[str]:
    """The attributes that the class of `ctx` names and that nobody has given."""
    kind: type = type(ctx)
    return [name for name in _named(kind) if name not in ctx.__dict__]


@functools.cache
def _declared(kind: type, under: type) -> frozenset[str]:
    """What a class and its bases declare beyond those of `under`."""
    added = [each for each in kind.__mro__ if each not in under.__mro__]
    return frozenset(name for each in added for name in (*vars(each), *inspect.get_annotations(each)))


@functools.cache
def _named(kind: type) -> tuple[str, ...]:
    """The attributes that a class and its bases annotate, without those that have a value there."""
    names = dict.fromkeys(name for each in kind.__mro__ for name in inspect.get_annotations(each))
    return tuple(name for name in names if name not in dir(kind))
