"""Custom functions: builders that take arguments off a call and put what they made of them on the context.

    class SessionCtx(QueryCtx):
        session_id: SessionId

    def with_session(ctx: QueryCtx, session_id: SessionId) -> Custom:
        return Custom(ctx={"session_id": session_id})

    session_query = custom_query(query, with_session, ctx=SessionCtx)

Each argument is on the wire once. The first that has a parameter of its name takes it off; a later one (the
input of a builder over this builder, or the handler) gets it only if `Custom(args=...)` passes it on. What
stands after a star in an input's parameters is no argument but an option: `@role_query(role="admin")`.
"""

import functools
import inspect
import keyword
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar, cast, overload

from pillion_server.contexts import ActionCtx, Context, MutationCtx, QueryCtx, RunsFunctions
from pillion_server.errors import DefinitionError
from pillion_server.functions import Builder, Input
from pillion_server.misuse import expect
from pillion_server.sessions import SessionId
from pillion_server.signature import name_of, parameters_of
from pillion_shared.ids import quotable
from pillion_shared.wire import ACTION, MUTATION, QUERY, SESSION_PARAM

P = ParamSpec("P")
C = TypeVar("C", bound=Context)
Q = TypeVar("Q", bound=QueryCtx)
Q2 = TypeVar("Q2", bound=QueryCtx)
M = TypeVar("M", bound=MutationCtx)
M2 = TypeVar("M2", bound=MutationCtx)
A = TypeVar("A", bound=ActionCtx)
A2 = TypeVar("A2", bound=ActionCtx)


@dataclass(frozen=True)
class Custom:
    """What the input of a custom builder gives to the function.

    ctx: attributes for the context, under names that it doesn't have, or that the builder's `ctx=` class declares anew.
    args: keywords for the handler, if it has parameters of these names. on_success: called as
    `on_success(result=..., ctx=..., args=...)` after the handler, in the same transaction.
    """

    ctx: Mapping[str, object] = field(default_factory=dict[str, object])
    args: Mapping[str, object] = field(default_factory=dict[str, object])
    on_success: Callable[..., object] | None = None

    def __post_init__(self) -> None:
        """Raises `TypeError` or `ValueError` for what no handler could use."""
        expect(self.ctx, Mapping, "Custom(ctx=...) takes a dict of attributes")
        expect(self.args, Mapping, "Custom(args=...) takes a dict of keywords")
        expect(self.on_success, (Callable, type(None)), "Custom(on_success=...) takes a function")
        for name in self.ctx:
            expect(name, str, "Custom(ctx=...) takes the names of attributes")
            if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
                raise ValueError(
                    f"{quotable(repr(name[:80]))} can't be an attribute of ctx: take an identifier without a leading _."
                )


@overload
def custom_query(
    builder: Builder[Q], input: Callable[Concatenate[Q, ...], Custom], *, passes: Iterable[str] = ()
) -> Builder[Q]: ...
@overload
def custom_query(
    builder: Builder[Q],
    input: Callable[Concatenate[Q, ...], Custom],
    *,
    ctx: type[Q2],
    passes: Iterable[str] = (),
) -> Builder[Q2]: ...
def custom_query(
    builder: Builder[Any],
    input: Callable[..., object],
    *,
    ctx: type[Any] | None = None,
    passes: Iterable[str] = (),
) -> Builder[Any]:
    """A builder like `builder` (`query`, `internal_query`, or a custom one) that runs `input` first.

    input: `def input(ctx, session_id: SessionId, ...) -> Custom`; its parameters are taken off the arguments,
    those after a star are options. ctx: the class that names what the handlers find on their context, a
    subclass of the one they had. passes: names in its `Custom.args` that are not its own parameters. They never
    come from the caller. Raises `DefinitionError`.
    """
    return _custom(QUERY, builder, input, ctx, passes)


@overload
def custom_mutation(
    builder: Builder[M], input: Callable[Concatenate[M, ...], Custom], *, passes: Iterable[str] = ()
) -> Builder[M]: ...
@overload
def custom_mutation(
    builder: Builder[M],
    input: Callable[Concatenate[M, ...], Custom],
    *,
    ctx: type[M2],
    passes: Iterable[str] = (),
) -> Builder[M2]: ...
def custom_mutation(
    builder: Builder[Any],
    input: Callable[..., object],
    *,
    ctx: type[Any] | None = None,
    passes: Iterable[str] = (),
) -> Builder[Any]:
    """`custom_query` for mutations: `input` and `on_success` run in the mutation's transaction."""
    return _custom(MUTATION, builder, input, ctx, passes)


@overload
def custom_action(
    builder: Builder[A], input: Callable[Concatenate[A, ...], Custom | Awaitable[Custom]], *, passes: Iterable[str] = ()
) -> Builder[A]: ...
@overload
def custom_action(
    builder: Builder[A],
    input: Callable[Concatenate[A, ...], Custom | Awaitable[Custom]],
    *,
    ctx: type[A2],
    passes: Iterable[str] = (),
) -> Builder[A2]: ...
def custom_action(
    builder: Builder[Any],
    input: Callable[..., object],
    *,
    ctx: type[Any] | None = None,
    passes: Iterable[str] = (),
) -> Builder[Any]:
    """`custom_query` for actions: `input` and `on_success` may be `async def`."""
    return _custom(ACTION, builder, input, ctx, passes)


@overload
def custom_ctx(make: Callable[Concatenate[C, P], Mapping[str, object]]) -> Callable[Concatenate[C, P], Custom]: ...
@overload
def custom_ctx(
    make: Callable[Concatenate[C, P], Awaitable[Mapping[str, object]]],
) -> Callable[Concatenate[C, P], Awaitable[Custom]]: ...
def custom_ctx(make: Callable[..., Any]) -> Callable[..., Any]:
    """An input that only adds to the context: the attributes that `make(ctx)` returns.

    `custom_query(query, custom_ctx(lambda ctx: {"now": time.time()}))`. For actions `make` may be `async def`.
    """
    expect(make, Callable, "custom_ctx() takes a function of the context", DefinitionError)

    @functools.wraps(make)
    def input(*args: Any, **kwargs: Any) -> Custom:
        return Custom(ctx=make(*args, **kwargs))

    @functools.wraps(make)
    async def waiting(*args: Any, **kwargs: Any) -> Custom:
        return Custom(ctx=await make(*args, **kwargs))

    return waiting if inspect.iscoroutinefunction(make) else input


def run_session_functions(
    ctx: RunsFunctions, session_id: SessionId
) -> dict[str, Callable[..., Coroutine[Any, Any, Any]]]:
    """`run_session_query`, `run_session_mutation`, `run_session_action`: `run_...` with the session's ID.

    For `Custom(ctx=run_session_functions(ctx, session_id))`.
    """

    async def run_session_query(function: object, /, **args: object) -> Any:
        return await ctx.run_query(function, **{SESSION_PARAM: session_id, **args})

    async def run_session_mutation(function: object, /, **args: object) -> Any:
        return await ctx.run_mutation(function, **{SESSION_PARAM: session_id, **args})

    async def run_session_action(function: object, /, **args: object) -> Any:
        return await ctx.run_action(function, **{SESSION_PARAM: session_id, **args})

    if not hasattr(ctx, "run_query"):
        raise TypeError("run_session_functions takes the context of an action; queries and mutations call functions.")
    return {
        "run_session_query": run_session_query,
        "run_session_mutation": run_session_mutation,
        "run_session_action": run_session_action,
    }


def _custom(
    kind: str, builder: object, input: Callable[..., object], ctx: type[Context] | None, passes: Iterable[str]
) -> Builder[Any]:
    if not (isinstance(builder, Builder) and builder.kind == kind):
        raise DefinitionError(
            f"custom_{kind} goes over {kind}, internal_{kind} or a custom {kind}, not over {builder!r}."
        )
    under = cast("Builder[Context]", builder)
    expect(
        ctx, (type, type(None)), f"ctx= takes a class of contexts, class MyCtx({under.ctx.__name__})", DefinitionError
    )
    expect(passes, Iterable, 'passes= takes a list of names, passes=["user"]', DefinitionError, but=str)
    if ctx is not None and not issubclass(ctx, under.ctx):
        raise DefinitionError(
            f"{ctx.__name__} is no context of this builder: class {ctx.__name__}({under.ctx.__name__}), "
            "so that a handler has all that it had."
        )
    under.check_async(input)
    every = parameters_of(input)
    own = tuple(each for each in every if not each.keyword_only)
    options = tuple(each for each in every if each.keyword_only)
    passed = frozenset(passes) | {each.name for each in own}
    for name in passed:
        expect(name, str, "passes= takes names", DefinitionError)
    made = Input(input, own, passed, options, ctx=ctx)
    builder = replace(under, ctx=ctx or under.ctx, inputs=(*under.inputs, made))
    builder.signature_of(name_of(input), ())
    return builder
