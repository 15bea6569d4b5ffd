"""The asyncio that all runtimes share."""

import asyncio
import gc
import weakref

import pytest

from client.world import World
from pillion._aio import Line, bounded, is_awaitable, settled, spawn


async def value(result: object) -> object:
    """A coroutine that returns at once."""
    return result


def test_plain_values_and_awaitables_settle_alike() -> None:
    """Sync and async callbacks are used in the same way."""

    async def main() -> None:
        assert await settled(3) == 3
        assert await settled(value(4)) == 4
        assert await settled(asyncio.create_task(value(5))) == 5
        assert not is_awaitable("text")
        assert not is_awaitable([])

    asyncio.run(main())


def test_bounded_gives_the_result_or_the_failure() -> None:
    """In time, it is as if it had been awaited."""

    async def fail() -> None:
        raise KeyError("inside")

    async def main() -> None:
        assert await bounded(value(3), 5, TimeoutError()) == 3
        with pytest.raises(KeyError, match="inside"):
            await bounded(fail(), 5, TimeoutError())

    asyncio.run(main())


def test_bounded_cancels_what_takes_too_long() -> None:
    """The given error is raised, and the work does not go on behind."""
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def main() -> None:
        with pytest.raises(ValueError, match="late"):
            await bounded(endless(), 0.01, ValueError("late"))

    asyncio.run(main())
    assert ended == ["cancelled"]


def test_bounded_hands_on_a_cancellation() -> None:
    """Whoever cancels the waiting cancels the work."""

    async def main() -> None:
        begun, ended = asyncio.Event(), asyncio.Event()

        async def endless() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        task = asyncio.create_task(bounded(endless(), 60, ValueError()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(ended.wait(), 5)

    asyncio.run(main())


def test_spawned_work_that_is_cancelled_before_it_begins_is_not_kept() -> None:
    async def work() -> None:
        raise AssertionError

    async def main() -> weakref.ref[asyncio.Task[None]]:
        task = spawn(work())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return weakref.ref(task)

    task = asyncio.run(main())
    gc.collect()
    assert task() is None


def test_spawned_work_is_kept_until_done_and_refused_without_a_loop() -> None:
    """A task that nobody holds could be collected before it has run."""
    done = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(True)

    async def main() -> None:
        spawn(work())
        while not done:
            await asyncio.sleep(0)

    asyncio.run(main())
    with pytest.raises(RuntimeError, match="no running event loop"):
        spawn(work())


def test_a_line_is_first_come_first_served() -> None:
    """Nobody overtakes, also not in the moment in which the turn is handed on."""
    order: list[int] = []

    async def one(line: Line, number: int) -> None:
        await line.enter(5, TimeoutError())
        order.append(number)
        await asyncio.sleep(0)
        line.leave()

    async def main() -> None:
        line = Line()
        first = [asyncio.create_task(one(line, number)) for number in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.gather(*first, one(line, 5))

    asyncio.run(main())
    assert order == list(range(6))


@pytest.mark.parametrize("ticks", range(8))
@pytest.mark.parametrize("how", ["cancelled", "late"])
def test_who_goes_as_the_turn_comes_hands_it_on(ticks: int, how: str) -> None:
    """Cancelled or too late at any moment around the hand-over, the line goes on and loses no turn."""

    async def main() -> None:
        line = Line()
        await line.enter(5, TimeoutError())
        leaver = asyncio.create_task(line.enter(5 if how == "cancelled" else 0, TimeoutError("late")))
        heir = asyncio.create_task(line.enter(5, TimeoutError("the turn was lost")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        line.leave()
        for _ in range(ticks):
            await asyncio.sleep(0)
        if how == "cancelled":
            leaver.cancel()
        try:
            await leaver
        except (asyncio.CancelledError, TimeoutError):
            pass
        else:
            line.leave()
        await heir
        line.leave()
        await line.enter(0, TimeoutError("the line is not free"))

    asyncio.run(main())


def test_a_page_that_stood_still_is_not_late(world: World) -> None:
    """What came while it was frozen counts, although the timer was over too."""
    window = world.open().windows[0]
    got: list[object] = []

    async def main() -> None:
        got.append(await bounded(asyncio.sleep(0.01, "answer"), 5, TimeoutError()))

    window.start(main())
    world.run(0.001)
    window.stand_still()
    world.run(3600)
    world.loop.release(window)
    world.run(1)
    assert got == ["answer"]


def test_what_is_cancelled_before_it_has_begun_leaves_no_complaint() -> None:
    """Python would say that it was never awaited."""

    async def main() -> None:
        spawn(value(1)).cancel()  # type: ignore[arg-type]
        await asyncio.sleep(0)

    asyncio.run(main())
