"""The steps of one call: the inputs of its builder, the handler, then what is to be done on success.

`steps` gives each step's result out and gets it back, so that one description serves a transaction, where
nothing may wait, and an action, where everything may.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any

from pillion_server.contexts import Context, lacking, taken, with_attributes
from pillion_server.custom import Custom
from pillion_server.functions import Function, Input, keywords
from pillion_server.no_io import no_io
from pillion_server.outcome import tamed
from pillion_server.signature import name_of


def run(function: Function[..., Any], ctx: Context, args: Mapping[str, object]) -> Any:
    """What a query or mutation returns; `RuntimeError` is raised in it where it would do I/O."""
    work = _steps(function, ctx, args)
    step: Any = None
    with no_io(function.kind, function.path):
        while True:
            try:
                step = work.send(step)
            except StopIteration as end:
                return end.value
            if inspect.iscoroutine(step):
                step.close()
                raise TypeError(f"{function.path} gave a coroutine: a {function.kind} can't wait; make it an action.")


async def run_async(function: Function[..., Any], ctx: Context, args: Mapping[str, object]) -> Any:
    """What an action returns."""
    work = _steps(function, ctx, args)
    step: Any = None
    while True:
        try:
            step = work.send(step)
        except StopIteration as end:
            return end.value
        except Exception:
            raise
        except BaseException as error:
            raise tamed(error) from error
        if inspect.isawaitable(step):
            step = await _tame(step)


async def _tame(step: Awaitable[Any]) -> Any:
    try:
        return await step
    except Exception:
        raise
    except BaseException as error:
        if _ends_the_call(error):
            raise
        raise tamed(error) from error


def _ends_the_call(error: BaseException) -> bool:
    """Whether the call itself is to end, and not only something that the function had begun."""
    task = asyncio.current_task()
    cancelled = isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
    return cancelled or isinstance(error, GeneratorExit)


def _steps(function: Function[..., Any], ctx: Context, args: Mapping[str, object]) -> Generator[Any, Any, Any]:
    given = dict(args)
    callbacks: list[Callable[..., object]] = []
    for each in function.inputs:
        own = keywords(each.parameters, given, name_of(each.run))
        custom = yield each.run(ctx, **own, **each.said)
        _check(each, custom, ctx)
        given = {name: value for name, value in given.items() if name not in own} | dict(custom.args)
        ctx = with_attributes(ctx, custom.ctx, each.ctx)
        _check_context(each, ctx)
        if custom.on_success is not None:
            callbacks.append(custom.on_success)
    final = keywords(function.parameters, given, function.path)
    result = yield function.handler(ctx, **final)
    for callback in reversed(callbacks):
        yield callback(result=result, ctx=ctx, args=final)
    return function.returns.fit(result)


def _check(input: Input, custom: object, ctx: Context) -> None:
    name = name_of(input.run)
    if not isinstance(custom, Custom):
        raise TypeError(f"{name} returned a {type(custom).__name__}: the input of a builder returns Custom(...).")
    for strange in custom.args.keys() - input.passes:
        raise TypeError(f"{name} passes on `{strange}`: name it at the builder, passes=({strange!r},).")
    for known in taken(ctx, custom.ctx, input.ctx):
        raise TypeError(
            f"{name} gives `{known}`, which ctx has already: take another name, or declare `{known}` anew in the class "
            "that the builder names by ctx=."
        )


def _check_context(input: Input, ctx: Context) -> None:
    for name in lacking(ctx):
        raise TypeError(
            f"{type(ctx).__name__} names `{name}`, which {name_of(input.run)} doesn't give: "
            f"Custom(ctx={{{name!r}: ...}})."
        )
