"""The layout of the database file."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypedDict

import pytest

from pillion_server import Schema, StartError, Table
from pillion_server.document_type import DocumentType
from pillion_server.documents import DatabaseWriter
from pillion_server.layout import FORMAT, prepare
from pillion_server.sqlite import Connection, SqliteError

Open = Callable[[Schema], Connection]


@pytest.fixture
def open_file(tmp_path: Path) -> Iterator[Open]:
    """Opens the same file under another schema each time."""
    opened: list[Connection] = []

    def open_with(schema: Schema) -> Connection:
        connection = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
        opened.append(connection)
        try:
            prepare(connection, schema, tmp_path / "x.sqlite3")
        except BaseException:
            connection.close()
            raise
        return connection

    yield open_with
    for connection in opened:
        connection.close()


def insert(connection: Connection, schema: Schema, count: int) -> None:
    times = iter(range(1, count + 1))
    db = DatabaseWriter(connection, schema, lambda: float(next(times)))
    connection.run("begin")
    for n in range(count):
        db.insert("items", n=n, third=n % 3)
    connection.run("commit")


def test_a_new_index_is_filled_at_start(open_file: Open) -> None:
    """Also beyond one page of documents; other tables don't get into it."""
    plain, indexed = Schema(), Schema(items=Table().index("by_third", "third"))
    first = open_file(plain)
    insert(first, plain, 2500)
    DatabaseWriter(first, plain, lambda: 5000.0).insert("others", third=0)
    first.close()
    second = open_file(indexed)
    items = DatabaseWriter(second, indexed, lambda: 0.0).query("items")
    sizes = [len(items.with_index("by_third", third=third).collect()) for third in range(4)]
    assert sizes == [834, 833, 833, 0]
    assert len(items.with_index("by_third").collect()) == 2500


def test_a_dropped_index_leaves_nothing(open_file: Open) -> None:
    """And comes back whole when it is declared again."""
    plain, indexed = Schema(), Schema(items=Table().index("by_third", "third"))
    first = open_file(indexed)
    insert(first, indexed, 10)
    first.close()
    second = open_file(plain)
    assert second.value("select count(*) from entries") == 10
    assert second.value("select count(*) from indexes") == 0
    insert(second, plain, 1)
    second.close()
    third = open_file(indexed)
    db = DatabaseWriter(third, indexed, lambda: 0.0)
    assert len(db.query("items").with_index("by_third").collect()) == 11


def test_it_is_durable_and_in_wal_mode(open_file: Open) -> None:
    """What is acknowledged has been synced."""
    connection = open_file(Schema())
    assert connection.value("pragma journal_mode") == "wal"
    assert connection.value("pragma synchronous") == 2


def test_the_newest_time_is_found(tmp_path: Path) -> None:
    """So time goes on from there, whatever the clock says."""
    path = tmp_path / "x.sqlite3"
    connection = Connection(path, write=True, busy_ms=0)
    assert prepare(connection, Schema(), path) == 0.0
    DatabaseWriter(connection, Schema(), lambda: 1e15).insert("items")
    assert prepare(connection, Schema(), path) == 1e15
    connection.close()


def test_a_session_that_went_on_counts_as_well(open_file: Open) -> None:
    """Its alias is not to last longer because the clock was set back meanwhile."""
    connection = open_file(Schema())
    DatabaseWriter(connection, Schema(), lambda: 5.0).insert("items")
    connection.run("update epoch set moved = 7")
    assert prepare(connection, Schema(), Path(connection.value("select file from pragma_database_list"))) == 7.0


def test_a_database_of_the_first_format(open_file: Open) -> None:
    """From before sessions could end: its documents are kept, and it is brought up once."""
    schema = Schema(items=Table().index("by_third", "third"))
    old = open_file(schema)
    insert(old, schema, 9)
    old.run(
        "drop table sessions; drop table epoch; drop table answers; drop table seen; "
        "drop table commits; drop table served"
    )
    old.run("pragma user_version = 1")
    old.close()
    for _ in range(2):
        connection = open_file(schema)
        assert connection.value("pragma user_version") == FORMAT
        assert connection.rows("select * from epoch") == [(0, 0.0)]
        assert connection.value("select count(*) from sessions") == 0
        items = DatabaseWriter(connection, schema, lambda: 0.0).query("items")
        assert len(items.with_index("by_third", third=1).collect()) == 3


def test_a_database_of_the_second_format(open_file: Open) -> None:
    """From before answers were recorded: its sessions are kept."""
    old = open_file(Schema())
    old.run(
        "drop table answers; drop table seen; drop table commits; drop table served; "
        "update epoch set number = 5; pragma user_version = 2"
    )
    old.run("alter table sessions drop column bound; alter table sessions drop column registered")
    old.close()
    connection = open_file(Schema())
    assert connection.value("pragma user_version") == FORMAT
    assert connection.value("select number from epoch") == 5
    assert connection.value("select count(*) from answers") == 0


def test_a_database_of_the_third_format(open_file: Open) -> None:
    """From before log-ins had a time and sessions were registered: its sessions are kept, without."""
    old = open_file(Schema())
    old.run("alter table sessions drop column bound; alter table sessions drop column registered")
    old.run("drop table seen; drop table commits; drop table served; pragma user_version = 3")
    old.run("insert into sessions (digest, name, live, until, user) values ('sid.a', 'sid.a', 1, 0, 'ada')")
    old.close()
    connection = open_file(Schema())
    assert connection.value("pragma user_version") == FORMAT
    assert connection.rows("select user, bound, registered from sessions") == [("ada", None, 0)]


def test_a_database_of_the_fifth_format(open_file: Open) -> None:
    """From before it was noted when sessions were seen: those that are live count as seen now."""
    old = open_file(Schema())
    old.run("drop table seen; drop table commits; drop table served; pragma user_version = 5")
    old.run("insert into sessions (digest, name, live, until) values ('sid.a', 'sid.a', 1, 0), ('sid.b', 'b', 0, 0)")
    old.close()
    ((session, at),) = open_file(Schema()).rows("select digest, at from seen")
    assert session == "sid.a"
    assert abs(at / 1000 - time.time()) < 60


def test_a_database_of_another_program(tmp_path: Path) -> None:
    """It is left as it was."""
    path = tmp_path / "x.sqlite3"
    connection = Connection(path, write=True, busy_ms=0)
    connection.run("create table theirs (x)")
    with pytest.raises(StartError, match="another program"):
        prepare(connection, Schema(), path)
    assert connection.rows("select name from sqlite_schema") == [("theirs",)]
    assert connection.value("pragma journal_mode") == "delete"
    connection.close()


def test_a_database_of_a_newer_pillion(open_file: Open) -> None:
    """An older one doesn't touch it."""
    open_file(Schema()).run("pragma user_version = 99")
    with pytest.raises(StartError, match="newer pillion"):
        open_file(Schema())


@pytest.mark.parametrize("where", [0, 4096, 8192])
def test_a_corrupt_file(open_file: Open, tmp_path: Path, where: int) -> None:
    """It is found at start, not in the middle of a call."""
    connection = open_file(Schema())
    insert(connection, Schema(), 200)
    connection.run("pragma wal_checkpoint(truncate)")
    connection.close()
    path = tmp_path / "x.sqlite3"
    octets = bytearray(path.read_bytes())
    octets[where : where + 200] = b"\xa5" * 200
    path.write_bytes(octets)
    with pytest.raises(SqliteError):
        open_file(Schema())


class Item(TypedDict):
    """What a table is declared to hold, later."""

    n: int
    third: int


class Wider(TypedDict):
    """The same, with room for more."""

    n: int
    third: int | str


def test_documents_that_do_not_fit_a_new_declaration(open_file: Open) -> None:
    """Are found at start: table, document and field; then nothing has changed."""
    plain, declared = Schema(), Schema(items=Table(Item).index("by_third", "third"))
    first = open_file(plain)
    insert(first, plain, 1500)
    id = DatabaseWriter(first, plain, lambda: 5000.0).insert("items", n=0, third="3")
    first.close()
    with pytest.raises(StartError) as caught:
        open_file(declared)
    assert str(caught.value).startswith(
        f"{id} is older than its declaration in schema.py: "
        "The document doesn't fit the table 'items': `third`: expected `int`, got `str`."
    )
    second = open_file(plain)
    assert second.value("select count(*) from indexes") == 0
    DatabaseWriter(second, plain, lambda: 5001.0).patch(id, third=3)
    second.close()
    third = open_file(declared)
    assert len(DatabaseWriter(third, declared, lambda: 0.0).query("items").with_index("by_third").collect()) == 1501


def test_a_declaration_is_checked_when_it_is_new(open_file: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at every start; again when it has changed, or was gone meanwhile."""
    checked: list[str] = []
    check = DocumentType.check
    monkeypatch.setattr(DocumentType, "check", lambda self, fields: (checked.append(self.table), check(self, fields)))
    first = open_file(Schema())
    insert(first, Schema(), 1)
    first.close()
    for declared, times in ((Item, 1), (Item, 1), (Wider, 2), (None, 2), (Wider, 3), (Item, 4)):
        open_file(Schema(items=Table(declared))).close()
        assert len(checked) == times
