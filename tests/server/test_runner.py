"""Running functions: what callers are told, what is committed."""

import asyncio
import json
import logging
import re
from collections.abc import Callable

import pytest

from server.world import OTHER_ID, RAW_ID, World

Make = Callable[..., World]

CART = """
@query
def get(ctx, session_id: SessionId) -> list:
    items = ctx.db.query("items").with_index("by_session", session_id=session_id)
    return [row["name"] for row in items.collect()]

@mutation
def add(ctx, session_id: SessionId, name: str) -> int:
    ctx.db.insert("items", session_id=session_id, name=name)
    return len(name)

@query
def everything(ctx) -> list:
    return ctx.db.query("items").collect()

@query
def echo(ctx, value: Any) -> Any:
    return value

@internal_query
def count(ctx) -> int:
    return len(ctx.db.query("items").collect())

@internal_mutation
def clear(ctx) -> None:
    for row in ctx.db.query("items").collect():
        ctx.db.delete(row["_id"])
"""
SCHEMA = 'schema = Schema(items=Table().index("by_session", "session_id"))'


@pytest.fixture
def cart(world: Make) -> World:
    """A cart per session."""
    return world(cart=CART, schema=SCHEMA)


def test_a_session_has_its_own_cart(cart: World) -> None:
    """The ID comes in, a digest goes to the database, and the answer is the session's."""
    assert cart.mutation("cart:add", sessionId=RAW_ID, name="tea") == 3.0
    assert cart.query("cart:get", sessionId=RAW_ID) == ["tea"]
    assert cart.query("cart:get", sessionId=OTHER_ID) == []


def test_no_raw_id_gets_past_the_arguments(cart: World) -> None:
    """Not into the file, and what leaks from a document is refused as an ID."""
    cart.mutation("cart:add", sessionId=RAW_ID, name="tea")
    cart.close()
    files = [file for file in cart.database.parent.iterdir() if file.is_file()]
    assert len(files) >= 2
    assert not [file for file in files if RAW_ID.encode() in file.read_bytes()]
    cart.app.state.database.open()
    [leaked] = cart.query("cart:everything")
    assert "not a session ID" in cart.call("query", "cart:get", sessionId=leaked["session_id"]).error


@pytest.mark.parametrize(
    ("kind", "path", "sentence"),
    [
        ("query", "cart:nothing", "Could not find public function for 'cart:nothing'."),
        ("query", "cart:count", "Could not find public function for 'cart:count'."),
        ("query", "cart", "Could not find public function for 'cart:default'."),
        ("mutation", "cart:echo", "Trying to execute cart:echo as Mutation, but it is defined as Query."),
        ("query", "cart:add", "Trying to execute cart:add as Query, but it is defined as Mutation."),
        ("action", "cart:add", "Trying to execute cart:add as Action, but it is defined as Mutation."),
        ("query", "cart:get", "ArgumentValidationError: the required field `sessionId` is missing."),
    ],
)
def test_what_can_not_be_run(cart: World, kind: str, path: str, sentence: str) -> None:
    """A function's error, in Convex's words, without data."""
    answer = cart.call(kind, path)
    assert answer.error == sentence
    assert answer.json == {"status": "error", "errorMessage": sentence}


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        "é",
        None,
        [True],
        {"a": [{"$integer": "AQAAAAAAIAA="}]},
        {"$float": "AAAAAAAAAIA="},
        {"$float": "AAAAAAAA+H8="},
        {"$bytes": "ABCD"},
    ],
)
def test_values_go_through(cart: World, value: object) -> None:
    """As they came."""
    assert cart.query("cart:echo", value=value) == value


def test_numbers_are_floats_on_the_wire(cart: World) -> None:
    """`3.0` and not `3`: Convex's Python client refuses the latter."""
    assert '"value":3.0' in cart.call("query", "cart:echo", value=3).text


ERRORS = """
class Mean(Exception):
    def __str__(self):
        return "half a pair: \\ud800"

@mutation
def fail(ctx, how: str) -> Any:
    ctx.db.insert("items", how=how)
    if how == "data":
        raise FunctionError({"code": "sold_out", "message": "Sold out."})
    if how == "none":
        raise FunctionError(None)
    if how == "bare":
        raise FunctionError
    if how == "sentence":
        raise FunctionError("Sold out.")
    if how == "surrogate":
        raise FunctionError(message="half a pair: \\ud800")
    if how == "bad data":
        raise FunctionError(object())
    if how == "bad result":
        return {"a": object()}
    if how == "big result":
        return 2 ** 60
    if how == "value":
        raise ValueError("the secret reason")
    if how == "mean":
        raise Mean
    if how == "call":
        raise CallError("a secret of the server's")
    if how == "exit":
        sys.exit(1)
    if how == "stop":
        raise StopIteration
    if how == "deep":
        raise RecursionError("too deep")
    if how == "cancel":
        raise asyncio.CancelledError
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "db":
        ctx.db.get(None)

@query
def fail_query(ctx, how: str) -> Any:
    return fail.handler(_Fake(), how)

@action
async def fail_action(ctx, how: str) -> Any:
    return fail.handler(_Fake(), how)

class _Fake:
    @property
    def db(self):
        return self

    def insert(self, *args, **kwargs):
        pass

    def get(self, id):
        raise TypeError

@query
def items(ctx) -> list:
    return [row["how"] for row in ctx.db.query("items").collect()]
"""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("data", {"errorMessage": "Sold out.", "errorData": {"code": "sold_out", "message": "Sold out."}}),
        ("none", {"errorMessage": "The function failed.", "errorData": None}),
        ("bare", {"errorMessage": "The function failed."}),
        ("sentence", {"errorMessage": "Sold out.", "errorData": "Sold out."}),
        ("surrogate", {"errorMessage": "half a pair: \\ud800"}),
    ],
)
def test_a_function_error_reaches_the_caller(world: Make, how: str, expected: dict[str, object]) -> None:
    """With its data, from every kind of function, and a mutation that raises it has not happened."""
    shop = world(shop=ERRORS)
    for kind, path in (
        ("mutation", "shop:fail"),
        ("query", "shop:fail_query"),
        ("action", "shop:fail_action"),
    ):
        assert shop.call(kind, path, how=how).json == {"status": "error", **expected}
    assert shop.query("shop:items") == []


BROKEN = [
    "bad data",
    "bad result",
    "big result",
    "value",
    "call",
    "exit",
    "stop",
    "deep",
    "interrupt",
    "db",
    "cancel",
]


@pytest.mark.parametrize("how", BROKEN)
def test_anything_else_is_a_number(world: Make, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets it, the log has the rest under it; nothing is committed, and the server goes on."""
    shop = world(shop=ERRORS)
    for kind, path in (("mutation", "shop:fail"), ("query", "shop:fail_query"), ("action", "shop:fail_action")):
        caplog.clear()
        with caplog.at_level(logging.ERROR, "pillion_server"):
            message = shop.call(kind, path, how=how).error
        match = re.fullmatch(r"\[Request ID: ([0-9a-f]{16})\] Server Error", message)
        assert match
        [record] = caplog.records
        assert match[1] in record.getMessage()
        assert path in record.getMessage()
        assert record.exc_info
    assert shop.query("shop:items") == []


def test_dev_tells_the_caller(world: Make) -> None:
    """The type and the text of the exception, for whoever writes the page."""
    shop = world({"dev": True}, shop=ERRORS)
    error = shop.call("mutation", "shop:fail", how="value").error
    assert "Server Error\nUncaught ValueError: the secret reason\n" in error
    assert 'raise ValueError("the secret reason")' in error  # the whole traceback
    assert "$.a: a value of type object can't travel" in shop.call("mutation", "shop:fail", how="bad result").error


@pytest.mark.parametrize("dev", [True, False])
def test_an_error_whose_text_is_no_text(world: Make, dev: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a surrogate pair in it; pytest's own log, which can't hold that, is left out."""
    monkeypatch.setattr(logging.getLogger("pillion_server"), "propagate", False)
    shop = world({"dev": dev}, shop=ERRORS)
    for kind, path in (("mutation", "shop:fail"), ("query", "shop:fail_query"), ("action", "shop:fail_action")):
        error = shop.call(kind, path, how="mean").error
        assert error.endswith("Mean: half a pair: \\ud800" if dev else "Server Error")
    assert shop.query("shop:items") == []


ACTIONS = """
from .cart import add, count

@action
async def both(ctx, session_id: SessionId) -> list:
    await ctx.run_mutation(add, session_id=session_id, name="tea")
    await ctx.run_mutation(api.cart.add, session_id=session_id, name="milk")
    names = await ctx.run_query("cart:get", session_id=session_id)
    return [names, await ctx.run_query(count), await ctx.run_action(api.more.answer)]

@action
async def sessions(ctx, session_id: SessionId) -> list:
    functions = run_session_functions(ctx, session_id)
    await functions["run_session_mutation"](api.cart.add, name="tea")
    return await functions["run_session_query"](api.cart.get)

@internal_action
async def answer(ctx) -> int:
    await asyncio.sleep(0)
    return 42

@action
async def caught(ctx, what: str) -> str:
    try:
        if what == "unknown":
            await ctx.run_query("cart:nothing")
        if what == "kind":
            await ctx.run_query("cart:add")
        if what == "arguments":
            await ctx.run_query("cart:get")
        if what == "value":
            await ctx.run_query("cart:echo", value=object())
        if what == "plain digest":
            [row] = await ctx.run_query("cart:everything")
            await ctx.run_query("cart:get", session_id=row["session_id"])
        if what == "function":
            await ctx.run_query("more:failing")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "no error"

@action
async def uncaught(ctx) -> None:
    await ctx.run_query("cart:get")

@action
async def through(ctx) -> None:
    await ctx.run_query("more:failing")

@internal_query
def failing(ctx) -> None:
    raise FunctionError({"code": "no"})

@action
async def both_at_once(ctx) -> str:
    both = ctx.run_query("more:exits"), ctx.run_mutation("cart:clear")
    return type((await asyncio.gather(*both, return_exceptions=True))[0]).__name__

@internal_query
def exits(ctx) -> None:
    sys.exit(1)

@action
async def mutable(ctx) -> list:
    value = [1, {"a": 2.0}]
    return [value, await ctx.run_query("more:grow", value=value)]

@internal_query
def grow(ctx, value: Any) -> Any:
    value.append(3)
    value[1]["a"] = 4
    return value

@action
async def back(ctx, session_id: SessionId) -> list:
    await ctx.run_mutation("cart:add", session_id=session_id, name="x")
    [row] = await ctx.run_query("cart:everything")
    return await ctx.run_query("cart:get", session_id=SessionId(row["session_id"]))
"""


@pytest.fixture
def more(world: Make) -> World:
    """The cart, and actions over it."""
    return world(cart=CART, schema=SCHEMA, more=ACTIONS)


def test_an_action_runs_functions(more: World) -> None:
    """Named by themselves, a reference or a path, internal ones too; each sees what was committed before."""
    assert more.action("more:both", sessionId=RAW_ID) == [["tea", "milk"], 2.0, 42.0]
    assert more.query("cart:get", sessionId=RAW_ID) == ["tea", "milk"]


def test_an_actions_session_functions(more: World) -> None:
    """The digest goes along and is not digested again."""
    assert more.action("more:sessions", sessionId=RAW_ID) == ["tea"]
    assert more.query("cart:get", sessionId=RAW_ID) == ["tea"]


def test_a_digest_from_a_document(more: World) -> None:
    """It is passed on when it is called a SessionId."""
    assert more.action("more:back", sessionId=RAW_ID) == ["x"]


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("unknown", "CallError: Could not find"),
        ("kind", "CallError: Trying to execute"),
        ("arguments", "ArgumentError: ArgumentValidationError: the required field `sessionId`"),
        ("value", "EncodingError: $.value: a value of type object can't travel"),
        ("plain digest", "ArgumentError: ArgumentValidationError: `sessionId`: not a session ID"),
        ("function", "FunctionError: The function failed: {'code': 'no'}"),
    ],
)
def test_an_action_may_catch_what_fails(more: World, what: str, error: str) -> None:
    """It is raised in it as it is."""
    more.mutation("cart:add", sessionId=RAW_ID, name="x")
    assert more.action("more:caught", what=what).startswith(error)


def test_what_an_action_does_not_catch(more: World) -> None:
    """Data for the caller passes through; the server's own slips are a number."""
    assert more.call("action", "more:through").json["errorData"] == {"code": "no"}
    assert more.call("action", "more:uncaught").error.endswith("Server Error")


def test_a_function_that_exits_inside_a_gather(more: World) -> None:
    """It is an error there like any other."""
    assert more.action("more:both_at_once") == "RuntimeError"


def test_functions_share_no_objects(more: World) -> None:
    """What one changes is its own, as if it had come over the wire."""
    assert more.action("more:mutable") == [[1.0, {"a": 2.0}], [1.0, {"a": 4.0}, 3.0]]


def test_concurrent_mutations_are_all_there(cart: World) -> None:
    """Those that fail among them leave nothing."""

    async def main() -> None:
        calls = [cart.acall("mutation", "cart:add", sessionId=RAW_ID, name=f"n{n}" if n % 5 else 7) for n in range(100)]
        answers = await asyncio.gather(*calls)
        assert [answer.json["status"] for answer in answers].count("success") == 80

    asyncio.run(main())
    names = cart.query("cart:get", sessionId=RAW_ID)
    assert sorted(names) == sorted(f"n{n}" for n in range(100) if n % 5)


EVERYWHERE = """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError("not even this")

def fail(how: str) -> Any:
    if how == "data":
        raise FunctionError({"n": Int64(1)}, "Sold out.")
    if how == "odd message":
        raise FunctionError(None, 7)
    if how == "odd data":
        raise FunctionError(object())
    if how == "mute":
        raise Mute
    if how == "base":
        raise BaseException("all the way")
    if how == "result":
        return object()
    raise ValueError("the secret reason")

def at_input(ctx, where: str, how: str) -> Custom:
    if where == "input":
        fail(how)
    def done(**kwargs) -> None:
        if where == "success":
            fail(how)
    return Custom(args={"where": where, "how": how}, on_success=done)

def handle(ctx, where: str, how: str) -> Any:
    return fail(how) if where == "handler" else 1

@custom_query(query, at_input)
def ask(ctx, where: str, how: str) -> Any:
    return handle(ctx, where, how)

@custom_mutation(mutation, at_input)
def change(ctx, where: str, how: str) -> Any:
    ctx.db.insert("items")
    return handle(ctx, where, how)

@custom_action(action, at_input)
async def act(ctx, where: str, how: str) -> Any:
    return handle(ctx, where, how)

@action
async def through(ctx, kind: str, where: str, how: str) -> Any:
    run = {"ask": ctx.run_query, "change": ctx.run_mutation, "act": ctx.run_action}[kind]
    return await run(f"shop:{kind}", where=where, how=how)

@query
def count(ctx) -> int:
    return len(ctx.db.query("items").collect())
"""
WAYS = ["direct", "run", "action", "batch", "key"]


def send(shop: World, way: str, function: str, args: dict[str, str]) -> dict[str, object]:
    """The answer of a function that is called in this way."""
    call = {"path": f"shop:{function}", "args": args, "format": "json"}
    headers: dict[str, str] = {}
    kind = {"ask": "query", "change": "mutation", "act": "action"}[function]
    address = f"/api/{kind}"
    if way == "run":
        address = f"/api/run/shop/{function}"
    elif way == "action":
        address, call = "/api/action", {"path": "shop:through", "args": {"kind": function, **args}}
    elif way == "key" and kind == "mutation":
        headers = {"idempotency-key": "a-key-for-this-one"}
    elif way == "batch" and kind == "query":
        answer = shop.request("POST", "/api/query_batch", json.dumps({"queries": [call]}).encode())
        return dict(answer.json["results"][0])
    answer = shop.request("POST", address, json.dumps(call).encode(), headers)
    assert answer.status == 200
    return answer.json


@pytest.mark.parametrize("dev", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("function", ["ask", "change", "act"])
def test_errors_from_everywhere(
    world: Make, function: str, way: str, dev: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Input, handler, what is done on success, result; each kind, each way: data is told, the rest is a number."""
    shop = world({"dev": dev}, shop=EVERYWHERE)
    for where in ("input", "handler", "success"):
        told = send(shop, way, function, {"where": where, "how": "data"})
        assert told == {"status": "error", "errorMessage": "Sold out.", "errorData": {"n": "1"}}
        odd = send(shop, way, function, {"where": where, "how": "odd message"})
        assert odd == {"status": "error", "errorMessage": "7", "errorData": None}
        for how in ("odd data", "mute", "base", "value", "result"):
            if how == "result" and where != "handler":
                continue
            caplog.clear()
            answer = send(shop, way, function, {"where": where, "how": how})
            message = str(answer["errorMessage"])
            match = re.match(r"\[Request ID: ([0-9a-f]{16})\] Server Error", message)
            assert match, message
            assert "errorData" not in answer
            assert "secret" not in message or dev
            assert ("Traceback" in message) is dev
            [record] = [record for record in caplog.records if match[1] in record.getMessage()]
            assert record.exc_info
    assert shop.query("shop:count") == 0.0


CANCELS = """
@action
async def inner(ctx) -> None:
    task = asyncio.ensure_future(asyncio.sleep(60))
    task.cancel()
    await task

@action
async def slow(ctx) -> None:
    ctx.log("begun")
    await asyncio.sleep(60)
"""


def test_something_that_an_action_cancelled(world: Make) -> None:
    """What it awaits was cancelled, not the call: an error like any other."""
    shop = world(shop=CANCELS)
    assert shop.call("action", "shop:inner").error.endswith("Server Error")


def test_a_call_that_is_cancelled(world: Make, caplog: pytest.LogCaptureFixture) -> None:
    """It ends, as whoever cancels it expects."""
    shop = world(shop=CANCELS)

    async def main() -> None:
        call = asyncio.ensure_future(shop.acall("action", "shop:slow"))
        while "begun" not in caplog.text:
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    with caplog.at_level(logging.INFO, "pillion_server"):
        asyncio.run(main())
