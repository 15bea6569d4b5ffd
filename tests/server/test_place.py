"""Where a database lies."""

import os
from pathlib import Path

import apsw
import pytest

from pillion_server import StartError
from pillion_server.place import lock, make_folder, secret_beside, trouble


def test_the_folder_is_made_for_its_owner(tmp_path: Path) -> None:
    """With those above it."""
    make_folder(tmp_path / "a" / "b" / "x.sqlite3")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_place_that_can_not_be(tmp_path: Path) -> None:
    """A file where a folder should be, a folder where the file should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="can't be made"):
        make_folder(tmp_path / "file" / "x.sqlite3")
    with pytest.raises(StartError, match="is a folder"):
        make_folder(tmp_path)
    with pytest.raises(StartError, match="one in a temporary folder"):
        make_folder(tmp_path / ":memory:")


def test_one_server_at_a_time(tmp_path: Path) -> None:
    """The second is refused until the first lets go."""
    path = tmp_path / "x.sqlite3"
    secret_beside(path).write_bytes(b"s" * 32)
    first = lock(path)
    with pytest.raises(StartError, match="in use by another pillion server"):
        lock(path)
    os.close(first)
    os.close(lock(path))


def test_a_file_with_two_names(tmp_path: Path) -> None:
    """Each name would have a lock and a log of its own."""
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"")
    for name in (path, tmp_path / "y.sqlite3"):
        secret_beside(name).write_bytes(b"s" * 32)
    (tmp_path / "y.sqlite3").hardlink_to(path)
    for name in (path, tmp_path / "y.sqlite3"):
        with pytest.raises(StartError, match="another name"):
            lock(name)
    path.unlink()
    os.close(lock(tmp_path / "y.sqlite3"))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (apsw.NotADBError("x"), "corrupt or not a database"),
        (apsw.CorruptError("x"), "corrupt or not a database"),
        (apsw.BusyError("x"), "locked by another program"),
        (apsw.CantOpenError("x"), "check the permissions"),
        (apsw.ReadOnlyError("x"), "check the permissions"),
        (apsw.FullError("x"), "the disk is full"),
        (apsw.IOError("odd"), "can't be read or written as it should (odd): check its disk"),
        (apsw.SQLError("odd"), "can't be used (odd)"),
    ],
)
def test_what_to_say(error: apsw.Error, sentence: str) -> None:
    """SQLite's errors in words, with the file."""
    assert sentence in trouble(Path("data.sqlite3"), error)
    assert "data.sqlite3" in trouble(Path("data.sqlite3"), error)
