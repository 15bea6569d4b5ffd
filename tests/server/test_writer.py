"""The one writer: group commit."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pillion_server import DatabaseError
from pillion_server.sqlite import Connection
from pillion_server.writer import GROUP, Writer

Work = Callable[[Connection], Any]


class File:
    """A table `t` of numbers, its writer, and a connection that sees what is committed."""

    def __init__(self, path: Path) -> None:
        self.connection = Connection(path, write=True, busy_ms=0)
        self.connection.run("pragma journal_mode = wal; create table t (v integer)")
        self.writer = Writer(self.connection)
        self.reader = Connection(path, write=False, busy_ms=0)

    def committed(self) -> list[int]:
        return [value for (value,) in self.reader.rows("select v from t order by v")]

    async def in_one_group(self, works: list[Work]) -> list[Any]:
        """Runs the works in one commit: the writer is held until all of them wait. Errors are returned."""
        held, go = threading.Event(), threading.Event()

        def hold(connection: Connection) -> None:
            held.set()
            go.wait(5)

        first = asyncio.ensure_future(self.writer.write(hold))
        await asyncio.to_thread(held.wait, 5)
        others = [asyncio.ensure_future(self.writer.write(work)) for work in works]
        await asyncio.sleep(0)  # lets each of them put its work in the queue
        go.set()
        await first
        return await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    """A fresh file."""
    file = File(tmp_path / "x.sqlite3")
    yield file
    file.writer.close()
    file.reader.close()
    file.connection.close()


def add(value: int) -> Work:
    def work(connection: Connection) -> int:
        connection.run("insert into t values (?)", (value,))
        return value

    return work


def add_and_raise(value: int, error: BaseException) -> Work:
    def work(connection: Connection) -> None:
        connection.run("insert into t values (?)", (value,))
        raise error

    return work


def test_what_is_acknowledged_is_committed(file: File) -> None:
    """At the moment the caller goes on, another connection sees it."""

    async def main() -> None:
        assert await file.writer.write(add(1)) == 1
        assert file.committed() == [1]

    asyncio.run(main())


def test_a_failing_one_leaves_its_neighbours_alone(file: File) -> None:
    """One commit: what succeeded is in it, what failed has left no trace."""
    error = ValueError("no")

    async def main() -> None:
        works = [add(1), add_and_raise(2, error), add(3), add_and_raise(4, SystemExit(1)), add(5)]
        one, two, three, four, five = await file.in_one_group(works)
        assert (one, two, three, five) == (1, error, 3, 5)
        assert isinstance(four, RuntimeError)
        assert file.committed() == [1, 3, 5]

    asyncio.run(main())


def test_a_group_is_one_commit(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty-four mutations that wait together cost one sync, the sixty-fifth another."""
    commits: list[str] = []
    run = file.connection.run

    def counting(sql: str, bindings: Sequence[object] = ()) -> None:
        if sql == "commit":
            commits.append(sql)
        run(sql, bindings)

    monkeypatch.setattr(file.connection, "run", counting)

    async def main() -> None:
        for size, expected in ((GROUP, 1), (GROUP + 1, 2)):
            commits.clear()
            await file.in_one_group([add(value) for value in range(size)])
            assert len(commits) == 1 + expected  # one is of what held the writer

    asyncio.run(main())


def test_who_calls_again_shares_the_next_commit(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """With those who have waited meanwhile, instead of being one commit behind them for good."""
    monkeypatch.setattr("pillion_server.writer.TURN_SECONDS", 5)
    seen: list[list[int]] = []

    def look(connection: Connection) -> None:
        seen.append(file.committed())

    async def twice() -> None:
        held, go = threading.Event(), threading.Event()

        def hold(connection: Connection) -> None:
            connection.run("insert into t values (1)")
            held.set()
            go.wait(5)

        async def again() -> None:
            await file.writer.write(hold)
            await file.writer.write(look)

        first = asyncio.ensure_future(again())
        await asyncio.to_thread(held.wait, 5)
        other = asyncio.ensure_future(file.writer.write(add(2)))
        await asyncio.sleep(0)  # lets it put its work in the queue
        go.set()
        await asyncio.gather(first, other)

    asyncio.run(twice())
    assert (seen, file.committed()) == ([[1]], [1, 2])


def test_later_ones_of_a_group_see_the_earlier(file: File) -> None:
    """As if they had been committed one after another."""

    def count(connection: Connection) -> int:
        return int(connection.value("select count(*) from t"))

    async def main() -> None:
        works = [count, add(1), count, add_and_raise(2, ValueError()), count]
        assert (await file.in_one_group(works))[::2] == [0, 1, 1]

    asyncio.run(main())


def test_a_failed_commit_fails_the_whole_group(file: File) -> None:
    """Nobody is told that it worked, nothing is written, and the next ones work again."""
    file.connection.run("pragma foreign_keys = on; create table p (id integer primary key)")
    file.connection.run("create table c (p integer references p deferrable initially deferred)")

    def break_the_commit(connection: Connection) -> None:
        connection.run("insert into c values (99)")  # SQLite checks it when it commits

    async def main() -> None:
        outcomes = await file.in_one_group([add(1), break_the_commit, add(2)])
        assert [type(outcome) for outcome in outcomes] == [DatabaseError] * 3
        assert "nothing was changed" in str(outcomes[0])
        assert file.committed() == []
        assert await file.writer.write(add(3)) == 3
        assert file.committed() == [3]

    asyncio.run(main())


def test_a_full_file(file: File) -> None:
    """The mutation that doesn't fit fails with a sentence; small ones go on."""
    pages = file.connection.value("pragma page_count")
    file.connection.run(f"pragma max_page_count = {pages + 2}")

    def fill(connection: Connection) -> None:
        connection.run("create table big (v); insert into big values (zeroblob(100000))")

    async def main() -> None:
        with pytest.raises(DatabaseError, match=r"full.*nothing was changed"):
            await file.writer.write(fill)
        assert await file.writer.write(add(1)) == 1
        assert file.committed() == [1]

    asyncio.run(main())


def test_another_programs_lock(file: File, tmp_path: Path) -> None:
    """The writer waits as long as it was told, then says so."""
    other = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    other.run("begin immediate")

    async def main() -> None:
        with pytest.raises(DatabaseError, match="locked"):
            await file.writer.write(add(1))
        other.run("rollback")
        assert await file.writer.write(add(2)) == 2

    asyncio.run(main())
    other.close()


def test_a_caller_that_gave_up_hurts_nobody(file: File) -> None:
    """Its mutation may still happen; the others of its group get their answers."""

    async def main() -> None:
        held, go = threading.Event(), threading.Event()

        def hold(connection: Connection) -> None:
            held.set()
            go.wait(5)

        first = asyncio.ensure_future(file.writer.write(hold))
        await asyncio.to_thread(held.wait, 5)
        second = asyncio.ensure_future(file.writer.write(add(1)))
        third = asyncio.ensure_future(file.writer.write(add(2)))
        await asyncio.sleep(0)  # lets both put their work in the queue
        second.cancel()
        go.set()
        await first
        assert await asyncio.wait_for(third, 5) == 2

    asyncio.run(main())


def test_a_loop_that_is_gone_hurts_nobody(file: File) -> None:
    """A call whose event loop ended before the commit."""
    go = threading.Event()

    async def leave() -> None:
        task = asyncio.ensure_future(file.writer.write(lambda connection: go.wait(5)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    go.set()
    assert asyncio.run(file.writer.write(add(1))) == 1


def test_closing_finishes_what_waits(file: File) -> None:
    """And refuses what comes later."""

    async def main() -> None:
        tasks = [asyncio.ensure_future(file.writer.write(add(value))) for value in range(100)]
        await asyncio.sleep(0)
        await asyncio.to_thread(file.writer.close)
        assert await asyncio.gather(*tasks) == list(range(100))
        with pytest.raises(DatabaseError, match="stopping"):
            await file.writer.write(add(1))

    asyncio.run(main())
    assert file.committed() == list(range(100))


def test_stop_iteration_comes_home(file: File) -> None:
    """It may not be put into a future; its caller must not wait for ever."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(file.writer.write(add_and_raise(1, StopIteration())), 5)

    asyncio.run(main())
