"""The readers: snapshots, side by side."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion_server import DatabaseError
from pillion_server.outcome import Outcome
from pillion_server.readers import THREADS, Readers
from pillion_server.reads import TooLong
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


def test_at_once(file: File) -> None:
    """On this thread, in one snapshot; errors are told."""

    def twice(connection: Connection) -> tuple[int, int, threading.Thread]:
        before = count(connection)
        file.writer.run("insert into t values (1)")
        return before, count(connection), threading.current_thread()

    done = file.readers.try_now(twice)
    assert done is not None
    assert done.result() == (0, 0, threading.current_thread())
    done = file.readers.try_now(count)
    assert done is not None
    assert done.result() == 1
    failed = file.readers.try_now(lambda connection: 1 / 0)
    assert failed is not None
    assert isinstance(failed.error, ZeroDivisionError)


def test_what_is_not_done_at_once(file: File) -> None:
    """What reads too much, what SQLite fails at, what would be a second one, and what comes too late."""

    def give_up(connection: Connection) -> None:
        raise TooLong

    inside = list[object]()
    assert file.readers.try_now(give_up) is None
    assert file.readers.try_now(lambda connection: connection.run("select * from nowhere")) is None
    assert file.readers.try_now(lambda connection: inside.append(file.readers.try_now(count))) is not None
    assert inside == [None]
    file.readers.close()
    assert file.readers.try_now(count) is None


def test_it_waits_for_no_lock(tmp_path: Path) -> None:
    """Another program has the file for itself: that is waited for on a thread, and only there."""
    owner = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    owner.run("create table t (v integer); begin exclusive")
    readers = Readers(lambda: Connection(tmp_path / "x.sqlite3", write=False, busy_ms=10_000))

    async def main() -> None:
        begun = time.monotonic()
        assert readers.try_now(count) is None
        assert time.monotonic() - begun < 5
        reading = asyncio.ensure_future(readers.read(count))
        await asyncio.sleep(0.05)
        assert not reading.done()
        owner.run("commit")
        assert await reading == 0

    asyncio.run(main())
    assert readers.close()
    assert readers.close()
    owner.close()


def test_closing_waits_for_what_runs_at_once(file: File) -> None:
    """In another thread's event loop, say; the connection is closed after it."""
    running, go_on = threading.Event(), threading.Event()

    def wait(connection: Connection) -> int:
        running.set()
        go_on.wait(5)
        return count(connection)

    done = list[object]()
    other = threading.Thread(target=lambda: done.append(file.readers.try_now(wait)))
    other.start()
    running.wait(5)
    threading.Timer(0.1, go_on.set).start()
    assert file.readers.close()
    other.join()
    assert done == [Outcome(value=0)]


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
