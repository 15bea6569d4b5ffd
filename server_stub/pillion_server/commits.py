"""The commits of a database: each has a timestamp, and those who listen are told what it wrote.

A timestamp is nanoseconds since 1970, later than every one before, and stands in the file with what was committed. So
every snapshot knows its own, and no restart nor a clock that was set back makes time go back.
"""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Protocol

from pillion_server.sqlite import Connection
from pillion_server.writes import Writes

_NEWEST = "select newest from commits"
_PUT = "update commits set newest = ?"


class Listener(Protocol):
    """Who is told of commits, on the writer's thread."""

    def announce(self, ts: int, writes: Sequence[Writes], /) -> None:
        """Before a commit, which may still fail: then its timestamp is the next one's too."""
        ...

    def delivered(self, ts: int, /) -> None:
        """After it, when those who waited for a commit up to `ts` have been told, in their event loops."""
        ...

    def adopted(self) -> None:
        """When the schema is another one: what was read has to be read again."""
        ...


class Commits:
    """The timestamps of one database; used by the writer's thread, but for `newest`.

    newest: the timestamp of the last commit that wrote something, 0 when there was none.
    """

    def __init__(self, connection: Connection) -> None:
        self.newest = newest(connection)
        self.listeners: list[Listener] = []
        self._connection = connection
        self._ts = 0
        self._asked = False
        self._told = self.newest

    def listen(self, listener: Listener) -> None:
        """Tells `listener` of the commits from now on, each once."""
        if listener not in self.listeners:
            self.listeners.append(listener)

    def ts(self) -> int:
        """The timestamp of the commit that is under way."""
        self._ts = self._ts or max(self.newest + 1, time.time_ns())
        self._asked = True
        return self._ts

    @contextmanager
    def committing(self, writes: Sequence[Writes]) -> Generator[None]:
        """Notes the commit, if it wrote something or its timestamp was asked for, and tells the listeners."""
        if not self._asked and all(each.nothing for each in writes):
            yield
            return
        ts = self.ts()
        self._connection.run(_PUT, (ts,))
        for listener in self.listeners:
            listener.announce(ts, writes)
        yield
        self.newest, self._ts, self._asked = ts, 0, False

    def deliver(self) -> None:
        """Tells the listeners that the callers have been told."""
        if self._told < self.newest:
            self._told = self.newest
            for listener in self.listeners:
                listener.delivered(self._told)


def newest(connection: Connection) -> int:
    """The timestamp of the last commit in a snapshot."""
    ts: int = connection.value(_NEWEST)
    return ts
