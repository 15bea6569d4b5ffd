"""Outcomes on their way home: from the thread that did the work to the event loop where its caller waits."""

import asyncio
import contextlib
from collections import deque
from typing import Any

from pillion_server.outcome import Outcome

Waiting = asyncio.Future[Outcome[Any]]
"""What a caller waits for, in its event loop."""


class Deliveries:
    """The way to one event loop. It may be used by any thread, and wakes the loop once for all that has come."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._come: deque[tuple[Waiting, Outcome[Any]]] = deque()
        self._woken = False

    def put(self, waiting: Waiting, outcome: Outcome[Any]) -> None:
        """Hands an outcome to who waits for it, unless that one has given up."""
        self._come.append((waiting, outcome))
        if not self._woken:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # a loop that is closed has nobody waiting
                self.loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._woken = False  # first, so that what comes from here on wakes the loop again
        while self._come:
            waiting, outcome = self._come.popleft()
            if not waiting.done():
                waiting.set_result(outcome)
