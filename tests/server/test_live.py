"""Live queries against running everything again: nothing stale, nothing run that was not touched, each once."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillion_server.reloading import reload
from server.sync_world import Socket, add, remove, socket
from server.world import OTHER_ID, RAW_ID, World, write_functions

SHOP = """
import threading

RAN = []

@query
def of(ctx, name: str) -> list[float]:
    RAN.append(("of", name))
    return [item["n"] for item in ctx.db.query("items").with_index("by_name", name=name).collect()]

@query
def above(ctx, n: float) -> int:
    RAN.append(("above", n))
    return len(ctx.db.query("items").with_index("by_n").gt("n", n).collect())

@query
def half(ctx, which: int) -> float:
    found = ctx.db.query("sums").collect()
    return found[which]["n"] if found else 0

MET = threading.Barrier(2)

@query
def meeting(ctx, who: str) -> int:
    MET.wait(10)
    return len(ctx.db.query("items").collect())

@query
def broken(ctx, name: str) -> int:
    RAN.append(("broken", name))
    raise ValueError(len(ctx.db.query("items").with_index("by_name", name=name).collect()) > 1)

@query
def notes(ctx, session_id: SessionId) -> list[str]:
    return [note["text"] for note in ctx.db.query("notes").with_index("by_session", session_id=session_id).collect()]

@mutation
def note(ctx, session_id: SessionId, text: str) -> None:
    ctx.db.insert("notes", session_id=session_id, text=text)

@mutation
def move(ctx, session_id: SessionId, old_session_id: SessionId, grace: float) -> None:
    ctx.sessions.transfer(old_session_id, session_id, grace=grace)

@mutation
def add(ctx, name: str, n: float) -> None:
    ctx.db.insert("items", name=name, n=n)

@mutation
def twice(ctx) -> None:
    have = ctx.db.query("sums").collect()
    n = have[0]["n"] + 1 if have else 1
    for each in have:
        ctx.db.patch(each["_id"], n=n)
    if not have:
        ctx.db.insert("sums", n=n)
        ctx.db.insert("sums", n=n)
"""
SCHEMA = """
schema = Schema(
    items=Table().index("by_name", "name").index("by_n", "n"), notes=Table().index("by_session", "session_id")
)
"""
NAMES = ["a", "b", "c"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[World]:
    """A shop."""
    world = World(tmp_path, shop=SHOP, schema=SCHEMA)
    yield world
    world.close()


def ran(shop: World) -> list[Any]:
    """What has been run since it was last asked for."""
    runs = next(iter(shop.app.state.registry)).handler.__globals__["RAN"]
    found = list(runs)
    runs.clear()
    return found


async def shown(page: Socket, request: int, path: str, **args: object) -> None:
    """Runs a mutation, until its effect is shown on the same page."""
    page.mutate(request, path, **args)
    assert (await page.response())["success"]
    await page.frame()


QUERIES = st.one_of(
    st.sampled_from(NAMES).map(lambda name: ("shop:of", {"name": name})),
    st.integers(0, 3).map(lambda n: ("shop:above", {"n": float(n)})),
)
WRITES = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 4)), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(QUERIES, max_size=5), min_size=1, max_size=4), WRITES)
def test_it_shows_what_running_everything_shows(
    shop: World, pages: list[list[tuple[str, dict[str, Any]]]], writes: list[tuple[str, int]]
) -> None:
    """On every page after every commit, and only the queries that it touches have run, each once."""

    async def main() -> None:
        sockets = [socket(shop.app) for _ in pages]
        clients = [await each.__aenter__() for each in sockets]
        for client, queries in zip(clients, pages, strict=True):
            client.connect()
            client.modify(0, *(add(number, path, **args) for number, (path, args) in enumerate(queries)))
            await client.frame()
        ran(shop)
        subscribed = {(path, *args.values()) for queries in pages for path, args in queries}
        for request, (name, n) in enumerate(writes):
            before = [dict(client.values) for client in clients]
            await shown(clients[0], request, "shop:add", name=name, n=float(n))
            touched = Counter(
                (path.removeprefix("shop:"), arg)
                for path, arg in subscribed
                if (path == "shop:of" and arg == name) or (path == "shop:above" and n > arg)
            )
            assert Counter(ran(shop)) == touched
            for client, values, queries in zip(clients, before, pages, strict=True):
                fresh = {}
                for number, (path, args) in enumerate(queries):
                    fresh[number] = (await shop.acall("query", path, **args)).value
                if client is not clients[0] and fresh != values:
                    await client.frame()
                assert client.values == fresh
                assert client.unread == 0
            # What is shown is kept, unless it was read just as its commit was being noted.
            assert set(ran(shop)) <= set(touched)
        for each in sockets:
            await each.__aexit__(None, None, None)

    asyncio.run(main())


def test_many_who_show_the_same_cost_one_run(shop: World) -> None:
    """A hundred sockets, one run for each commit; and none when they have left."""

    async def main() -> None:
        sockets = [socket(shop.app) for _ in range(100)]
        clients = [await each.__aenter__() for each in sockets]
        for client in clients:
            client.connect()
            client.modify(0, add(0, "shop:of", name="a"))
        for client in clients:
            await client.frame()
        assert ran(shop) == [("of", "a")]
        clients[0].mutate(0, "shop:add", name="a", n=1.0)
        await clients[0].response()
        for client in clients:
            await client.frame()
            assert client.values == {0: [1.0]}
        assert ran(shop) == [("of", "a")]
        for client in clients[1:]:
            client.modify(1, remove(0))
            await client.frame()
        clients[0].modify(1, remove(0))
        await clients[0].frame()
        await shown(clients[0], 1, "shop:add", name="a", n=2.0)
        assert ran(shop) == []
        for each in sockets:
            await each.__aexit__(None, None, None)

    asyncio.run(main())


def test_no_transition_is_torn(shop: World) -> None:
    """Queries that show halves of one state agree in every transition, however busy the writers are."""

    async def main() -> None:
        async with socket(shop.app) as page, socket(shop.app) as busy, socket(shop.app) as idle:
            for client in (page, busy, idle):
                client.connect()
                client.modify(0)
                await client.frame()
            order = random.Random(1)
            page.modify(1, add(0, "shop:half", which=0), add(1, "shop:half", which=1))
            for number in range(60):
                busy.mutate(number, "shop:twice")
                idle.mutate(number, "shop:add", name=order.choice(NAMES), n=1.0)
            while page.values.get(0) != 60.0:
                await page.frame()
                assert page.values[0] == page.values[1]

    asyncio.run(main())


def test_loading_anew_runs_everything_again(shop: World) -> None:
    """The functions that are there now."""

    async def main() -> None:
        async with socket(shop.app) as page:
            page.connect()
            page.modify(0, add(0, "shop:of", name="a"))
            await page.frame()
            write_functions(shop.functions, shop="@query\ndef of(ctx, name: str) -> str:\n    return name + '!'\n")
            assert await reload(shop.functions, shop.app.state.registry, shop.app.state.database)
            await page.frame()
            assert page.values == {0: "a!"}

    asyncio.run(main())


@pytest.mark.parametrize("dev", [False, True])
def test_a_failure_that_stays_is_not_sent_again(tmp_path: Path, dev: bool) -> None:
    """Each run has a number of its own, which is no news; another reason is, where it is told."""

    async def main() -> None:
        async with socket(shop.app) as page:
            page.connect()
            page.modify(0, add(0, "shop:broken", name="a"))
            await page.frame()
            assert "Request ID" in page.values[0]
            assert ran(shop) == [("broken", "a")]
            for number, sent in enumerate((0, 1 if dev else 0)):
                page.mutate(number, "shop:add", name="a", n=1.0)
                assert (await page.response())["success"]
                assert len((await page.frame())["modifications"]) == sent
                assert ran(shop) == [("broken", "a")]

    shop = World(tmp_path, {"dev": dev}, shop=SHOP, schema=SCHEMA)
    asyncio.run(main())
    shop.close()


def test_an_alias_that_runs_out(shop: World) -> None:
    """The old ID opens a session of its own then, and is shown what that has, though nothing is written."""

    async def main() -> None:
        await shop.acall("mutation", "shop:note", sessionId=RAW_ID, text="mine")
        moved = await shop.acall("mutation", "shop:move", sessionId=OTHER_ID, old_session_id=RAW_ID, grace=2.0)
        assert moved.value is None
        async with socket(shop.app) as page:
            page.connect()
            page.modify(0, add(0, "shop:notes", sessionId=RAW_ID), add(1, "shop:notes", sessionId=OTHER_ID))
            await page.frame()
            assert page.values == {0: ["mine"], 1: ["mine"]}
            [modification] = (await page.frame())["modifications"]
            assert (modification["queryId"], modification["value"]) == (0, [])

    asyncio.run(main())


def test_long_rounds_are_shared_out(shop: World) -> None:
    """Two queries of one commit that end only when both are under way, in one snapshot."""

    async def main() -> None:
        async with socket(shop.app) as page:
            page.connect()
            page.modify(0, add(0, "shop:meeting", who="ada"), add(1, "shop:meeting", who="eve"))
            await page.frame()
            assert page.values == {0: 0.0, 1: 0.0}
            await shown(page, 0, "shop:add", name="a", n=1.0)
            assert page.values == {0: 1.0, 1: 1.0}

    asyncio.run(main())
