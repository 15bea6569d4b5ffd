"""How the connection is, in words for the visitor: nothing while all is well."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from pillion import Connection

LOST_SECONDS = 2.0
"""How long there is no connection before that is spoken of: most are made again sooner."""

SLOW_SECONDS = 4.0
"""How long a change waits for its answer before that is."""

EVERY_SECONDS = 0.5
"""How often the words are looked at while there may be some."""


class ConnectionNotice:
    """Watches a connection from now on. Begin it where a loop runs.

    tell: called with the words, empty for none. clock: gives the time of day as it is to be read.
    """

    def __init__(self, connection: Connection, tell: Callable[[str], object], clock: Callable[[], str]) -> None:
        self._connection = connection
        self._tell = tell
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._note(connection.state == "open")
        connection.on_change(self._on_change)
        self._on_change(connection)

    def words(self) -> str:
        """What is to be said now."""
        changes = self._connection.pending
        lasts = time.monotonic() - self._since
        if self._is_open:
            is_slow = changes and min(lasts, self._connection.oldest_pending or 0.0) >= SLOW_SECONDS
            return "Still waiting for the server." if is_slow else ""
        if lasts < LOST_SECONDS:
            return ""
        words = f"No connection to the shop since {self._since_clock}."
        if changes == 1:
            words += " 1 change waits here until it is back."
        elif changes:
            words += f" {changes} changes wait here until it is back."
        return words

    def _note(self, is_open: bool) -> None:
        self._is_open, self._since, self._since_clock = is_open, time.monotonic(), self._clock()

    def _on_change(self, connection: Any) -> None:
        is_open = connection.state == "open"
        if is_open != self._is_open:
            self._note(is_open)
        if self._task is None:
            self._task = asyncio.create_task(self._tell_on())
        else:
            self._tell(self.words())

    async def _tell_on(self) -> None:
        while self._connection.pending or not self._is_open:
            self._tell(self.words())
            await asyncio.sleep(EVERY_SECONDS)
        self._task = None
        self._tell("")
