"""The readers: a few threads, and the event loop for what is quick, with a read-only connection each.

Every query sees one snapshot.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pillion_server.deliveries import Deliveries, Waiting
from pillion_server.errors import DatabaseError
from pillion_server.outcome import Outcome, attempt
from pillion_server.reads import TooLong
from pillion_server.sqlite import Connection, SqliteError
from pillion_server.writer import CLOSE_SECONDS, unusable

T = TypeVar("T")

THREADS = 4
"""How many queries run at the same time."""


@dataclass(frozen=True)
class _Job:
    work: Callable[[], Any]
    home: Deliveries
    waiting: Waiting


class Readers:
    """Runs pieces of work, side by side, each in a read transaction of its own."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._mine = threading.local()
        self._connections: list[Connection] = []
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._home: Deliveries | None = None
        self._running: set[Waiting] = set()
        self._here: Connection | None = None
        self._at_it = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"pillion-reader-{number}", daemon=True)
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns; raises what it raises, or `DatabaseError`."""
        return await self.run(lambda: _in_transaction(self._connection(), work))

    def try_now(self, work: Callable[[Connection], T]) -> Outcome[T] | None:
        """How `work` ends at once, on this thread; `None` if it is to be done by `read` instead.

        That is when another thread is at it here, when it raises `TooLong`, or when SQLite fails: it doesn't wait for
        anybody's lock here.
        """
        if self._closed or not self._at_it.acquire(blocking=False):
            return None
        try:
            if self._here is None:
                self._here = self._connect()
                self._here.wait(0)
            outcome = attempt(partial(_in_transaction, self._here, work))
        except SqliteError:
            return None
        finally:
            self._at_it.release()
        return None if isinstance(outcome.error, (SqliteError, TooLong)) else outcome

    async def run(self, work: Callable[[], T]) -> T:
        """The same for work that finds a connection of its own, on one of these threads."""
        if self._closed:
            raise DatabaseError("The database is closed: the server is stopping.")
        loop = asyncio.get_running_loop()
        if self._home is None or self._home.loop is not loop:
            self._home = Deliveries(loop)
        waiting: asyncio.Future[Outcome[T]] = loop.create_future()
        waiting.add_done_callback(self._running.discard)
        self._running.add(waiting)
        self._jobs.put(_Job(work, self._home, waiting))
        return (await asyncio.shield(waiting)).result()  # who gives up doesn't end what is running

    async def idle(self, seconds: float) -> bool:
        """Waits until no query is running, so long at most; whether none is."""
        running = {waiting for waiting in self._running if waiting.get_loop() is asyncio.get_running_loop()}
        return not running or not (await asyncio.wait(running, timeout=seconds))[1]

    def close(self) -> bool:
        """Ends the threads after what is running; may be called again.

        False if a query has not ended within `CLOSE_SECONDS`.
        """
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._jobs.put(None)
        until = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads) or not self._at_it.acquire(timeout=CLOSE_SECONDS):
            return False
        if self._here is not None:
            self._here.close()
        self._at_it.release()
        for connection in self._connections:
            connection.close()
        return True

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.home.put(job.waiting, _settled(job.work))

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = self._connect()
            self._connections.append(connection)
        return connection


def _in_transaction(connection: Connection, work: Callable[[Connection], T]) -> T:
    connection.run("begin")
    try:
        return work(connection)
    finally:
        if connection.in_transaction:
            connection.run("rollback")


def _settled(work: Callable[[], T]) -> Outcome[T]:
    outcome = attempt(work)
    if isinstance(outcome.error, SqliteError):
        return Outcome(error=unusable(outcome.error))
    return outcome
