"""The database as a whole."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion_server import DatabaseError, DefinitionError, Schema, StartError, Table, clock
from pillion_server import database as module
from pillion_server.database import Database
from pillion_server.idempotency import Once
from pillion_server.sqlite import Connection
from pillion_server.transaction import Reading, Writing

SCHEMA = Schema(items=Table().index("by_n", "n"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open one."""
    database = Database(tmp_path / "sub" / "data.sqlite3", SCHEMA)
    database.open()
    yield database
    database.close()


def test_what_is_written_is_read_and_stays(database: Database) -> None:
    """Also after it was closed and opened again."""
    id = asyncio.run(database.write(lambda now: now.db.insert("items", n=1)))

    def read(now: Reading) -> object:
        document = now.db.get(id)
        return document and document["n"]

    assert asyncio.run(database.read(read)) == 1
    database.close()
    database.open()
    assert asyncio.run(database.read(read)) == 1


def test_a_mutation_that_raises_has_not_happened(database: Database) -> None:
    """Neither its documents nor their index entries."""

    def write(now: Writing) -> None:
        now.db.insert("items", n=1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(database.write(write))
    assert asyncio.run(database.read(lambda now: now.db.query("items").collect())) == []
    assert asyncio.run(database.read(lambda now: now.db.query("items").with_index("by_n").collect())) == []


def test_two_hundred_increments_make_two_hundred(database: Database) -> None:
    """Each reads what the one before has written: none is lost."""
    id = asyncio.run(database.write(lambda now: now.db.insert("counters", n=0)))

    def increment(now: Writing) -> int:
        document = now.db.get(id)
        assert document is not None
        now.db.patch(id, n=document["n"] + 1)
        return int(document["n"]) + 1

    async def main() -> list[int]:
        return await asyncio.gather(*(database.write(increment) for _ in range(200)))

    assert sorted(asyncio.run(main())) == list(range(1, 201))


def test_times_only_go_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the clock is set back, and after a start."""

    def insert(now: Writing) -> float:
        document = now.db.get(now.db.insert("items"))
        assert document is not None
        return float(document["_creation_time"])

    times = [asyncio.run(database.write(insert)) for _ in range(3)]
    monkeypatch.setattr(clock.time, "time_ns", lambda: 0)
    times += [asyncio.run(database.write(insert)) for _ in range(3)]
    database.close()
    database.open()
    times += [asyncio.run(database.write(insert)) for _ in range(3)]
    assert times == sorted(set(times))


def test_what_a_call_gets_ends_with_it(database: Database) -> None:
    """It can't be used for a write outside of the transaction."""
    writers: list[Writing] = []
    readers: list[Reading] = []
    asyncio.run(database.write(writers.append))
    asyncio.run(database.read(readers.append))
    with pytest.raises(RuntimeError, match="after its function had ended"):
        writers[0].db.insert("items")
    with pytest.raises(RuntimeError, match="after its function had ended"):
        readers[0].db.get("items:x")


def test_closed(tmp_path: Path) -> None:
    """It says so; closing twice is no error."""
    database = Database(tmp_path / "x.sqlite3", SCHEMA)
    database.close()
    with pytest.raises(DatabaseError, match="closed"):
        asyncio.run(database.read(lambda _: None))
    with pytest.raises(DatabaseError, match="closed"):
        asyncio.run(database.write(lambda _: None))


def test_only_one_at_a_time(database: Database) -> None:
    """A second server on the file is refused, also by another spelling of its path."""
    link = database.path.parent.parent / "link"
    link.symlink_to(database.path.parent)
    for path in (database.path, link / "data.sqlite3"):
        with pytest.raises(StartError, match="in use by another pillion server"):
            Database(path, SCHEMA).open()


def test_a_failed_start_lets_go(tmp_path: Path) -> None:
    """When the file is mended the next one starts."""
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"this is no database, it is a text" * 100)
    for _ in range(2):
        with pytest.raises(StartError, match=r"x\.sqlite3 is corrupt or not a database"):
            Database(path, SCHEMA).open()
    path.unlink()
    database = Database(path, SCHEMA)
    database.open()
    database.close()


def test_locked_by_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a shell with an open transaction."""
    monkeypatch.setattr(module, "START_BUSY_MS", 10)
    database = Database(tmp_path / "x.sqlite3", SCHEMA)
    database.open()
    database.close()
    shell = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    shell.run("begin exclusive")
    with pytest.raises(StartError, match="locked by another program"):
        database.open()
    shell.close()


def test_a_lost_secret_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The sessions of the old one are out of reach, and the log says why."""
    database = Database(tmp_path / "x.sqlite3", SCHEMA)
    database.open()
    database.close()
    (tmp_path / "x.sqlite3.secret").unlink()
    with caplog.at_level(logging.WARNING):
        database.open()
    database.close()
    assert "sessions start afresh" in caplog.text


def test_another_schema_takes_over(database: Database) -> None:
    """Its indexes are filled; those that it doesn't have are gone."""
    for n in (2, 1):
        asyncio.run(database.write(lambda now, n=n: now.db.insert("items", n=n, m=-n)))
    asyncio.run(database.adopt(Schema(items=Table().index("by_m", "m"))))

    def numbers(now: Reading) -> list[int]:
        return [document["n"] for document in now.db.query("items").with_index("by_m").collect()]

    assert asyncio.run(database.read(numbers)) == [2, 1]
    with pytest.raises(DefinitionError, match="no index 'by_n'"):
        asyncio.run(database.read(lambda now: now.db.query("items").with_index("by_n").collect()))


def test_a_query_that_does_not_end_keeps_the_schema(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up, and said; what was called meanwhile goes on."""
    monkeypatch.setattr(module, "ADOPT_SECONDS", 0.05)
    begun, go = threading.Event(), threading.Event()

    def stay(_: Reading) -> str:
        begun.set()
        assert go.wait(20)
        return "ended"

    async def main() -> tuple[str, str]:
        staying = asyncio.ensure_future(database.read(stay))
        await asyncio.to_thread(begun.wait, 20)
        adopting = asyncio.ensure_future(database.adopt(Schema()))
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(database.write(lambda now: now.db.insert("items", n=1)))
        with pytest.raises(DatabaseError, match="has been running for"):
            await adopting
        inserted = await waiting
        go.set()
        return inserted.partition(":")[0], await staying

    assert asyncio.run(main()) == ("items", "ended")
    assert database.schema is SCHEMA


def test_a_check_of_a_database_in_use(database: Database) -> None:
    """It says nothing while all is well, and why when not."""
    asyncio.run(database.check())
    database.close()
    with pytest.raises(DatabaseError, match="closed"):
        asyncio.run(database.check())


def test_an_earlier_time(database: Database) -> None:
    """What was there then, while it is kept."""

    def count(now: Reading) -> int:
        return len(now.db.query("items").collect())

    async def main() -> None:
        ts = await database.now()
        await database.write(lambda now: now.db.insert("items", n=1))
        assert await database.read_at(ts, count) == 0
        assert await database.read_at(await database.now(), count) == 1

    asyncio.run(main())


def test_what_is_written_once(database: Database) -> None:
    """A second time it is the first answer; what raised leaves neither answer nor documents."""
    once = Once("call", "request")

    def write(now: Writing) -> str:
        return now.db.insert("items", n=1)

    def fail(now: Writing) -> str:
        write(now)
        raise ValueError("no")

    async def main() -> None:
        with pytest.raises(ValueError, match="no"):
            await database.write_once(once, fail)
        assert await database.write_once(once, write) == await database.write_once(once, fail)
        assert len(await database.read(lambda now: now.db.query("items").collect())) == 1

    asyncio.run(main())
