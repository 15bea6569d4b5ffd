"""Mutations and the same rows by hand: how many are acknowledged in a second, by 64 callers and by a loop.

A mutation is `shelf.add` through the function runner, arguments, transaction and answer, called by 64 tasks of one event
loop, in the process that measures. By hand it is Python's `sqlite3` on a copy of the file: the same three rows, made
beforehand, are inserted and committed, one mutation after another.
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import shelf

from pillion_server.database import Database
from pillion_server.runner import Runner

CALLERS = 64

Row = tuple[object, ...]


class Functions:
    """The server's functions on a database, without HTTP."""

    def __init__(self, path: Path, sessions: int) -> None:
        self._database = Database(path, shelf.schema)
        self._database.open()
        self._runner = Runner(shelf.registry, self._database)
        self._sessions = sessions

    def per_second(self, durability: str, mutations: int) -> float:
        """How many mutations are acknowledged in a second."""
        self._database._opened._connection.run(f"pragma synchronous = {durability}")  # noqa: SLF001 - it is always FULL
        begun = time.perf_counter()
        asyncio.run(self._all(mutations // CALLERS))
        return mutations // CALLERS * CALLERS / (time.perf_counter() - begun)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    async def _all(self, each: int) -> None:
        await asyncio.gather(*(self._caller(each) for _ in range(CALLERS)))

    async def _caller(self, count: int) -> None:
        for _ in range(count):
            answer = await self._runner.answer(
                "mutation", "shelf:add", shelf.arguments(random.randrange(self._sessions))
            )
            if answer["status"] != "success":
                raise RuntimeError(answer)


class ByHand:
    """A loop over `sqlite3`."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        self._owners = [owner for (owner,) in self._connection.execute("select digest from sessions limit 10000")]

    def per_second(self, durability: str, mutations: int) -> float:
        """How many times three rows are committed in a second."""
        run = self._connection.execute
        run(f"pragma synchronous = {durability}")
        rows = list(self._rows(mutations))
        begun = time.perf_counter()
        for document, entries in rows:
            run("begin immediate")
            run(shelf.INSERT, document)
            for entry in entries:
                run(shelf.ENTER, entry)
            run("commit")
        return mutations / (time.perf_counter() - begun)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def _rows(self, count: int) -> Iterator[tuple[Row, list[Row]]]:
        last = self._connection.execute("select seq from sqlite_sequence where name = 'documents'").fetchone()[0]
        for doc in range(last + 1, last + 1 + count):
            owner, created = random.choice(self._owners), time.time() * 1000
            entries = [shelf.entry(owner, created, doc, place) for place in range(len(shelf.INDEXES))]
            yield shelf.row(owner, created, shelf.new_id()), entries
