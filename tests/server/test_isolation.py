"""What transactions see of each other, and how often they run. Whether they are serializable: `histories`."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from pillion_server import database
from pillion_server.sqlite import Connection
from server.world import OTHER_ID, RAW_ID, World

Make = Callable[..., World]

COUNTER = """
runs = []

@mutation
def increment(ctx) -> int:
    runs.append(1)
    counter = ctx.db.query("counters").first()
    if counter is None:
        ctx.db.insert("counters", n=1)
        return 1
    ctx.db.patch(counter["_id"], n=counter["n"] + 1)
    return counter["n"] + 1

@query
def times_run(ctx) -> int:
    return len(runs)

@action
async def act(ctx) -> list:
    return [await ctx.run_mutation("counter:increment") for _ in range(2)]
"""


def test_a_mutation_runs_once(world: Make) -> None:
    """All want the same document at the same time: they wait for each other, so none is ever run again."""
    counter = world(counter=COUNTER)

    async def main() -> list[float]:
        answers = await asyncio.gather(*(counter.acall("mutation", "counter:increment") for _ in range(200)))
        return [answer.value for answer in answers]

    assert sorted(asyncio.run(main())) == list(range(1, 201))
    assert counter.query("counter:times_run") == 200


def test_a_mutation_of_an_action_or_with_a_key_runs_once(world: Make) -> None:
    """Each call of an action is a transaction of its own; who sends a call again under its key runs nothing."""
    counter = world(counter=COUNTER)
    body = b'{"path": "counter:increment", "args": {}}'

    async def main() -> tuple[list[list[float]], list[float]]:
        acts = asyncio.gather(*(counter.acall("action", "counter:act") for _ in range(30)))
        keys = [{"idempotency-key": f"{number:016}"} for number in range(30)] * 2
        sent = asyncio.gather(*(counter.arequest("POST", "/api/mutation", body, key) for key in keys))
        return [answer.value for answer in await acts], [answer.value for answer in await sent]

    acts, sent = asyncio.run(main())
    assert sent[:30] == sent[30:]
    assert sorted([*sent[:30], *(number for act in acts for number in act)]) == list(range(1, 91))
    assert all(first < second for first, second in acts)
    assert counter.query("counter:times_run") == 90


def test_a_mutation_that_finds_the_file_locked_is_not_run(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """So its caller may try again, even when the function does more than write documents."""
    monkeypatch.setattr(database, "BUSY_MS", 10)
    counter = world(counter=COUNTER)
    with contextlib.closing(Connection(counter.database, write=True, busy_ms=0)) as other:
        other.run("begin immediate")
        assert counter.call("mutation", "counter:increment").status == 503
    assert counter.query("counter:times_run") == 0
    assert counter.mutation("counter:increment") == 1


ACTIONS = """
import threading

written, go = threading.Event(), threading.Event()

@mutation
def add(ctx, session_id: SessionId, slow: bool) -> None:
    ctx.db.insert("items", session_id=session_id)
    if slow:
        written.set()
        go.wait(10)

@query
def count(ctx, session_id: SessionId) -> int:
    return len([row for row in ctx.db.query("items").collect() if row["session_id"] == session_id])

@action
async def counted(ctx, session_id: SessionId) -> int:
    return await ctx.run_query("items:count", session_id=session_id)

@action
async def look(ctx, session_id: SessionId, twins: bool) -> list:
    if twins:
        run_query, run_mutation, run_action = run_session_functions(ctx, session_id).values()
        session = {}
    else:
        run_query, run_mutation, run_action = ctx.run_query, ctx.run_mutation, ctx.run_action
        session = {"session_id": session_id}
    seen = [await run_query("items:count", **session)]
    adding = asyncio.ensure_future(run_mutation("items:add", slow=True, **session))
    await asyncio.to_thread(written.wait, 10)
    seen += [await run_query("items:count", **session), await run_action("items:counted", **session)]
    go.set()
    await adding
    seen += [await run_query("items:count", **session), await run_action("items:counted", **session)]
    await run_mutation("items:add", slow=False, **session)
    return [*seen, await run_query("items:count", **session)]
"""


@pytest.mark.parametrize("twins", [False, True])
def test_an_action_sees_what_is_committed(world: Make, twins: bool) -> None:
    """At once when it is, and not before; queries don't wait for a mutation that is at work."""
    items = world(items=ACTIONS)
    items.mutation("items:add", sessionId=OTHER_ID, slow=False)
    assert items.action("items:look", sessionId=RAW_ID, twins=twins) == [0, 0, 0, 1, 1, 2]
