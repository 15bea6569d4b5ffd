"""Sends to many in one task: to wake a task for each costs as much as to send to it.

Whoever has to be waited for keeps the task, and another one goes on with the others: who doesn't read holds nobody up.
"""

import asyncio
from collections import deque
from typing import Protocol


class Sender(Protocol):
    """Who has something to send."""

    async def send_due(self) -> None:
        """Sends it; doesn't raise."""
        ...

    def held_up(self, task: "asyncio.Task[None]", /) -> None:
        """`send_due` has to wait, in this task, which does nothing else any more."""
        ...


class Relay:
    """Calls `send_due` of those who have something to send, one after another; used in one event loop."""

    def __init__(self) -> None:
        self._due: deque[Sender] = deque()
        self._sending: Sender | None = None
        self._task: asyncio.Task[None] | None = None

    def put(self, sender: Sender) -> None:
        """Has `sender.send_due()` called soon."""
        self._due.append(sender)
        if self._task is None:
            self._go_on()

    def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run())
        loop.call_soon(self._relieve, self._task)  # after its first step

    async def _run(self) -> None:
        task = self._task
        while self._due and self._task is task:
            self._sending = self._due.popleft()
            await self._sending.send_due()
        if self._task is task:
            self._task = self._sending = None

    def _relieve(self, task: "asyncio.Task[None]") -> None:
        """Has another task go on if this one waits: it has let go of the event loop, and is not done."""
        if self._task is task and self._sending is not None:
            self._sending.held_up(task)
            self._task = self._sending = None
            if self._due:
                self._go_on()
