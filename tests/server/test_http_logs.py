"""What functions say by `ctx.log`, in their answers and on the server's log."""

import logging
from collections.abc import Callable

import pytest

from server.world import OTHER_ID, RAW_ID, World

Make = Callable[..., World]

LOGGING = """
def say(ctx, name: str) -> Custom:
    def done(**kwargs) -> None:
        ctx.log("done")
    ctx.log("input", name)
    return Custom(on_success=done, args={"name": name})

@custom_query(query, say)
def ask(ctx, name: str) -> int:
    ctx.log("asked", 1, None)
    return 1

@custom_mutation(mutation, say)
def change(ctx, name: str) -> None:
    ctx.log("changed")
    if name == "bad":
        raise FunctionError("no")
    if name == "broken":
        raise ValueError("no")

@custom_action(action, say)
async def act(ctx, name: str) -> None:
    ctx.log("before")
    await ctx.run_query(ask, name="inner")
    try:
        await ctx.run_mutation(change, name="bad")
    except FunctionError:
        ctx.log("after")

@query
def own(ctx, session_id: SessionId, text: str) -> None:
    ctx.log(session_id, text)
"""


def test_what_functions_say(world: Make, caplog: pytest.LogCaptureFixture) -> None:
    """From the input, the handler, what is done on success, and what an action runs; on the server's log as well."""
    shop = world(shop=LOGGING)
    with caplog.at_level(logging.INFO, "pillion_server"):
        asked = shop.call("query", "shop:ask", name="x").json
        acted = shop.call("action", "shop:act", name="x").json
    assert asked["logLines"] == ["[LOG] 'input' 'x'", "[LOG] 'asked' 1 None", "[LOG] 'done'"]
    assert acted["logLines"] == [
        "[LOG] 'input' 'x'",
        "[LOG] 'before'",
        "[LOG] 'input' 'inner'",
        "[LOG] 'asked' 1 None",
        "[LOG] 'done'",
        "[LOG] 'input' 'bad'",
        "[LOG] 'changed'",
        "[LOG] 'after'",
        "[LOG] 'done'",
    ]
    said = [record.getMessage() for record in caplog.records]
    assert said[:3] == ["shop:ask: 'input' 'x'", "shop:ask: 'asked' 1 None", "shop:ask: 'done'"]
    assert "shop:change: 'changed'" in said


@pytest.mark.parametrize("name", ["bad", "broken"])
def test_what_a_failing_function_said(world: Make, name: str) -> None:
    """Its lines go with the error; what would have been done on success is not."""
    shop = world(shop=LOGGING)
    answer = shop.call("mutation", "shop:change", name=name)
    assert answer.error
    assert answer.json["logLines"] == [f"[LOG] 'input' '{name}'", "[LOG] 'changed'"]


def test_no_line_holds_a_session_id(world: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the one that the function never sees nor one that it got as text."""
    shop = world(shop=LOGGING)
    with caplog.at_level(logging.INFO, "pillion_server"):
        answer = shop.call("query", "shop:own", sessionId=RAW_ID, text=OTHER_ID)
    assert answer.json["logLines"]
    for id in (RAW_ID, OTHER_ID):
        assert id not in answer.text + caplog.text
