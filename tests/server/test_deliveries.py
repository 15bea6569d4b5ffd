"""Outcomes on their way from a thread to an event loop."""

import asyncio
import threading

from pillion_server.deliveries import Deliveries
from pillion_server.outcome import Outcome


def test_every_outcome_arrives_whatever_thread_it_comes_from() -> None:
    """Each at its own caller, and none is left lying."""
    threads, each = 4, 500

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        home = Deliveries(loop)
        waiting = [loop.create_future() for _ in range(threads * each)]

        def work(first: int) -> None:
            for number in range(first, first + each):
                home.put(waiting[number], Outcome(value=number))

        working = [threading.Thread(target=work, args=(number * each,)) for number in range(threads)]
        for thread in working:
            thread.start()
        outcomes = await asyncio.wait_for(asyncio.gather(*waiting), 20)
        for thread in working:
            thread.join()
        return [outcome.result() for outcome in outcomes]

    assert asyncio.run(main()) == list(range(threads * each))


def test_the_loop_is_woken_once_for_all_that_has_come() -> None:
    """And again for what comes later."""

    class Loop(asyncio.SelectorEventLoop):
        woken = 0

        def call_soon_threadsafe(self, *args: object, **options: object) -> asyncio.Handle:
            self.woken += 1
            return super().call_soon_threadsafe(*args, **options)  # type: ignore[arg-type]

    async def put(loop: Loop) -> int:
        home, before = Deliveries(loop), loop.woken
        for _ in range(2):
            waiting = [loop.create_future() for _ in range(10)]
            for each in waiting:
                home.put(each, Outcome(value=1))
            await asyncio.gather(*waiting)
        return loop.woken - before

    loop = Loop()
    try:
        assert loop.run_until_complete(put(loop)) == 2
    finally:
        loop.close()


def test_who_has_given_up_gets_nothing_and_a_closed_loop_raises_nothing() -> None:
    """The others get theirs."""

    async def main() -> tuple[Deliveries, int]:
        loop = asyncio.get_running_loop()
        home = Deliveries(loop)
        gone, there = loop.create_future(), loop.create_future()
        gone.cancel()
        home.put(gone, Outcome(value=1))
        home.put(there, Outcome(value=2))
        return home, (await there).result()

    home, value = asyncio.run(main())
    assert value == 2
    home.put(home.loop.create_future(), Outcome(value=3))
