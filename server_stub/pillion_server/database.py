"""The database: one SQLite file in WAL mode, one writer, a few readers, and the sessions' secret beside it.

data.sqlite3          the documents and their index entries, and what became of sessions
data.sqlite3.secret   the key of the session digests, mode 0600; locked while a server uses the database
"""

import asyncio
import atexit
import logging
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pillion_server.cache import QueryCache
from pillion_server.clock import Clock
from pillion_server.commits import Commits, Listener, newest
from pillion_server.cursors import Cursors
from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.errors import DatabaseError, StartError
from pillion_server.expiry import expire
from pillion_server.idempotency import Answers, Once
from pillion_server.last_seen import LastSeen, write
from pillion_server.layout import FORMAT, bring_up, prepare
from pillion_server.lineage import Lineage
from pillion_server.pace import Pace
from pillion_server.place import lock, make_folder, reason, secret_beside, trouble
from pillion_server.readers import Readers
from pillion_server.schema import Schema
from pillion_server.served_time import ServedTime
from pillion_server.sessions import Digests, secret_at
from pillion_server.snapshots import Snapshots
from pillion_server.sqlite import Connection, SqliteError
from pillion_server.transaction import HISTORY, Reading, Writing
from pillion_server.wal import check_wal
from pillion_server.writer import Writer
from pillion_server.writes import Writes

T = TypeVar("T")
R = TypeVar("R", bound=Reading)

Each = Callable[[Callable[[Reading], Any]], Any]
"""Calls a query with a `Reading` of its own."""

BUSY_MS = 5000
"""How long another program's lock on the file is waited for."""

START_BUSY_MS = 1000
"""The same at start, where somebody is watching."""

ADOPT_SECONDS = 5.0
"""How long running queries may take before another schema takes over."""

_logger = logging.getLogger("pillion_server")


class Database:
    """Documents on disk. `open` it, then `read` and `write`."""

    def __init__(self, path: str | os.PathLike[str], schema: Schema) -> None:
        self.path = Path(path).resolve()
        self.schema = schema
        self._opened: _Opened | None = None
        self._adopting: asyncio.Future[None] | None = None

    def open(self) -> None:
        """Opens the file, made with its folder if need be, and brings the indexes up to the schema.

        Does nothing when it is open. Raises `StartError`: the file is in use, corrupt, or in an unwritable
        place.
        """
        if self._opened is None:
            self._opened = _Opened(self.path, self.schema)
            atexit.register(self.close)

    def close(self) -> None:
        """Closes the file after the work that is under way; may be called again."""
        opened, self._opened = self._opened, None
        if opened is not None:
            atexit.unregister(self.close)
            opened.close()

    @property
    def digests(self) -> Digests:
        """Makes the digests of session IDs."""
        return self._use().digests

    @property
    def cache(self) -> QueryCache:
        """The answers of queries, good for as long as the database is open."""
        return self._use().cache

    async def read(self, work: Callable[[Reading], T], pace: Pace | None = None) -> T:
        """What `work` returns, given one snapshot. Raises what it raises, or `DatabaseError`.

        It runs on another thread, or at once if its `pace` says so: then it may be given up, and run again.
        """
        opened = await self._settled()

        def read(connection: Connection, *, brief: bool = False) -> T:
            return self._read(opened, connection, work, opened.cache.mark(), brief=brief)

        if pace is None:
            return await opened.readers.read(read)
        if pace.is_quick:
            done = opened.readers.try_now(lambda connection: pace.in_loop(lambda: read(connection, brief=True)))
            if done is not None:
                return done.result()
        return await opened.readers.read(lambda connection: pace.on_thread(lambda: read(connection)))

    async def now(self) -> int:
        """The timestamp of a snapshot for `read_at`, of everything that has been committed so far.

        Raises `Refused` when too many are kept, or `DatabaseError`.
        """
        opened = await self._settled()
        return await opened.readers.run(opened.snapshots.take)

    async def read_at(self, ts: int, work: Callable[[Reading], T]) -> T:
        """`read`, given the snapshot of a timestamp of `now`; raises `Refused` when it is not kept (any more)."""
        opened = await self._settled()
        return await opened.readers.run(
            lambda: opened.snapshots.read(ts, lambda connection: self._read(opened, connection, work))
        )

    async def read_each(self, work: Callable[[int, Each], T]) -> T:
        """What `work` returns, given the timestamp of a snapshot, and what has several queries read it, each by itself.

        Raises what it raises, or `DatabaseError`.
        """
        opened = await self._settled()

        def do(connection: Connection) -> T:
            mark = opened.cache.mark()
            return work(newest(connection), lambda query: self._read(opened, connection, query, mark))

        return await opened.readers.read(do)

    async def listen(self, listener: Listener) -> None:
        """Has `listener` told of every commit that no earlier snapshot has, if it isn't yet, while this is open."""
        opened = await self._settled()
        if listener not in opened.commits.listeners:  # the writer's thread adds it, between two commits
            await opened.writer.write(lambda _: opened.commits.listen(listener))

    @property
    def newest(self) -> int:
        """The timestamp of the last commit."""
        return self._use().commits.newest

    async def write(self, work: Callable[[Writing], T]) -> T:
        """What `work` returns, once it is on disk: one serializable transaction.

        Raises what `work` raises, or `DatabaseError`; then nothing has changed.
        """
        opened = await self._settled()
        return await opened.writer.write(lambda connection: self._write(opened, connection, work))

    async def write_once(self, once: Once, work: Callable[[Writing], str]) -> str:
        """`write`, unless this call has been run before: then what `work` returned at that time.

        Raises `Refused` when its key was that of another request.
        """
        opened = await self._settled()

        def do(connection: Connection) -> str:
            answers = Answers(connection, opened.clock.now())
            answer = answers.find(once)
            if answer is None:
                answer = self._write(opened, connection, work)
                answers.put(once, answer)
            return answer

        return await opened.writer.write(do)

    async def adopt(self, schema: Schema) -> None:
        """Goes on with another schema, and brings the indexes up to it, while no function is running.

        What is called meanwhile waits; kept answers and snapshots, of the old indexes, are dropped. Raises
        `DatabaseError`, or `StartError` for documents that don't fit; then the schema is what it was.
        """
        opened = await self._settled()
        self._adopting = asyncio.get_running_loop().create_future()
        try:
            if not await opened.readers.idle(ADOPT_SECONDS):
                raise DatabaseError(f"A query has been running for {ADOPT_SECONDS:g} seconds: the schema stays.")
            await opened.writer.write(lambda connection: bring_up(connection, schema))
            self.schema = schema
            opened.cache.clear()
            opened.snapshots.clear()
            for listener in opened.commits.listeners:
                listener.adopted()
        finally:
            adopting, self._adopting = self._adopting, None
            adopting.set_result(None)

    def note_seen(self, sessions: Iterable[str]) -> None:
        """Notes that sessions are seen now."""
        opened = self._use()
        opened.seen.note(sessions, opened.clock.now())

    async def keep_seen(self) -> None:
        """Writes down when sessions were seen, a piece at a time, and for how long the server has been running.

        If it is due. Raises `DatabaseError`.
        """
        opened = await self._settled()
        if opened.seen.is_due(opened.clock.now()):
            while piece := opened.seen.some():
                await opened.writer.write(partial(write, piece=piece))
                opened.seen.written(piece, opened.clock.now())
        if opened.served.is_due(opened.clock.now()):
            await opened.writer.write(lambda connection: opened.served.write(connection, opened.clock.now()))

    async def prune_answers(self) -> None:
        """Drops the answers that were recorded long ago, a piece at a time; raises `DatabaseError`."""
        opened = await self._settled()

        def old(connection: Connection) -> Answers:
            return Answers(connection, opened.clock.now())

        while await opened.readers.read(lambda connection: old(connection).has_old):
            await opened.writer.write(lambda connection: old(connection).prune())

    async def expire(self, unseen: float) -> bool:
        """Takes a step, see `expiry.expire`, with a session that was unseen for so many ms; whether there is one.

        What counts is the time in which the server has been running, see `served_time`. Raises `DatabaseError`.
        """
        opened = await self._settled()

        def do(connection: Connection) -> bool:
            before = opened.served.before(connection, unseen, opened.clock.now())
            return self._write(opened, connection, lambda writing: expire(opened.seen, connection, writing, before))

        return await opened.writer.write(do)

    async def check(self) -> None:
        """Reads and writes a page without changing it; raises `DatabaseError` when that can't be done."""
        opened = self._use()
        await opened.readers.read(lambda connection: connection.value("select number from epoch"))
        await opened.writer.write(lambda connection: connection.run(f"pragma user_version = {FORMAT}"))

    def _read(
        self,
        opened: "_Opened",
        connection: Connection,
        work: Callable[[Reading], T],
        mark: int = HISTORY,
        *,
        brief: bool = False,
    ) -> T:
        db = DatabaseReader(connection, self.schema, opened.cursors)
        db.reads.brief = brief
        reading = Reading(db, opened.lineage(connection), mark)
        try:
            return _do(work, reading)
        finally:
            opened.seen.note(reading.lineage.seen, reading.lineage.now)
            db.reads.check()

    def _write(self, opened: "_Opened", connection: Connection, work: Callable[[Writing], T]) -> T:
        db = DatabaseWriter(connection, self.schema, opened.clock.next, opened.cursors)
        writing = Writing(db, opened.lineage(connection), ts=opened.commits.ts)
        done = False
        try:
            value = _do(work, writing)
            done = True
        finally:
            opened.seen.note(writing.lineage.seen, writing.lineage.now, lasting=done)
        opened.written.append(writing.writes)
        return value

    async def _settled(self) -> "_Opened":
        """What is open, once no other schema is about to take over."""
        while self._adopting is not None:
            await asyncio.shield(self._adopting)
        return self._use()

    def _use(self) -> "_Opened":
        if self._opened is None:
            raise DatabaseError("The database is closed: the server has not started, or is stopping.")
        return self._opened


def _do(work: Callable[[R], T], transaction: R) -> T:
    try:
        return work(transaction)
    finally:
        transaction.end()


class _Opened:
    """What is there while the file is open."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path = path
        make_folder(path)
        there = path.exists()
        secret, made = secret_at(secret_beside(path))
        self.digests = Digests(secret)
        self.cursors = Cursors(secret)
        self._lock = lock(path)
        try:
            check_wal(path)
            connection = Connection(path, write=True, busy_ms=START_BUSY_MS)
            self.clock = Clock(self._prepare(connection, schema))
        except SqliteError as error:
            os.close(self._lock)
            raise StartError(trouble(path, error)) from error
        except BaseException:
            os.close(self._lock)
            raise
        if there and made:
            _logger.warning("%s had no secret beside it, so a new one was made: sessions start afresh.", path)
        self._connection = connection
        self.seen = LastSeen(self.clock.now())
        self.served = ServedTime(connection, self.clock.now())
        self.cache = QueryCache()
        self.commits = Commits(connection)
        self.written = list[Writes]()
        self.writer = Writer(connection, self._committing, self.commits.deliver)
        self.readers = Readers(lambda: Connection(path, write=False, busy_ms=BUSY_MS))
        self.snapshots = Snapshots(path, lambda: Connection(path, write=False, busy_ms=BUSY_MS))

    def lineage(self, connection: Connection) -> Lineage:
        """Which session an ID opens, on this connection from now on."""
        return Lineage(connection, self.digests, self.clock.now())

    @contextmanager
    def _committing(self) -> Generator[None]:
        written, self.written = self.written, []
        with self.cache.committing(written), self.commits.committing(written):
            yield

    def close(self) -> None:
        self.snapshots.close()
        if self.readers.close() and self.writer.close():
            self._write_seen()
            self._connection.close()
            os.close(self._lock)
        else:
            _logger.error("%s stays open: a function that reads or writes it does not end.", self._path)

    def _write_seen(self) -> None:
        """Writes down what was seen since the last time, and until when, once the writer's thread has ended."""
        try:
            self._connection.run("begin immediate")
            while piece := self.seen.some():
                write(self._connection, piece)
                self.seen.written(piece, self.clock.now())
            self.served.write(self._connection, self.clock.now())
            self._connection.run("commit")
        except SqliteError as error:
            _logger.warning("When sessions were last seen could not be written to %s: %s.", self._path, reason(error))

    def _prepare(self, connection: Connection, schema: Schema) -> float:
        try:
            newest = prepare(connection, schema, self._path)
            connection.wait(BUSY_MS)
            return newest
        except BaseException:
            connection.close()
            raise
