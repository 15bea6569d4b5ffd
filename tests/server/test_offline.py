"""A database without its server."""

from pathlib import Path

import apsw
import pytest

from pillion_server import Schema, StartError
from pillion_server.database import Database
from pillion_server.offline import reading, writing
from pillion_server.place import secret_beside


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database that a server has used."""
    database = Database(tmp_path / "x.sqlite3", Schema())
    database.open()
    database.close()
    return tmp_path / "x.sqlite3"


def put(path: Path, number: int, *, fail: bool = False) -> None:
    with writing(path) as connection:
        connection.run("update epoch set number = ?", (number,))
        if fail:
            raise ValueError("no")


def seen(path: Path) -> object:
    with reading(path) as connection:
        return connection.value("select number from epoch")


def test_a_transaction(path: Path) -> None:
    """All of it or nothing."""
    put(path, 1)
    with pytest.raises(ValueError, match="no"):
        put(path, 2, fail=True)
    assert seen(path) == 1


def test_a_snapshot(path: Path) -> None:
    """What is written meanwhile is not in it, and reading keeps nobody from writing."""
    with reading(path) as connection:
        assert connection.value("select number from epoch") == 0
        put(path, 3)
        assert connection.value("select number from epoch") == 0
    assert seen(path) == 3


def test_beside_a_server(path: Path) -> None:
    """Read, but not written."""
    server = Database(path, Schema())
    server.open()
    assert seen(path) == 0
    with pytest.raises(StartError, match="in use by another pillion server"):
        put(path, 1)
    server.close()
    put(path, 1)


def test_no_database_is_made_unless_asked_for(tmp_path: Path) -> None:
    """A misspelt name leaves nothing behind."""
    for use in (seen, lambda path: put(path, 1)):
        with pytest.raises(StartError, match="is not there: name the file of a database"):
            use(tmp_path / "x.sqlite3")
    assert list(tmp_path.iterdir()) == []
    with writing(tmp_path / "new" / "x.sqlite3", make=True):
        pass
    assert seen(tmp_path / "new" / "x.sqlite3") == 0
    assert secret_beside(tmp_path / "new" / "x.sqlite3").stat().st_mode & 0o777 == 0o600


def test_what_is_no_database_of_ours(tmp_path: Path) -> None:
    """Another program's, an older one, an empty file, and rubbish: each is said, none is touched."""
    other, older, empty, bad = (tmp_path / name for name in ("other", "older", "empty", "bad"))
    apsw.Connection(str(other)).execute("create table t (x)")
    put_mark = "create table documents (x); pragma application_id = 0x50694C6E; pragma user_version = 1"
    apsw.Connection(str(older)).execute(put_mark)
    empty.write_bytes(b"")
    bad.write_bytes(b"no database" * 1000)
    for path, sentence in (
        (other, "is a database of another program"),
        (older, "was made by an older pillion"),
        (empty, "was made by an older pillion"),
        (bad, "is corrupt or not a database"),
    ):
        before = path.read_bytes()
        for use in (seen, lambda path: put(path, 1)):
            with pytest.raises(StartError, match=sentence):
                use(path)
        assert path.read_bytes() == before
