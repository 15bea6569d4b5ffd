"""Custom functions: builders that take arguments off a call and put what they made of them on the context.

    def with_session(ctx, session_id: SessionId) -> Custom:
        return Custom(ctx={"session_id": session_id})

    session_query = custom_query(query, with_session)

Each argument is on the wire once. The first that has a parameter of its name takes it off; a later one (the
input of a builder over this builder, or the handler) gets it only if `Custom(args=...)` passes it on.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pillion_server.contexts import RunsFunctions
from pillion_server.errors import DefinitionError
from pillion_server.functions import Builder, Input
from pillion_server.sessions import SessionId
from pillion_server.signature import name_of, parameters_of
from pillion_shared.wire import ACTION, MUTATION, QUERY, SESSION_PARAM


@dataclass(frozen=True)
class Custom:
    """What the input of a custom builder gives to the function.

    ctx: attributes for the context. args: keywords for the handler, if it has parameters of these names.
    on_success: called as `on_success(result=..., ctx=..., args=...)` after the handler, in the same
    transaction.
    """

    ctx: Mapping[str, object] = field(default_factory=dict[str, object])
    args: Mapping[str, object] = field(default_factory=dict[str, object])
    on_success: Callable[..., object] | None = None


def custom_query(builder: Builder, input: Callable[..., object], *, passes: Iterable[str] = ()) -> Builder:
    """A builder like `builder` (`query`, `internal_query`, or a custom one) that runs `input` first.

    input: `def input(ctx, session_id: SessionId, ...) -> Custom`; its parameters are taken off the arguments.
    passes: names in its `Custom.args` that are not its own parameters. They never come from the caller.
    Raises `DefinitionError`.
    """
    return _custom(QUERY, builder, input, passes)


def custom_mutation(builder: Builder, input: Callable[..., object], *, passes: Iterable[str] = ()) -> Builder:
    """`custom_query` for mutations: `input` runs in the mutation's transaction."""
    return _custom(MUTATION, builder, input, passes)


def custom_action(builder: Builder, input: Callable[..., object], *, passes: Iterable[str] = ()) -> Builder:
    """`custom_query` for actions: `input` and `on_success` may be `async def`."""
    return _custom(ACTION, builder, input, passes)


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


def _custom(kind: str, builder: object, input: Callable[..., object], passes: Iterable[str]) -> Builder:
    if not (isinstance(builder, Builder) and builder.kind == kind):
        raise DefinitionError(
            f"custom_{kind} goes over {kind}, internal_{kind} or a custom {kind}, not over {builder!r}."
        )
    builder.check_async(input)
    own = parameters_of(input)
    passed = frozenset(passes) | {parameter.name for parameter in own}
    made = replace(builder, inputs=(*builder.inputs, Input(input, own, passed)))
    made.signature_of(name_of(input), ())
    return made
