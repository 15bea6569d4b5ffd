"""Server functions: a handler, its kind, and what it takes from its caller.

    @query
    def total(ctx, cart: str) -> int: ...

`query` reads, `mutation` reads and writes in one transaction, `action` does the rest (I/O, other functions).
The `internal_` twins make functions that only this server's own functions may call.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from pillion_server.contexts import ActionCtx, Context, MutationCtx, QueryCtx
from pillion_server.errors import DefinitionError
from pillion_server.pace import Pace
from pillion_server.returns import Returns
from pillion_server.signature import Parameter, Signature, name_of, parameters_of
from pillion_server.type_text import type_text
from pillion_shared.wire import ACTION, MUTATION, QUERY

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Context)

_NO_HANDLER = object()


@dataclass(frozen=True)
class Input:
    """The input of a custom builder.

    parameters: what it takes off the call. passes: every name that its `Custom.args` may hold. options: what a
    function says to it, `@builder(role="admin")`, and `said` is what has been. ctx: the class that the context
    is of from here on, `None` for the one it had.
    """

    run: Callable[..., object]
    parameters: tuple[Parameter, ...]
    passes: frozenset[str]
    options: tuple[Parameter, ...] = ()
    said: Mapping[str, object] = field(default_factory=dict[str, object])
    ctx: type[Context] | None = None


@dataclass(eq=False)
class Function(Generic[P, R]):
    """A function of the server. It is called by its path, not directly; `handler` is the plain function.

    `P` is what it takes after the context. path: `module:function`, set when its folder is loaded. pace: of a query.
    """

    kind: str
    public: bool
    handler: Callable[Concatenate[Any, P], R]
    inputs: tuple[Input, ...]
    parameters: tuple[Parameter, ...]
    signature: Signature
    returns: Returns
    path: str = ""
    pace: Pace = field(default_factory=Pace)

    def __repr__(self) -> str:
        return f"<{'' if self.public else 'internal '}{self.kind} {self.path or name_of(self.handler)}>"


@dataclass(frozen=True)
class Builder(Generic[C]):
    """A decorator that makes functions of one kind; `custom_query` and its twins make further ones.

    ctx: the class of the context that its handlers get.
    """

    kind: str
    public: bool
    ctx: type[C]
    inputs: tuple[Input, ...] = ()

    @overload
    def __call__(self, handler: Callable[Concatenate[C, P], R], /) -> Function[P, R]: ...
    @overload
    def __call__(self, /, **options: object) -> "Builder[C]": ...
    def __call__(self, handler: object = _NO_HANDLER, /, **options: object) -> object:
        """The function; or, with options for the inputs, `@builder(role="admin")`, the builder that has them.

        Raises `DefinitionError`: the handler's signature can't be a schema, or an option is missing or unknown.
        """
        if handler is _NO_HANDLER:
            return self._with(options)
        if not callable(handler) or options:
            raise DefinitionError(f"@{self.kind} goes over a function: @{self.kind} def name(ctx, ...).")
        return self._function(cast("Callable[..., Any]", handler))

    def _function(self, handler: Callable[..., R]) -> Function[..., R]:
        self.check_async(handler)
        name = name_of(handler)
        if self.kind == ACTION and not _is_async(handler):
            raise DefinitionError(f"{name}: an action is an async def.")
        for each in self.inputs:
            for option in each.options:
                if option.required and option.name not in each.said:
                    raise DefinitionError(
                        f"{name}: {name_of(each.run)} wants to be told `{option.name}`: @builder({option.name}=...)."
                    )
        parameters = parameters_of(handler)
        signature = self.signature_of(name, parameters)
        return Function(self.kind, self.public, handler, self.inputs, parameters, signature, Returns(name, handler))

    def _with(self, options: Mapping[str, object]) -> "Builder[C]":
        there = [option.name for each in self.inputs for option in each.options]
        for name in options:
            if name not in there:
                raise DefinitionError(
                    f"No input of this builder has an option `{name}` ({', '.join(there) or 'there are none'}): "
                    f"an option stands after a star, def input(ctx, *, {name}: str)."
                )
        inputs = (
            replace(each, said={**each.said, **{o.name: options[o.name] for o in each.options if o.name in options}})
            for each in self.inputs
        )
        return replace(self, inputs=tuple(inputs))

    def check_async(self, handler: Callable[..., object]) -> None:
        """Refuses an `async def` where a transaction is open: it may not wait for anything."""
        if self.kind != ACTION and _is_async(handler):
            raise DefinitionError(
                f"{name_of(handler)}: a {self.kind} is a plain def, because it runs inside a transaction; "
                "what has to wait for something is an action."
            )

    def signature_of(self, owner: str, parameters: Iterable[Parameter]) -> Signature:
        """What the caller has to give: each name once, without those that an input passes on."""
        on_wire: dict[str, Parameter] = {}
        passed = set[str]()
        for taken, passes in (*((each.parameters, each.passes) for each in self.inputs), (parameters, ())):
            for parameter in taken:
                first = on_wire.get(parameter.name)
                if first is not None and first.annotation != parameter.annotation:
                    raise DefinitionError(
                        f"{owner}: `{parameter.name}` is {type_text(parameter.annotation)} here and "
                        f"{type_text(first.annotation)} in an input of the builder: rename one of them."
                    )
                if first is None and parameter.name not in passed:
                    on_wire[parameter.name] = parameter
            passed |= set(passes)
        return Signature(owner, on_wire.values())


def keywords(parameters: Iterable[Parameter], given: Mapping[str, object], owner: str) -> dict[str, Any]:
    """The keywords for a handler with these parameters; raises `TypeError` for one that nobody gives."""
    made: dict[str, Any] = {}
    for each in parameters:
        if each.name in given:
            made[each.name] = given[each.name]
        elif each.required:
            raise TypeError(
                f"{owner} takes `{each.name}`, which an input of its builder took off the arguments: "
                f"pass it on with Custom(args={{{each.name!r}: ...}})."
            )
    return made


def _is_async(handler: object) -> bool:
    return inspect.iscoroutinefunction(handler)


query = Builder(QUERY, public=True, ctx=QueryCtx)
"""A function that reads: `@query def f(ctx: QueryCtx, ...)`."""

mutation = Builder(MUTATION, public=True, ctx=MutationCtx)
"""A function that reads and writes, in one transaction: `@mutation def f(ctx: MutationCtx, ...)`."""

action = Builder(ACTION, public=True, ctx=ActionCtx)
"""A function that may do I/O and run other functions: `@action async def f(ctx: ActionCtx, ...)`."""

internal_query = Builder(QUERY, public=False, ctx=QueryCtx)
"""A query for this server's own functions."""

internal_mutation = Builder(MUTATION, public=False, ctx=MutationCtx)
"""A mutation for this server's own functions."""

internal_action = Builder(ACTION, public=False, ctx=ActionCtx)
"""An action for this server's own functions."""
