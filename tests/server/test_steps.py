"""The steps of one call."""

import asyncio
from typing import Any

import pytest

from pillion_server import Custom, action, custom_action, custom_mutation, custom_query, mutation, query
from pillion_server.contexts import Context, QueryCtx
from pillion_server.steps import run, run_async

CTX = Context({"db": "the database"})


def test_a_plain_function() -> None:
    """The handler gets the context and the arguments as keywords."""

    @query
    def f(ctx: Any, a: int, b: int = 2) -> object:
        return ctx.db, a, b

    assert run(f, CTX, {"a": 1}) == ("the database", 1, 2)


def test_inputs_in_order_then_the_handler_then_on_success_backwards() -> None:
    """The outer builder's input comes first, its on_success last; each later one sees the context so far."""
    log: list[object] = []

    def outer(ctx: Any, a: int) -> Custom:
        log.append(("outer", a))
        return Custom(ctx={"a": a}, on_success=lambda **all: log.append(("outer done", all["result"])))

    def inner(ctx: Any, b: int) -> Custom:
        log.append(("inner", ctx.a, b))
        return Custom(
            ctx={"b": b},
            args={"b": b},
            on_success=lambda **all: log.append(("inner done", all["ctx"].b, all["args"])),
        )

    @custom_mutation(custom_mutation(mutation, outer), inner)
    def f(ctx: Any, b: int, c: int) -> int:
        log.append(("handler", ctx.a, ctx.b, b, c))
        return ctx.a + ctx.b + c

    assert run(f, CTX, {"a": 1, "b": 2, "c": 3}) == 6
    assert log == [
        ("outer", 1),
        ("inner", 1, 2),
        ("handler", 1, 2, 2, 3),
        ("inner done", 2, {"b": 2, "c": 3}),
        ("outer done", 6),
    ]


def test_what_is_consumed_and_not_passed_on_is_gone() -> None:
    """A handler that wants it too gets a message for its author."""

    def with_a(ctx: object, a: int) -> Custom:
        return Custom()

    @custom_query(query, with_a)
    def f(ctx: object, a: int) -> int:
        return a

    with pytest.raises(TypeError, match="`a`, which an input of its builder took off"):
        run(f, CTX, {"a": 1})


def test_what_is_passed_on_to_nobody_is_dropped() -> None:
    """An input need not know which handlers want it."""

    def with_a(ctx: object, a: int) -> Custom:
        return Custom(args={"a": a})

    @custom_query(query, with_a)
    def f(ctx: object) -> str:
        return "ok"

    assert run(f, CTX, {"a": 1}) == "ok"


def test_passing_on_an_undeclared_name() -> None:
    """It would be an argument of the caller's as well, so it is refused with what to write."""

    def with_user(ctx: object) -> Custom:
        return Custom(args={"user": "ada"})

    @custom_query(query, with_user)
    def f(ctx: object) -> None: ...

    @custom_query(query, with_user, passes=["user"])
    def g(ctx: object, user: str) -> str:
        return user

    with pytest.raises(TypeError, match=r"passes=\('user',\)"):
        run(f, CTX, {})
    assert run(g, CTX, {}) == "ada"


def test_the_context_of_one_call_is_not_that_of_another() -> None:
    """What an input adds stays in its call."""

    def with_a(ctx: object, a: int) -> Custom:
        return Custom(ctx={"a": a})

    @custom_query(query, with_a)
    def f(ctx: Any) -> object:
        return ctx.a, ctx.db

    assert run(f, CTX, {"a": 1}) == (1, "the database")
    with pytest.raises(AttributeError, match="ctx has no 'a'"):
        _ = CTX.a


class AnotherCtx(QueryCtx):
    """With a `db` of its own."""

    db: Any


def test_a_name_that_the_context_has() -> None:
    """It is replaced by who says so, and by nobody else."""

    def with_db(ctx: object) -> Custom:
        return Custom(ctx={"db": "another"})

    def with_log(ctx: object) -> Custom:
        return Custom(ctx={"log": print})

    def get(ctx: Any) -> object:
        return ctx.db

    ctx = QueryCtx({"db": "the database"})
    declared = custom_query(query, with_db, ctx=AnotherCtx)
    assert run(declared(get), ctx, {}) == "another"
    for builder, name in (
        (custom_query(query, with_db), "db"),
        (custom_query(declared, with_db), "db"),
        (custom_query(query, with_log), "log"),
    ):
        with pytest.raises(TypeError, match=f"with_{name} gives `{name}`, which ctx has already: take another name"):
            run(builder(get), ctx, {})


def test_an_input_returns_a_custom() -> None:
    """Nothing else."""

    def forgetful(ctx: object) -> None: ...

    @custom_query(query, forgetful)
    def f(ctx: object) -> None: ...

    with pytest.raises(TypeError, match=r"forgetful returned a NoneType.*Custom\(\.\.\.\)"):
        run(f, CTX, {})


def test_on_success_only_after_success() -> None:
    """And when it raises, the call has failed."""
    log: list[str] = []

    def fail(**all: object) -> None:
        raise ValueError("on_success")

    def with_log(ctx: object, fail_after: bool) -> Custom:
        return Custom(on_success=fail if fail_after else lambda **all: log.append("success"))

    @custom_mutation(mutation, with_log)
    def f(ctx: object) -> None:
        raise ValueError("handler")

    @custom_mutation(mutation, with_log)
    def g(ctx: object) -> None: ...

    with pytest.raises(ValueError, match="handler"):
        run(f, CTX, {"fail_after": False})
    assert log == []
    with pytest.raises(ValueError, match="on_success"):
        run(g, CTX, {"fail_after": True})


def test_a_transaction_can_not_wait() -> None:
    """A plain def that gives back a coroutine is found out."""

    async def later() -> None: ...

    @query
    def f(ctx: object) -> object:
        return later()

    with pytest.raises(TypeError, match="can't wait; make it an action"):
        run(f, CTX, {})


def test_an_action_waits_everywhere() -> None:
    """For its inputs, its handler, and what comes on success."""
    log: list[object] = []

    async def done(*, result: object, ctx: object, args: object) -> None:
        await asyncio.sleep(0)
        log.append(result)

    async def with_a(ctx: object, a: int) -> Custom:
        await asyncio.sleep(0)
        return Custom(ctx={"a": a}, on_success=done)

    def with_b(ctx: Any) -> Custom:
        return Custom(ctx={"b": ctx.a + 1})

    @custom_action(custom_action(action, with_a), with_b)
    async def f(ctx: Any) -> object:
        await asyncio.sleep(0)
        return ctx.a, ctx.b

    assert asyncio.run(run_async(f, CTX, {"a": 1})) == (1, 2)
    assert log == [(1, 2)]


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_an_action_can_not_end_the_server(error: BaseException) -> None:
    """Before it first waits, or after."""

    def with_exit(ctx: object, early: bool) -> Custom:
        if early:
            raise error
        return Custom()

    @custom_action(action, with_exit)
    async def f(ctx: object) -> None:
        await asyncio.sleep(0)
        raise error

    for early in (True, False):
        with pytest.raises(RuntimeError, match="can't end the server"):
            asyncio.run(run_async(f, CTX, {"early": early}))
