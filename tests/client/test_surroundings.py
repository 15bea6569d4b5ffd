"""What a tab has around it: in a browser, and outside one."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from client.world import World
from pillion import StorageError
from pillion.surroundings import Alone, Browser, here


def test_outside_a_browser_one_is_alone() -> None:
    """Nothing can be asked for; what needs no answer does nothing."""
    alone = here()
    assert type(alone) is Alone
    assert not alone.has_locks
    assert abs(alone.now() - time.time() * 1000) < 5000
    alone.claim("c", 1)
    assert not asyncio.run(alone.is_claimed("c"))
    alone.listen(*[lambda: None] * 4)()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Alone().update("k", lambda found: found),
        lambda: Alone().lock("l", 1),
        lambda: Alone().join("c", lambda message: None),
    ],
)
def test_what_is_not_there_is_an_error(ask: Callable[[], Awaitable[object]]) -> None:
    """One of storage, which is what it is for."""

    async def main() -> None:
        with pytest.raises(StorageError, match="outside a browser"):
            await ask()

    asyncio.run(main())


@pytest.mark.parametrize("ticks", range(12))
def test_a_caller_that_is_cancelled_keeps_no_lock(ticks: int, world: World) -> None:
    """Whichever tick it is cancelled in, the one in which the lock is granted among them."""
    window = world.open().windows[0]

    async def main() -> None:
        caller = asyncio.ensure_future(here().lock("l", 5))
        for _ in range(ticks):
            await asyncio.sleep(0)
        if not caller.cancel():
            release = await caller
            assert release is not None
            release()
        await asyncio.gather(caller, return_exceptions=True)

    for seed in range(20):
        world.chance.seed(seed)
        world.loop.run_until_complete(window.start(main()))
        world.run(1)
        assert world.locks.queues == {}


@pytest.mark.parametrize("has_locks", [True, False])
def test_in_a_browser_they_are_the_browsers(has_locks: bool, world: World) -> None:
    """Each is handed on to the one module that talks to it."""
    world.has_locks = has_locks
    window, heard = world.open().windows[0], []

    async def main() -> None:
        around = here()
        assert type(around) is Browser
        assert around.has_locks is has_locks
        assert around.now() == int(world.wall() * 1000)
        assert await around.update("k", lambda found: "new") == "new"
        assert world.database == {"k": "new"}
        release = await around.lock("l", 1)
        assert release is not None
        assert list(world.locks.queues) == ["l"]
        release()
        post, leave = await around.join("c", heard.append)
        post(1)
        leave()
        around.claim("c", 1)
        assert await around.is_claimed("c")
        stop = around.listen(*[lambda: None] * 4)
        assert len(window.lives) == 1
        stop()

    world.loop.run_until_complete(window.start(main()))
    assert (world.channels, window.lives, heard) == ({"c": []}, [], [])
