"""The write-ahead log of a server that was killed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pillion_server import StartError
from pillion_server.sqlite import Connection
from pillion_server.wal import check_wal

ROWS = 20
FRAME = 24 + 4096


def killed(folder: Path, *, checkpoint: bool = False) -> Path:
    """A database as it lies there after a kill: the files, copied while they are in use."""
    folder.mkdir()
    connection = Connection(folder / "living", write=True, busy_ms=0)
    connection.run("pragma journal_mode = wal; create table t (v integer)")
    for value in range(ROWS):
        connection.run("insert into t values (?)", (value,))
    if checkpoint:
        connection.run("pragma wal_checkpoint(passive)")
    for suffix in ("", "-wal", "-shm"):
        (folder / f"x.sqlite3{suffix}").write_bytes((folder / f"living{suffix}").read_bytes())
    connection.close()
    return folder / "x.sqlite3"


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def index_of(path: Path) -> Path:
    return path.with_name(path.name + "-shm")


def rows(path: Path) -> list[int]:
    connection = Connection(path, write=True, busy_ms=0)
    try:
        return [value for (value,) in connection.rows("select v from t order by v")]
    finally:
        connection.close()


def overwrite(path: Path, start: int, octets: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start, os.SEEK_END if start < 0 else os.SEEK_SET)
        file.write(octets)


def test_a_kill_does_no_harm(tmp_path: Path) -> None:
    """The log is as its index says, and everything is there."""
    path = killed(tmp_path / "a")
    check_wal(path)
    assert rows(path) == list(range(ROWS))
    check_wal(path)  # now there is neither of them


@pytest.mark.parametrize(
    "damage",
    [
        lambda log: os.truncate(log, log.stat().st_size - 1),
        lambda log: os.truncate(log, log.stat().st_size - FRAME),
        lambda log: os.truncate(log, 100),
        lambda log: os.truncate(log, 0),
        Path.unlink,
        lambda log: overwrite(log, 0, b"\xa5"),
        lambda log: overwrite(log, 16, b"\xa5" * 8),
        lambda log: overwrite(log, -FRAME + 8, b"\xa5" * 16),
    ],
)
def test_a_damaged_log(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """It is told each time, and SQLite doesn't get to see it, until somebody says that it may."""
    path = killed(tmp_path / "a")
    damage(log_of(path))
    for _ in range(2):
        with pytest.raises(StartError, match=r"x\.sqlite3-wal is damaged or cut off.*remove .*x\.sqlite3-shm"):
            check_wal(path)
    index_of(path).unlink()
    check_wal(path)


def test_what_is_left_of_a_log(tmp_path: Path) -> None:
    """The first commits, none of which is halved."""
    path = killed(tmp_path / "a")
    os.truncate(log_of(path), log_of(path).stat().st_size // 2)
    index_of(path).unlink()
    left = rows(path)
    assert left == list(range(len(left)))
    assert 0 < len(left) < ROWS


def test_a_log_that_is_not_needed_any_more(tmp_path: Path) -> None:
    """All of it has been copied into the database file."""
    path = killed(tmp_path / "a", checkpoint=True)
    os.truncate(log_of(path), 100)
    check_wal(path)
    assert rows(path) == list(range(ROWS))


@pytest.mark.parametrize("where", [8, 56])
def test_an_index_that_says_nothing(tmp_path: Path, where: int) -> None:
    """Its process ended while it was writing it: the two headers differ. Or it is cut off."""
    path = killed(tmp_path / "a")
    os.truncate(log_of(path), 100)
    overwrite(index_of(path), where, b"\xa5")
    check_wal(path)
    os.truncate(index_of(path), where)
    check_wal(path)
