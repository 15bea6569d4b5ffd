"""Server functions: a handler, its kind, and what it takes from its caller.

    @query
    def total(ctx, cart: str) -> int: ...

`query` reads, `mutation` reads and writes in one transaction, `action` does the rest (I/O, other functions).
The `internal_` twins make functions that only this server's own functions may call.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from pillion_server.errors import DefinitionError
from pillion_server.signature import Parameter, Signature, name_of, parameters_of
from pillion_shared.wire import ACTION, MUTATION, QUERY

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Input:
    """The input of a custom builder: its own parameters, and every name that its `Custom.args` may hold."""

    run: Callable[..., object]
    parameters: tuple[Parameter, ...]
    passes: frozenset[str]


@dataclass(eq=False)
class Function(Generic[P, R]):
    """A function of the server. It is called by its path, not directly; `handler` is the plain function.

    path: `module:function`, set when its folder is loaded.
    """

    kind: str
    public: bool
    handler: Callable[P, R]
    inputs: tuple[Input, ...]
    parameters: tuple[Parameter, ...]
    signature: Signature
    path: str = ""

    def __repr__(self) -> str:
        return f"<{'' if self.public else 'internal '}{self.kind} {self.path or name_of(self.handler)}>"


@dataclass(frozen=True)
class Builder:
    """A decorator that makes functions of one kind; `custom_query` and its twins make further ones."""

    kind: str
    public: bool
    inputs: tuple[Input, ...] = ()

    def __call__(self, handler: Callable[P, R], /) -> Function[P, R]:
        """The function; raises `DefinitionError` when the handler's signature can't be a schema."""
        if not callable(handler):  # pyright: ignore[reportUnnecessaryComparison]
            raise DefinitionError(f"@{self.kind} goes over a function: @{self.kind} def name(ctx, ...).")
        self.check_async(handler)
        if self.kind == ACTION and not _is_async(handler):
            raise DefinitionError(f"{name_of(handler)}: an action is an async def.")
        parameters = parameters_of(handler)
        signature = self.signature_of(name_of(handler), parameters)
        return Function(self.kind, self.public, handler, self.inputs, parameters, signature)

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
                        f"{owner}: `{parameter.name}` is {_show(parameter.annotation)} here and "
                        f"{_show(first.annotation)} in an input of the builder: rename one of them."
                    )
                if first is None and parameter.name not in passed:
                    on_wire[parameter.name] = parameter
            passed |= set(passes)
        return Signature(owner, on_wire.values())


def keywords(parameters: Iterable[Parameter], given: Mapping[str, object], owner: str) -> dict[str, Any]:
    """The keywords for a handler with these parameters; raises `TypeError` for one that nobody gives."""
    there = [each for each in parameters if each.name in given or each.required]
    for each in there:
        if each.name not in given:
            raise TypeError(
                f"{owner} takes `{each.name}`, which an input of its builder took off the arguments: "
                f"pass it on with Custom(args={{{each.name!r}: ...}})."
            )
    return {each.name: given[each.name] for each in there}


def _is_async(handler: object) -> bool:
    return inspect.iscoroutinefunction(handler)


def _show(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


query = Builder(QUERY, public=True)
"""A function that reads: `@query def f(ctx: QueryCtx, ...)`."""

mutation = Builder(MUTATION, public=True)
"""A function that reads and writes, in one transaction: `@mutation def f(ctx: MutationCtx, ...)`."""

action = Builder(ACTION, public=True)
"""A function that may do I/O and run other functions: `@action async def f(ctx: ActionCtx, ...)`."""

internal_query = Builder(QUERY, public=False)
"""A query for this server's own functions."""

internal_mutation = Builder(MUTATION, public=False)
"""A mutation for this server's own functions."""

internal_action = Builder(ACTION, public=False)
"""An action for this server's own functions."""
