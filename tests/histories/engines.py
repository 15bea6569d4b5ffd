"""Databases that are broken on purpose, each in one way, around the real one."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from pillion_server.cache import Key, QueryCache
from pillion_server.database import Database
from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.pace import Pace
from pillion_server.reads import Reads
from pillion_server.sqlite import Connection
from pillion_server.transaction import Reading, Writing
from pillion_server.writes import Writes

T = TypeVar("T")

EVERY = 20
"""One in so many appends is dropped; a stale snapshot serves so many queries."""


class OnThreads(Database):
    """Not broken: all queries run on threads, so that they run beside each other too."""

    async def read(self, work: Callable[[Reading], T], pace: Pace | None = None) -> T:
        return await super().read(work)


class Unprotected(Database):
    """Each read and each write of a mutation is a transaction of its own."""

    async def write(self, work: Callable[[Writing], T]) -> T:
        loop = asyncio.get_running_loop()
        write = super().write

        def alone(do: Callable[[DatabaseWriter], Any]) -> Any:
            return asyncio.run_coroutine_threadsafe(write(lambda now: do(now.db)), loop).result()

        def range_of(table: str, name: str, equal: dict[str, object]) -> SimpleNamespace:
            return SimpleNamespace(
                collect=lambda: alone(lambda db: db.query(table).with_index(name, **equal).collect()),
                first=lambda: alone(lambda db: db.query(table).with_index(name, **equal).first()),
            )

        db = SimpleNamespace(
            query=lambda table: SimpleNamespace(with_index=lambda name, **equal: range_of(table, name, equal)),
            insert=lambda table, **fields: alone(lambda db: db.insert(table, **fields)),
            patch=lambda id, **fields: alone(lambda db: db.patch(id, **fields)),
        )
        ended = await write(lambda now: now)
        return await asyncio.to_thread(work, replace(ended, db=cast("DatabaseWriter", db)))


class Split(Database):
    """A mutation reads in one transaction and writes in the next."""

    async def write(self, work: Callable[[Writing], T]) -> T:
        writes: list[Callable[[DatabaseWriter], object]] = []
        ended = await super().write(lambda now: now)

        def read(now: Reading) -> T:
            db = SimpleNamespace(
                query=now.db.query,
                insert=lambda table, **fields: writes.append(lambda db: db.insert(table, **fields)),
                patch=lambda id, **fields: writes.append(lambda db: db.patch(id, **fields)),
            )
            return work(replace(ended, db=cast("DatabaseWriter", db)))

        result = await self.read(read)
        await super().write(lambda now: [do(now.db) for do in writes])
        return result


class Stale(Database):
    """Queries read a snapshot that may be an old one."""

    def open(self) -> None:
        super().open()
        self._lock = threading.Lock()
        self._old = Connection(self.path, write=False, busy_ms=0)
        self._old.run("begin")
        self._reads = count(1)

    def close(self) -> None:
        self._old.close()
        super().close()

    async def read(self, work: Callable[[Reading], T], pace: Pace | None = None) -> T:
        def late(now: Reading) -> T:
            with self._lock:
                if next(self._reads) % EVERY == 0:
                    self._old.run("rollback; begin")
                return work(replace(now, db=DatabaseReader(self._old, self.schema)))

        return await super().read(late)


class Dropping(Database):
    """Of the appends some are not written, and nobody is told."""

    _appends = count(1)

    async def write(self, work: Callable[[Writing], T]) -> T:
        def do(now: Writing) -> T:
            def unless_dropped(write: Callable[..., object]) -> Callable[..., object]:
                return lambda *args, **fields: next(self._appends) % EVERY and write(*args, **fields)

            insert, patch = unless_dropped(now.db.insert), unless_dropped(now.db.patch)
            db = SimpleNamespace(query=now.db.query, insert=insert, patch=patch)
            return work(replace(now, db=cast("DatabaseWriter", db)))

        return await super().write(do)


class Forgetful(Database):
    """Of the commits some are not told to the cache of queries."""

    def open(self) -> None:
        super().open()
        assert self._opened is not None
        self._opened.cache = _ForgetfulCache()


class _ForgetfulCache(QueryCache):
    _commits = count(1)

    def committing(self, writes: Sequence[Writes]) -> AbstractContextManager[None]:
        return super().committing(writes if next(self._commits) % EVERY else ())


class Hasty(OnThreads):
    """The cache of queries keeps an answer as if nothing had been committed since its snapshot."""

    def open(self) -> None:
        super().open()
        assert self._opened is not None
        self._opened.cache = _HastyCache()


class _HastyCache(QueryCache):
    def put(self, key: Key, value: object, reads: Reads, mark: int) -> None:
        super().put(key, value, reads, self.mark())
