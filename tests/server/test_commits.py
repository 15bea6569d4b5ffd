"""The timestamps of commits."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from pillion_server import Schema
from pillion_server.database import Database
from pillion_server.transaction import Writing
from pillion_server.writes import Writes


class Told:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def announce(self, ts: int, writes: Sequence[Writes]) -> None:
        self.heard.append(("announced", ts, sum(len(each.documents) for each in writes)))

    def delivered(self, ts: int) -> None:
        self.heard.append(("delivered", ts))

    def adopted(self) -> None:
        self.heard.append("adopted")


def write(writing: Writing) -> int:
    writing.db.insert("items", n=1)
    return writing.ts()


def test_a_commit_has_a_later_time_than_all_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which its snapshots have; also after a restart, with a clock set back. One that writes nothing has none."""

    async def main() -> None:
        database, told = Database(tmp_path / "x.sqlite3", Schema()), Told()
        database.open()
        await database.listen(told)
        await database.listen(told)
        assert await database.read_each(lambda ts, _: ts) == 0
        first = await database.write(write)
        assert abs(first - time.time_ns()) < 60e9
        assert database.newest == first
        await database.write(lambda _: None)
        assert await database.read_each(lambda ts, _: ts) == first
        monkeypatch.setattr("time.time_ns", lambda: 5)
        second = await database.write(write)
        assert second == first + 1
        database.close()
        times = [("announced", first, 1), ("delivered", first), ("announced", second, 1), ("delivered", second)]
        assert told.heard == times
        database.open()
        assert database.newest == second
        assert await database.write(write) == second + 1
        database.close()

    asyncio.run(main())


def test_listeners_are_told_of_another_schema(tmp_path: Path) -> None:
    """What they know of indexes is old."""

    async def main() -> None:
        database, told = Database(tmp_path / "x.sqlite3", Schema()), Told()
        database.open()
        await database.listen(told)
        await database.adopt(Schema())
        assert told.heard == ["adopted"]
        database.close()

    asyncio.run(main())
