"""What runs in the event loop, and what on a thread."""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillion_server import FunctionError, MutationCtx, QueryCtx, Registry, create_app, mutation, query
from pillion_server.pace import QUICK_SECONDS, Pace
from pillion_server.reads import BRIEF_BYTES, BRIEF_DOCUMENTS, TooLong
from server.world import call_asgi

ran = list[str]()
_numbers = itertools.count()


def note() -> None:
    ran.append("thread" if threading.current_thread().name.startswith("pillion-reader") else "loop")


@query
def count(ctx: QueryCtx, most: int, number: int) -> int:
    note()
    return len(ctx.db.query("items").take(most))


@query
def newest(ctx: QueryCtx, most: int, number: int) -> int:
    note()
    return len(ctx.db.query("items").order("desc").take(most))


@query
def careless(ctx: QueryCtx, most: int, number: int) -> int:
    note()
    try:
        return len(ctx.db.query("items").take(most))
    except Exception:
        return -1


@query
def stubborn(ctx: QueryCtx, most: int, number: int) -> int:
    note()
    try:
        return len(ctx.db.query("items").take(most))
    except Exception:
        raise FunctionError("caught") from None


@query
def refuse(ctx: QueryCtx, most: int, number: int) -> int:
    note()
    raise FunctionError("no")


@mutation
def fill(ctx: MutationCtx, size: int) -> None:
    for number in range(size):
        ctx.db.insert("items", number=number)


@mutation
def add_large(ctx: MutationCtx) -> None:
    ctx.db.insert("items", text="x" * BRIEF_BYTES)


def burn(seconds: float) -> Callable[[], None]:
    def work() -> None:
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    return work


def quick() -> Pace:
    there = Pace()
    for _ in range(100):
        there.on_thread(lambda: None)
    assert there.is_quick
    return there


def test_only_what_was_quick_for_a_while_is() -> None:
    """Not from the first run on."""
    there, runs = Pace(), 0
    while not there.is_quick:
        there.on_thread(lambda: None)
        runs += 1
    assert 5 < runs < 50
    slow = Pace()
    for _ in range(50):
        slow.on_thread(burn(2 * QUICK_SECONDS))
    assert not slow.is_quick


def test_a_slow_run_in_the_loop() -> None:
    """Puts it back for a while, a very slow one for longer; one that is hardly slow counts little."""
    back = list[int]()
    for seconds in (2 * QUICK_SECONDS, 50 * QUICK_SECONDS, 200 * QUICK_SECONDS):
        there, runs = quick(), 0
        there.in_loop(burn(seconds))
        while not there.is_quick:
            there.on_thread(lambda: None)
            runs += 1
        back.append(runs)
    assert back[0] == 0 < back[1] < back[2]


def test_waiting_counts_in_the_loop_alone() -> None:
    """There everybody waits, but for others' turns nobody is blamed: ten times its own time is the most."""
    waits = quick()
    for _ in range(50):
        waits.in_loop(lambda: (burn(QUICK_SECONDS / 2)(), time.sleep(QUICK_SECONDS * 3))[0])
    assert not waits.is_quick
    thread = Pace()
    for _ in range(50):
        thread.on_thread(lambda: time.sleep(QUICK_SECONDS * 2))
    assert thread.is_quick


def test_errors_pass() -> None:
    """A run that raises is one like others; one that was given up is slow."""

    def give_up() -> None:
        raise TooLong

    there = quick()
    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            there.in_loop(lambda: 1 / 0)
    assert there.is_quick
    with pytest.raises(TooLong):
        there.in_loop(give_up)
    assert not there.is_quick


class Shop:
    """A server of these functions, with more documents than a brief run may read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        registry = Registry()
        registry.add("shop", {each.handler.__name__: each for each in (count, newest, careless, stubborn, refuse)})
        registry.add("shop", {"fill": fill, "add_large": add_large})
        for each in registry:
            each.pace = Pace()
        self.app = create_app(registry, path)

    async def call(self, kind: str, name: str, **args: object) -> dict[str, Any]:
        body = msgspec.json.encode({"path": f"shop:{name}", "args": args})
        return (await call_asgi(self.app, "POST", f"/api/{kind}", [{"type": "http.request", "body": body}])).json

    async def query(self, name: str, most: int = 1) -> tuple[object, list[str]]:
        """What a function says to arguments that no answer is kept for, and where it ran."""
        ran.clear()
        answer = await self.call("query", name, most=most, number=next(_numbers))
        return answer.get("value", answer.get("errorMessage")), list(ran)

    async def warm(self, name: str) -> int:
        """Calls a function until it runs in the loop for good; how often it did not."""
        times = row = 0
        while row < 50:
            in_loop = (await self.query(name))[1] == ["loop"]
            row = row + 1 if in_loop else 0
            times += not in_loop
            assert times < 5000, "It never ran in the loop."
        return times


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A fresh one."""
    shop = Shop(tmp_path / "x.sqlite3")
    asyncio.run(shop.call("mutation", "fill", size=BRIEF_DOCUMENTS + 10))
    yield shop
    shop.app.state.database.close()


@pytest.mark.parametrize("name", ["count", "refuse"])
def test_a_quick_function_comes_into_the_loop(shop: Shop, name: str) -> None:
    """After some runs on threads; also one whose answers are errors."""
    assert asyncio.run(shop.warm(name)) > 5


@pytest.mark.parametrize("name", ["count", "careless", "stubborn"])
def test_what_reads_too_much_starts_again_on_a_thread(shop: Shop, name: str) -> None:
    """Whatever the function makes of that; its answer is the right one, and it stays there for a while."""

    async def main() -> None:
        await shop.warm(name)
        assert await shop.query(name, BRIEF_DOCUMENTS) == (BRIEF_DOCUMENTS, ["loop"])
        await shop.warm(name)
        assert await shop.query(name, BRIEF_DOCUMENTS + 5) == (BRIEF_DOCUMENTS + 5, ["loop", "thread"])
        assert await shop.query(name, 1) == (1, ["thread"])
        await shop.warm(name)

    asyncio.run(main())


def test_a_large_document_is_too_much_too(shop: Shop) -> None:
    """Bytes count as well as documents."""

    async def main() -> None:
        await shop.warm("newest")
        await shop.call("mutation", "add_large")
        assert await shop.query("newest", 1) == (1, ["loop", "thread"])

    asyncio.run(main())


def test_it_sees_what_was_committed(shop: Shop) -> None:
    """In the loop as on a thread, at once."""

    async def main() -> None:
        await shop.warm("count")
        for size in range(20):
            assert (await shop.query("count", 32_000))[0] == BRIEF_DOCUMENTS + 10 + size
            await shop.call("mutation", "fill", size=1)

    asyncio.run(main())
