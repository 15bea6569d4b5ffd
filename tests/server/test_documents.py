"""`ctx.db`: documents, read and written."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_server import Schema, SessionId, Table
from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.layout import prepare
from pillion_server.sessions import Digests
from pillion_server.sqlite import Connection
from pillion_shared import EncodingError, Int64
from server.world import RAW_ID

SCHEMA = Schema(items=Table().index("by_owner", "owner").index("by_owner_n", "owner", "n"))


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A database with the schema's indexes."""
    path = tmp_path_factory.mktemp("documents") / "x.sqlite3"
    connection = Connection(path, write=True, busy_ms=0)
    prepare(connection, SCHEMA, path)
    yield connection
    connection.close()


@pytest.fixture
def db(connection: Connection) -> Iterator[DatabaseWriter]:
    """A writer whose transaction is rolled back."""
    times = iter(range(1, 1_000_000))
    connection.run("begin")
    yield DatabaseWriter(connection, SCHEMA, lambda: float(next(times)))
    connection.run("rollback")


def owners(db: DatabaseReader, owner: object) -> list[Any]:
    return [document["n"] for document in db.query("items").with_index("by_owner", owner=owner).collect()]


def test_insert_and_get(db: DatabaseWriter) -> None:
    """A document has its fields, its ID and its time."""
    id = db.insert("items", owner="ada", n=1)
    assert id.startswith("items:")
    assert len(id) == len("items:") + 22
    assert db.get(id) == {"_id": id, "_creation_time": 1.0, "owner": "ada", "n": 1}
    assert db.get(id[:-1]) is None


def test_an_undeclared_table_works(db: DatabaseWriter) -> None:
    """It needs no schema."""
    db.insert("things", a=1)
    assert [document["a"] for document in db.query("things").collect()] == [1]


def test_patch_replace_and_delete_keep_the_indexes(db: DatabaseWriter) -> None:
    """A document is found under what it holds now, and nowhere else."""
    id = db.insert("items", owner="ada", n=1, more="x")
    db.patch(id, owner="bob", n=2)
    assert (owners(db, "ada"), owners(db, "bob")) == ([], [2])
    assert db.get(id) == {"_id": id, "_creation_time": 1.0, "owner": "bob", "n": 2, "more": "x"}
    db.replace(id, owner="ada", n=3)
    assert (owners(db, "ada"), owners(db, "bob")) == ([3], [])
    assert db.get(id) == {"_id": id, "_creation_time": 1.0, "owner": "ada", "n": 3}
    db.delete(id)
    assert db.get(id) is None
    assert owners(db, "ada") == []
    assert db.query("items").collect() == []


def test_no_entry_is_left_behind(db: DatabaseWriter, connection: Connection) -> None:
    """Every index entry belongs to a document, and every document has one entry in each index."""
    ids = [db.insert("items", owner=f"o{n % 3}", n=n) for n in range(9)]
    for id in ids[:6]:
        db.patch(id, owner="ada")
    for id in ids[3:]:
        db.delete(id)
    assert connection.value("select count(*) from entries") == 3 * 3
    assert connection.value("select count(*) from entries where doc not in (select seq from documents)") == 0


def test_id_and_time_may_be_given_back_but_not_changed(db: DatabaseWriter) -> None:
    """So a document that was read can be written with one field changed."""
    id = db.insert("items", owner="ada", n=1)
    document = db.get(id)
    assert document is not None
    db.replace(id, **{**document, "n": 2})
    db.patch(id, _id=id)
    assert owners(db, "ada") == [2]
    for change in ({"_id": "items:x"}, {"_creation_time": 2.0}):
        with pytest.raises(ValueError, match="can't be changed"):
            db.patch(id, **change)


@pytest.mark.parametrize("name", ["_id", "_creation_time", "_x"])
def test_names_of_the_database_are_refused(db: DatabaseWriter, name: str) -> None:
    """A field that begins with _ is not the user's."""
    with pytest.raises(ValueError, match="begin with _"):
        db.insert("items", **{name: 1})


@pytest.mark.parametrize(
    "fields", [{"$a": 1}, {"é": 1}, {"a": object()}, {"a": 2**53 + 1}, {"a": "\ud800"}, {"a": {1: 2}}]
)
def test_what_can_not_travel_can_not_be_stored(db: DatabaseWriter, fields: dict[str, Any]) -> None:
    """And leaves nothing behind, so a handler may catch the error and go on."""
    with pytest.raises(EncodingError):
        db.insert("items", **fields)
    assert db.query("items").collect() == []


@pytest.mark.parametrize("write", ["patch", "replace", "delete"])
def test_writing_what_is_not_there(db: DatabaseWriter, write: str) -> None:
    """An error, not silence."""
    with pytest.raises(LookupError) as caught:
        getattr(db, write)(RAW_ID)
    assert RAW_ID not in str(caught.value)
    with pytest.raises(LookupError, match="There is no document 'items:gone'"):
        getattr(db, write)("items:gone")


def test_an_id_is_a_str(db: DatabaseWriter) -> None:
    """Passing the document instead of its ID is a common slip."""
    with pytest.raises(TypeError, match="not a dict"):
        db.get({"_id": "items:x"})  # type: ignore[arg-type]


def test_a_session_digest_is_stored_as_text(db: DatabaseWriter) -> None:
    """It is found by the digest, anywhere in a document, as a value or as a key."""
    digest = SessionId("sid.x")
    id = db.insert("items", owner=digest, n=[digest], seen={digest: 1})
    document = db.get(id)
    assert document is not None
    assert (document["owner"], document["n"], document["seen"]) == ("sid.x", ["sid.x"], {"sid.x": 1})
    assert owners(db, digest) == [["sid.x"]]


def test_the_end_is_the_end(connection: Connection) -> None:
    """A reader kept beyond its function reads nothing."""
    reader = DatabaseReader(connection, SCHEMA)
    query = reader.query("items")
    reader.end()
    with pytest.raises(RuntimeError, match="after its function had ended"):
        reader.get("items:x")
    with pytest.raises(RuntimeError, match="after its function had ended"):
        query.collect()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats()
    | st.sampled_from([-0.0, 2.0**53, 2.0**53 + 2, 1e300, -1e15])
    | st.integers(-(2**63), 2**63 - 1).map(Int64)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab {}"~', max_size=3), inner, max_size=3),
    max_leaves=8,
)


def same(read: Any, written: Any) -> bool:
    """Whether a value came back as it went in; a float without a fraction comes back as an int."""
    if isinstance(written, float):
        bits = struct.pack("d", written)
        if written.is_integer() and abs(written) <= 2**53 and bits != struct.pack("d", -0.0):
            return type(read) is int and read == written
        return type(read) is float and struct.pack("d", read) == bits
    if type(read) is not type(written):
        return False
    if isinstance(written, list):
        return len(read) == len(written) and all(map(same, read, written))
    if isinstance(written, dict):
        return read.keys() == written.keys() and all(same(read[key], written[key]) for key in written)
    return bool(read == written)


@given(VALUES)
def test_every_value_comes_back(connection: Connection, value: Any) -> None:
    """Exactly, with its type, and it is found by itself."""
    connection.run("begin")
    try:
        db = DatabaseWriter(connection, SCHEMA, lambda: 1.0)
        document = db.get(db.insert("items", owner=value, n=1))
        assert document is not None
        assert same(document["owner"], value)
        assert owners(db, value) == [1]
        assert owners(db, document["owner"]) == [1]
    finally:
        connection.run("rollback")


def test_what_is_read_is_a_copy(db: DatabaseWriter) -> None:
    """Changing it changes nothing else."""
    id = db.insert("items", owner="ada", n=[1])
    first = db.get(id)
    assert first is not None
    first["n"].append(2)
    assert owners(db, "ada") == [[1]]


def test_a_table_is_not_another_that_begins_like_it(db: DatabaseWriter, tmp_path: Path) -> None:
    """`item` and `items` are two tables."""
    db.insert("items", n=1)
    db.insert("item", n=2)
    assert [document["n"] for document in db.query("item").collect()] == [2]


def test_a_number_of_another_class_is_that_number(db: DatabaseWriter) -> None:
    """NumPy's floats, say: the document and its index entries hold the same."""

    class Float(float):
        pass

    class Text(str):
        __slots__ = ()

    kept = db.get(db.insert("notes", price=Float(1.5), name=Text("tea")))
    assert kept is not None
    assert (kept["price"], type(kept["price"]), kept["name"]) == (1.5, float, "tea")


class Item(TypedDict):
    """What a declared table holds."""

    owner: SessionId
    n: float
    tags: NotRequired[list[str]]


def test_a_write_that_does_not_fit_its_table(connection: Connection) -> None:
    """Is refused, with the place, and has changed nothing; an undeclared table takes it."""
    schema = Schema(typed=Table(Item))
    connection.run("begin")
    try:
        db = DatabaseWriter(connection, schema, lambda: 1.0)
        owner = Digests(b"s" * 32).of(RAW_ID)
        id = db.insert("typed", owner=owner, n=1, tags=("a", "b"))
        before = db.get(id)
        for refused in (
            lambda: db.insert("typed", owner=owner, n="1"),
            lambda: db.patch(id, n="1"),
            lambda: db.replace(id, owner=owner, n="1"),
        ):
            with pytest.raises(ValueError, match=r"the table 'typed': `n`: expected `float`, got `str`\."):
                refused()
        with pytest.raises(ValueError, match=r"`tags\[1\]`: expected `str`, got `int`"):
            db.patch(id, tags=["a", 1])
        assert db.query("typed").collect() == [before]
        db.replace(id, **{**(before or {}), "n": 2.5})
        db.insert("untyped", owner=1)
    finally:
        connection.run("rollback")
