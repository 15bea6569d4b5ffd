"""The readers: a few threads with a read-only connection each; every query sees one snapshot."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from pillion_server.errors import DatabaseError
from pillion_server.outcome import Outcome, attempt
from pillion_server.sqlite import Connection, SqliteError
from pillion_server.writer import CLOSE_SECONDS, unusable

T = TypeVar("T")

THREADS = 4
"""How many queries run at the same time."""


class Readers:
    """Runs pieces of work, side by side, each in a read transaction of its own."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._mine = threading.local()
        self._connections: list[Connection] = []
        self._pool = ThreadPoolExecutor(THREADS, "pillion-reader")
        self._running: set[Future[Any]] = set()
        self._closed = False

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns; raises what it raises, or `DatabaseError`."""
        return await self.run(lambda: self._in_transaction(work))

    async def run(self, work: Callable[[], T]) -> T:
        """The same for work that finds a connection of its own, on one of these threads."""
        if self._closed:
            raise DatabaseError("The database is closed: the server is stopping.")
        running = self._pool.submit(_settled, work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return (await asyncio.wrap_future(running)).result()

    async def idle(self, seconds: float) -> bool:
        """Waits until no query is running, so long at most; whether none is."""
        running = [asyncio.wrap_future(each) for each in set(self._running)]
        return not running or not (await asyncio.wait(running, timeout=seconds))[1]

    def close(self) -> bool:
        """Ends the threads after what is running; may be called again.

        False if a query has not ended within `CLOSE_SECONDS`.
        """
        self._closed = True
        self._pool.shutdown(wait=False)
        if wait(set(self._running), CLOSE_SECONDS).not_done:
            return False
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()
        return True

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        connection = self._connection()
        connection.run("begin")
        try:
            return work(connection)
        finally:
            if connection.in_transaction:
                connection.run("rollback")

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._connect()
            self._connections.append(connection)
        return connection


def _settled(work: Callable[[], T]) -> Outcome[T]:
    outcome = attempt(work)
    if isinstance(outcome.error, SqliteError):
        return Outcome(error=unusable(outcome.error))
    return outcome
