"""The readers: snapshots, side by side."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion_server import DatabaseError
from pillion_server.readers import THREADS, Readers
from pillion_server.sqlite import Connection


class File:
    """A table `t` of numbers, a writing connection and the readers."""

    def __init__(self, path: Path) -> None:
        self.writer = Connection(path, write=True, busy_ms=0)
        self.writer.run("pragma journal_mode = wal; create table t (v integer)")
        self.readers = Readers(lambda: Connection(path, write=False, busy_ms=0))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    """A fresh file."""
    file = File(tmp_path / "x.sqlite3")
    yield file
    file.readers.close()
    file.writer.close()


def count(connection: Connection) -> int:
    return int(connection.value("select count(*) from t"))


def test_a_read_sees_one_snapshot(file: File) -> None:
    """What is committed while it runs shows only in the next one."""

    def twice(connection: Connection) -> tuple[int, int]:
        before = count(connection)
        file.writer.run("insert into t values (1)")
        return before, count(connection)

    async def main() -> None:
        assert await file.readers.read(twice) == (0, 0)
        assert await file.readers.read(count) == 1

    asyncio.run(main())


def test_reads_run_side_by_side(file: File) -> None:
    """As many as there are threads wait for each other here, and all arrive."""
    barrier = threading.Barrier(THREADS)

    async def main() -> None:
        works = [file.readers.read(lambda connection: barrier.wait(5)) for _ in range(THREADS)]
        assert sorted(await asyncio.gather(*works)) == list(range(THREADS))

    asyncio.run(main())


def test_errors_come_home_and_the_thread_goes_on(file: File) -> None:
    """The handler's as they are, SQLite's as DatabaseError."""

    def exit_(connection: Connection) -> None:
        raise SystemExit(1)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="SystemExit"):
            await file.readers.read(exit_)
        for _ in range(THREADS + 1):
            with pytest.raises(ZeroDivisionError):
                await file.readers.read(lambda connection: 1 / 0)
            with pytest.raises(DatabaseError, match="no such table"):
                await file.readers.read(lambda connection: connection.run("select * from nowhere"))
        assert await file.readers.read(count) == 0

    asyncio.run(main())


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """Not opening is an error of the database too."""
    readers = Readers(lambda: Connection(tmp_path / "nowhere.sqlite3", write=False, busy_ms=0))

    async def main() -> None:
        with pytest.raises(DatabaseError, match="can't be opened"):
            await readers.read(count)

    asyncio.run(main())
    readers.close()


def test_closed(file: File) -> None:
    """It says so."""
    file.readers.close()
    with pytest.raises(DatabaseError, match="stopping"):
        asyncio.run(file.readers.read(count))
