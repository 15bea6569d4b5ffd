"""Snapshots that outlive a call."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillion_server import DatabaseError, snapshots
from pillion_server.errors import Refused
from pillion_server.snapshots import Snapshots
from pillion_server.sqlite import Connection


class File:
    """A table `t` of numbers, a writing connection and the snapshots."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer = Connection(path, write=True, busy_ms=0)
        self.writer.run("pragma journal_mode = wal; create table t (v)")
        self.opened: list[Connection] = []
        self.snapshots = Snapshots(path, self.connect)

    def connect(self) -> Connection:
        self.opened.append(Connection(self.path, write=False, busy_ms=0))
        return self.opened[-1]

    def insert(self, value: object = 1) -> None:
        self.writer.run("insert into t values (?)", (value,))

    def count(self, ts: int) -> int:
        return self.snapshots.read(ts, lambda connection: int(connection.value("select count(*) from t")))

    @property
    def wal(self) -> int:
        return self.path.with_name(self.path.name + "-wal").stat().st_size


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    """A fresh file."""
    file = File(tmp_path / "x.sqlite3")
    yield file
    file.snapshots.close()
    file.writer.close()


def until(true: Callable[[], bool]) -> None:
    """Waits for what another thread will do."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "It has not happened in ten seconds."
        time.sleep(0.005)


def test_each_time_has_its_own_state(file: File) -> None:
    """What was committed before it, and nothing of what came after, however often it is read."""
    times = []
    for _ in range(20):
        times.append(file.snapshots.take())
        file.insert()
    assert times == sorted(set(times))
    for _ in range(2):
        assert [file.count(ts) for ts in times] == list(range(20))


def test_without_a_commit_it_is_the_same(file: File) -> None:
    """A thousand callers cost one connection, and the one that watches for commits."""
    file.insert()
    assert len({file.snapshots.take() for _ in range(1000)}) == 1
    assert len(file.opened) == 2


def test_it_survives_a_checkpoint(file: File) -> None:
    """What SQLite moves into the file is not what the snapshot reads."""
    file.insert("old")
    ts = file.snapshots.take()
    file.writer.run("update t set v = 'new'; pragma wal_checkpoint(passive)")
    assert file.snapshots.read(ts, lambda connection: connection.value("select v from t")) == "old"


@pytest.mark.parametrize(
    ("shift", "status", "code"),
    [(-1, 503, "OutOfRetention"), (1, 503, "OutOfRetention"), (10**18, 400, "BadTimestamp")],
)
def test_a_time_that_was_not_given_out(file: File, shift: int, status: int, code: str) -> None:
    """Nobody knows what it would be: nothing is made up."""
    ts = file.snapshots.take()
    with pytest.raises(Refused) as caught:
        file.count(ts + shift)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_it_is_kept_for_thirty_seconds(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """From when it was last taken; by then its connection is closed."""
    now = [1000.0]
    monkeypatch.setattr(snapshots.time, "monotonic", lambda: now[0])
    ts = file.snapshots.take()
    now[0] += 29.9
    assert file.snapshots.take() == ts
    now[0] += 29.9
    file.insert()
    other = file.snapshots.take()
    assert (file.count(ts), file.count(other)) == (0, 1)
    now[0] += 0.2
    file.snapshots.take()
    assert file.count(other) == 1
    with pytest.raises(Refused, match="not kept"):
        file.count(ts)


def test_the_last_one_goes_by_itself(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another call, and then the WAL can be reset."""
    monkeypatch.setattr(snapshots, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(snapshots, "SWEEP_SECONDS", 0.01)
    file.snapshots.take()
    file.insert()
    until(lambda: file.writer.row("pragma wal_checkpoint(restart)")[0] == 0)  # type: ignore[index]


def test_one_that_is_being_read_stays(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """However old it is; others can be taken and read meanwhile, and closing doesn't wait for it."""
    ts = file.snapshots.take()
    begun, go, seen = threading.Event(), threading.Event(), list[object]()

    def slow(connection: Connection) -> None:
        begun.set()
        go.wait(10)
        seen.append(connection.value("select count(*) from t"))

    reader = threading.Thread(target=file.snapshots.read, args=(ts, slow))
    reader.start()
    begun.wait(10)
    monkeypatch.setattr(snapshots, "KEPT_SECONDS", -1.0)
    file.insert()
    assert file.count(file.snapshots.take()) == 1
    file.snapshots.close()
    go.set()
    reader.join(10)
    assert seen == [0]


def test_readers_of_one_take_turns(file: File) -> None:
    """A connection is for one thread at a time; all arrive."""
    ts = file.snapshots.take()
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(file.count(ts))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert counts == [0] * 16


def test_there_are_only_so_many(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that takes one after every commit is told to wait; those that are there go on."""
    monkeypatch.setattr(snapshots, "MOST", 3)
    times = []
    for _ in range(3):
        times.append(file.snapshots.take())
        file.insert()
    with pytest.raises(Refused) as caught:
        file.snapshots.take()
    assert (caught.value.status, caught.value.code) == (503, "TooManySnapshots")
    assert [file.count(ts) for ts in times] == [0, 1, 2]


def test_the_wal_does_not_grow_for_ever(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a snapshot always open it could not be reset: beyond its bound none is taken until they have gone."""
    monkeypatch.setattr(snapshots, "MOST_WAL_BYTES", 1_000_000)
    now = [1000.0]
    monkeypatch.setattr(snapshots.time, "monotonic", lambda: now[0])
    sizes, refused = [], 0
    for _ in range(200):
        file.insert("x" * 50_000)
        now[0] += 10
        try:
            file.snapshots.take()
        except Refused:
            refused += 1
        sizes.append(file.wal)
    assert 0 < refused < 150
    assert max(sizes) < 2_000_000


def test_a_long_wal_that_nobody_keeps(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is emptied first; while somebody else reads it, it can't be."""
    file.insert("x" * 50_000)
    monkeypatch.setattr(snapshots, "MOST_WAL_BYTES", 10_000)
    monkeypatch.setattr(snapshots, "BUSY_MS", 10)
    other = file.connect()
    other.run("begin; select * from t")
    file.insert()
    with pytest.raises(Refused, match="wait 30 s"):
        file.snapshots.take()
    other.close()
    assert file.count(file.snapshots.take()) == 2
    assert file.wal == 0


def test_after_closing(file: File) -> None:
    """There is none, and it says why."""
    ts = file.snapshots.take()
    file.snapshots.close()
    file.snapshots.close()
    with pytest.raises(DatabaseError, match="stopping"):
        file.snapshots.take()
    with pytest.raises(DatabaseError, match="stopping"):
        file.count(ts)
