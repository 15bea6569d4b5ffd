"""The one writer: a thread that runs mutations, many to a commit.

It takes what is waiting, opens one transaction, runs each mutation in a savepoint of its own, commits once,
and only then tells the callers. Before it goes on they have a turn, so that those who call again share the next commit.
So a mutation is serializable (there is no other writer), durable when it is
acknowledged (`synchronous=FULL`), and a failing one leaves nothing behind and its neighbours alone.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeVar

from pillion_server.errors import DatabaseError
from pillion_server.outcome import Outcome, attempt
from pillion_server.place import reason
from pillion_server.sqlite import Connection, SqliteError

T = TypeVar("T")

CLOSE_SECONDS = 1.0
"""How long a function may go on when the database is closed."""

GROUP = 64
"""The most mutations of one commit."""

TURN_SECONDS = 0.005
"""How long a busy event loop may keep the next commit waiting for what its callers want next."""


class _Job(NamedTuple):
    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Outcome[Any]]


class Writer:
    """Runs pieces of work on `connection`, one after another, on a thread of its own.

    committing: entered around every commit. delivered: called when the callers have been told of one.
    """

    def __init__(
        self,
        connection: Connection,
        committing: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
        delivered: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._committing = committing
        self._delivered = delivered
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="pillion-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once it is on disk.

        Raises what `work` raises, or `DatabaseError` when it could not be committed; then nothing has
        changed.
        """
        if self._closed:
            raise DatabaseError("The database is closed: the server is stopping.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome[T]] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        return (await future).result()

    def close(self) -> bool:
        """Ends the thread after what is waiting has been done; may be called again.

        False if a mutation has not ended within `CLOSE_SECONDS`.
        """
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        self._thread.join(CLOSE_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        more = True
        while more:
            group, more = self._next_group()
            if group:
                outcomes = attempt(lambda group=group: self._commit(group))  # type: ignore[misc]
                turns = _deliver(group, outcomes.value or [Outcome(error=outcomes.error) for _ in group])
                self._delivered()
                for turn in turns:
                    turn.wait(TURN_SECONDS)

    def _next_group(self) -> tuple[list[_Job], bool]:
        """The jobs that wait, at least one, and whether more may come."""
        group: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == GROUP:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Job]) -> list[Outcome[Any]]:
        """How each job of the group ended: all the successes are on disk, or there are none."""
        connection = self._connection
        try:
            connection.run("begin immediate")
            if connection.has_moved:
                raise SqliteError("the file has been moved, replaced or deleted")
            outcomes = [self._savepoint(job) for job in group]
            with self._committing():
                connection.run("commit")
        except SqliteError as error:
            if connection.in_transaction:
                attempt(lambda: connection.run("rollback"))
            return [Outcome(error=unusable(error)) for _ in group]
        return outcomes

    def _savepoint(self, job: _Job) -> Outcome[Any]:
        """Runs one job; raises `SqliteError` when SQLite has given up the whole transaction."""
        connection = self._connection
        connection.run("savepoint mutation")
        outcome = attempt(lambda: job.work(connection))
        if not connection.in_transaction:  # on a full disk, say, SQLite rolls all of it back by itself
            if isinstance(outcome.error, SqliteError):
                raise outcome.error
            raise SqliteError("SQLite rolled the transaction back")
        if outcome.error is not None:
            connection.run("rollback to mutation")
        connection.run("release mutation")
        if isinstance(outcome.error, SqliteError):
            return Outcome(error=unusable(outcome.error))
        return outcome


def unusable(error: SqliteError) -> DatabaseError:
    """The error for callers when SQLite fails."""
    wrapped = DatabaseError(f"The database {reason(error)}; nothing was changed.")
    wrapped.__cause__ = error
    return wrapped


def _deliver(group: list[_Job], outcomes: list[Outcome[Any]]) -> list[threading.Event]:
    """Hands the outcomes to the event loops of the callers, waking each loop once; what is set after their turns."""
    of_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Outcome[Any]], Outcome[Any]]]] = {}
    for job, outcome in zip(group, outcomes, strict=True):
        of_loop.setdefault(job.loop, []).append((job.future, outcome))
    turns: list[threading.Event] = []
    for loop, settled in of_loop.items():
        turn = threading.Event()
        with contextlib.suppress(RuntimeError):  # a loop that is closed has nobody waiting
            loop.call_soon_threadsafe(_settle, settled, turn)
            turns.append(turn)
    return turns


def _settle(settled: list[tuple[asyncio.Future[Outcome[Any]], Outcome[Any]]], turn: threading.Event) -> None:
    for future, outcome in settled:
        if not future.done():  # a caller may have given up
            future.set_result(outcome)
    asyncio.get_running_loop().call_soon(turn.set)  # after the callers, who have been woken before
