"""Senders that take turns in one task, and those that hold it up."""

import asyncio

from pillion_server.relay import Relay


class Pipe:
    """Notes that it was called, when it is free to."""

    def __init__(self, done: list["Pipe"]) -> None:
        self._done = done
        self.free = asyncio.Event()
        self.free.set()
        self.tasks: list[asyncio.Task[None]] = []
        self.holds: list[asyncio.Task[None]] = []

    async def send_due(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        await self.free.wait()
        self._done.append(self)

    def held_up(self, task: "asyncio.Task[None]") -> None:
        self.holds.append(task)


def test_one_task_sends_to_all() -> None:
    """In their order, and once for each time that one was put."""

    async def main() -> None:
        done: list[Pipe] = []
        relay, pipes = Relay(), [Pipe(done) for _ in range(5)]
        for pipe in [*pipes, pipes[0]]:
            relay.put(pipe)
        assert done == []
        await asyncio.sleep(0)
        assert done == [*pipes, pipes[0]]
        assert len({task for pipe in pipes for task in pipe.tasks}) == 1
        relay.put(pipes[1])
        await asyncio.sleep(0)
        assert done[6:] == [pipes[1]]
        assert not any(pipe.holds for pipe in pipes)

    asyncio.run(main())


def test_who_waits_holds_nobody_up() -> None:
    """It keeps its task to itself; when it goes on, it is not followed by others there."""

    async def main() -> None:
        done: list[Pipe] = []
        relay, pipes = Relay(), [Pipe(done) for _ in range(5)]
        slow = [pipes[0], pipes[3]]
        for pipe in slow:
            pipe.free.clear()
        for pipe in pipes:
            relay.put(pipe)
        while len(done) < 3:
            await asyncio.sleep(0)
        assert done == [pipes[1], pipes[2], pipes[4]]
        await asyncio.sleep(0)
        assert [pipe.holds == pipe.tasks for pipe in slow] == [True, True]
        assert slow[0].tasks != slow[1].tasks
        for pipe in slow:
            pipe.free.set()
        relay.put(pipes[1])
        await asyncio.gather(*slow[0].holds, *slow[1].holds)
        assert sorted(map(pipes.index, done[3:])) == [0, 1, 3]
        assert pipes[1].tasks[1] not in (*slow[0].tasks, *slow[1].tasks)

    asyncio.run(main())


def test_one_that_is_given_up_ends_alone() -> None:
    """The others have gone on by then."""

    async def main() -> None:
        done: list[Pipe] = []
        relay, (stuck, other) = Relay(), [Pipe(done), Pipe(done)]
        stuck.free.clear()
        relay.put(stuck)
        while not stuck.holds:
            await asyncio.sleep(0)
        relay.put(other)
        stuck.holds[0].cancel()
        await asyncio.wait(stuck.holds)
        assert done == [other]

    asyncio.run(main())
