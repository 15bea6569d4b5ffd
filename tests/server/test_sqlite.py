"""The connection to SQLite."""

from pathlib import Path

import pytest

from pillion_server.sqlite import Connection, SqliteError


def test_rows_values_and_the_last_id(tmp_path: Path) -> None:
    """The few calls that the other files need."""
    connection = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    connection.run("create table t (id integer primary key, v); insert into t values (7, 'a')")
    assert connection.last_id == 7
    assert connection.rows("select id, v from t where id = ?", (7,)) == [(7, "a")]
    assert connection.row("select 1 where 0") is None
    assert connection.value("select v from t") == "a"
    assert connection.value("select 1 where 0") is None
    connection.close()
    connection.close()


def test_all_statements_run(tmp_path: Path) -> None:
    """Also those that come after one with rows."""
    connection = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    connection.run("pragma journal_mode = wal; create table t (v)")
    assert connection.rows("select * from t") == []
    connection.close()


def test_a_reader_can_not_write(tmp_path: Path) -> None:
    """Whatever a query's handler gets at, it changes nothing."""
    writer = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    writer.run("create table t (v)")
    reader = Connection(tmp_path / "x.sqlite3", write=False, busy_ms=0)
    with pytest.raises(SqliteError, match="readonly"):
        reader.run("insert into t values (1)")
    reader.close()
    writer.close()


def test_a_transaction_is_seen(tmp_path: Path) -> None:
    """`in_transaction` tells when SQLite has given one up."""
    connection = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    assert not connection.in_transaction
    connection.run("begin")
    assert connection.in_transaction
    connection.run("rollback")
    assert not connection.in_transaction
    connection.close()


def test_sqlite_has_the_wal_fix() -> None:
    """The library is past the WAL-reset bug."""
    import apsw

    assert tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) >= (3, 51, 3)


def test_rows_one_by_one(tmp_path: Path) -> None:
    """None is fetched before it is wanted, and closing ends the statement."""
    connection = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    numbers = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n"
    rows = connection.each(numbers)
    assert [next(rows), next(rows)] == [(1,), (2,)]
    connection.run("begin")
    rows.close()
    connection.run("commit")
    assert list(connection.each("values (?), (?)", (3, 4))) == [(3,), (4,)]
    connection.close()


def test_a_file_that_has_moved_is_seen(tmp_path: Path) -> None:
    """Also when there is another one in its place; writing it goes on working, which is why somebody has to ask."""
    path = tmp_path / "x.sqlite3"
    connection = Connection(path, write=True, busy_ms=0)
    connection.run("create table t (v)")
    assert not connection.has_moved
    path.rename(tmp_path / "y.sqlite3")
    assert connection.has_moved
    path.write_bytes(b"")
    assert connection.has_moved
    path.unlink()
    (tmp_path / "y.sqlite3").rename(path)
    assert not connection.has_moved
    connection.close()
