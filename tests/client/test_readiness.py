"""The wait for an ID."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pillion import NotReadyError, readiness
from pillion.readiness import MAX_WAITING


class Readiness(readiness.Readiness):
    """One whose ID is never refreshed; test_session.py shows those that are."""

    def __init__(self, settle: Callable[[], Awaitable[object]] | None) -> None:
        super().__init__(settle, is_sure=lambda: True, make_sure=asyncio.Event().wait)


def test_it_settles_once_for_all_who_wait() -> None:
    """However many come, at whatever time."""
    runs = []

    async def settle() -> None:
        await asyncio.sleep(0)
        runs.append(True)

    async def main() -> None:
        readiness = Readiness(settle)
        await asyncio.gather(*(readiness.wait(5) for _ in range(20)))
        await readiness.wait(5)
        assert readiness.ready

    asyncio.run(main())
    assert runs == [True]


def test_waiting_is_bounded() -> None:
    """A storage that never answers ends in a typed error, not in a hung page."""

    async def main() -> None:
        with pytest.raises(NotReadyError, match=r"within 0\.01 s: the storage or the id_generator has not answered"):
            await Readiness(asyncio.Event().wait).wait(0.01)
        with pytest.raises(NotReadyError, match="there is no storage in this place"):
            await Readiness(None).wait(0.01)
        with pytest.raises(NotReadyError, match="there is no storage in this place"):
            await Readiness(None).wait_in_turn(0.01)

    asyncio.run(main())


def test_what_settling_raises_goes_to_all_and_the_next_one_tries_again() -> None:
    """An error that has passed does not stick."""
    outcomes: list[Exception | None] = [OSError("no"), None]

    async def settle() -> None:
        await asyncio.sleep(0)
        error = outcomes.pop(0)
        if error:
            raise error

    async def main() -> None:
        readiness = Readiness(settle)
        first = await asyncio.gather(*(readiness.wait(5) for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in first] == [OSError] * 3
        await readiness.wait(5)

    asyncio.run(main())
    assert outcomes == []


def test_an_early_failure_is_raised_to_who_comes_later() -> None:
    """Started ahead of use, a failure isn't lost: whoever waits next gets it."""

    async def settle() -> None:
        raise OSError("no")

    async def main() -> None:
        readiness = Readiness(settle)
        readiness.start()
        await asyncio.sleep(0.01)
        with pytest.raises(OSError, match="no"):
            await readiness.wait(5)

    asyncio.run(main())


def test_those_in_turn_leave_in_the_order_of_their_coming() -> None:
    """Also those who come while the first are being let go."""
    order: list[int] = []

    async def main() -> None:
        settled = asyncio.Event()
        readiness = Readiness(settled.wait)

        async def call(number: int) -> None:
            await readiness.wait_in_turn(5)
            order.append(number)

        calls = [asyncio.create_task(call(number)) for number in range(20)]
        await asyncio.sleep(0.01)
        assert order == []
        settled.set()
        number = 20
        while len(order) < number:
            if number < 60:
                calls.append(asyncio.create_task(call(number)))
                number += 1
            await asyncio.sleep(0)

    asyncio.run(main())
    assert order == list(range(60))


def test_one_that_gives_up_does_not_hold_up_the_others() -> None:
    """Cancelled in the queue, it is as if it had never come."""
    order: list[int] = []

    async def main() -> None:
        settled = asyncio.Event()
        readiness = Readiness(settled.wait)

        async def call(number: int) -> None:
            await readiness.wait_in_turn(5)
            order.append(number)

        calls = [asyncio.create_task(call(number)) for number in range(5)]
        await asyncio.sleep(0.01)
        calls[0].cancel()
        calls[2].cancel()
        await asyncio.sleep(0)
        settled.set()
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(main())
    assert order == [1, 3, 4]


def test_the_queue_has_a_cap() -> None:
    """The call over it fails at once, the others stay."""

    async def main() -> None:
        settled = asyncio.Event()
        readiness = Readiness(settled.wait)
        calls = [asyncio.create_task(readiness.wait_in_turn(5)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(NotReadyError, match="1000 calls wait"):
            await readiness.wait_in_turn(5)
        settled.set()
        await asyncio.gather(*calls)

    asyncio.run(main())


def test_closing_ends_every_wait() -> None:
    """Those that wait now and those that come later."""

    async def main() -> None:
        readiness = Readiness(asyncio.Event().wait)
        calls = [asyncio.create_task(readiness.wait(60)), asyncio.create_task(readiness.wait_in_turn(60))]
        await asyncio.sleep(0.01)
        readiness.close()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [NotReadyError] * 2
        with pytest.raises(NotReadyError, match="closed"):
            await readiness.wait(60)

    asyncio.run(main())


def test_it_can_not_be_started_without_a_loop() -> None:
    """And says so, leaving the start to the first who waits."""
    readiness = Readiness(asyncio.Event().wait)
    with pytest.raises(RuntimeError, match="no running event loop"):
        readiness.start()


def test_a_loop_that_ends_while_settling_leaves_it_to_the_next() -> None:
    """As in a notebook, or in tests with a loop each."""
    waits = [asyncio.Event().wait]

    async def settle() -> None:
        if waits:
            await waits.pop()()

    readiness = Readiness(settle)

    async def begin() -> None:
        readiness.start()
        await asyncio.sleep(0)

    asyncio.run(begin())
    asyncio.run(readiness.wait(5))
    assert readiness.ready
