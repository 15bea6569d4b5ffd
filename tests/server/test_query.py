"""The query builder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pillion_server import DefinitionError, Schema, Table
from pillion_server.documents import DatabaseWriter
from pillion_server.layout import prepare
from pillion_server.query import Query
from pillion_server.sqlite import Connection
from pillion_shared import EncodingError

SCHEMA = Schema(items=Table().index("by_owner", "owner").index("by_owner_day", "owner", "day"))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[DatabaseWriter]:
    """Five documents: n from 0 to 4, owners in turn, days downwards."""
    connection = Connection(tmp_path / "x.sqlite3", write=True, busy_ms=0)
    prepare(connection, SCHEMA, tmp_path / "x.sqlite3")
    times = iter(range(1, 100))
    db = DatabaseWriter(connection, SCHEMA, lambda: float(next(times)))
    for n in range(5):
        db.insert("items", owner=("ada", "bob")[n % 2], day=9 - n, n=n)
    yield db
    connection.close()


def numbers(query: Query) -> list[Any]:
    return [document["n"] for document in query.collect()]


def test_a_table_comes_in_the_order_of_creation(db: DatabaseWriter) -> None:
    """Or the other way round."""
    assert numbers(db.query("items")) == [0, 1, 2, 3, 4]
    assert numbers(db.query("items").order("desc")) == [4, 3, 2, 1, 0]
    assert numbers(db.query("items").order("desc").order("asc")) == [0, 1, 2, 3, 4]


def test_an_index_finds_equal_fields(db: DatabaseWriter) -> None:
    """All of its fields, or the first of them; equal ones by time of creation."""
    items = db.query("items")
    assert numbers(items.with_index("by_owner", owner="ada")) == [0, 2, 4]
    assert numbers(items.with_index("by_owner_day", owner="ada")) == [4, 2, 0]
    assert numbers(items.with_index("by_owner_day", owner="ada").order("desc")) == [0, 2, 4]
    assert numbers(items.order("desc").with_index("by_owner_day", owner="ada")) == [0, 2, 4]
    assert numbers(items.with_index("by_owner_day", day=7, owner="ada")) == [2]
    assert numbers(items.with_index("by_owner_day", owner="ada", day="7")) == []


def test_an_index_without_fields_is_an_order(db: DatabaseWriter) -> None:
    """The whole table, as the index sorts it."""
    assert numbers(db.query("items").with_index("by_owner_day")) == [4, 2, 0, 3, 1]


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda db, items: items.take(1.5), r"take\(\) takes a number of documents, not 1.5"),
        (lambda db, items: items.take(True), "not True"),
        (lambda db, items: items.take(None), "not None"),
        (lambda db, items: items.take(-1), r"take\(\) takes a number of documents, not -1"),
        (lambda db, items: items.paginate(None), r"paginate\(\) takes the PaginationOptions .* not None"),
        (lambda db, items: items.paginate({"numItems": 2, "cursor": None}), "not an object of type dict"),
        (lambda db, items: items.filter(None), r"filter\(\) takes a function of a document, not None"),
        (lambda db, items: items.with_index(["by_owner"]), "An index is named by a str, not an object of type list"),
        (lambda db, items: db.query(3), "A table is named by a str, not 3"),
        (lambda db, items: db.query([]), "A table is named by a str"),
        (lambda db, items: db.insert(None), "A table is named by a str"),
    ],
)
def test_misuse(db: DatabaseWriter, ask: Any, sentence: str) -> None:
    """A sentence each, before anything is read."""
    with pytest.raises((TypeError, ValueError), match=sentence):
        ask(db, db.query("items"))
    assert db.reads.ranges == []


def test_more_than_there_can_be(db: DatabaseWriter) -> None:
    """Is all."""
    assert len(db.query("items").take(2**70)) == 5


def test_the_ends_of_a_query(db: DatabaseWriter) -> None:
    """One, the only one, a few, all."""
    ada = db.query("items").with_index("by_owner", owner="ada")
    nobody = db.query("items").with_index("by_owner", owner="eve")
    first, only = ada.first(), db.query("items").with_index("by_owner_day", owner="bob", day=8).unique()
    assert first is not None
    assert first["n"] == 0
    assert only is not None
    assert only["n"] == 1
    assert [document["n"] for document in ada.take(2)] == [0, 2]
    assert (ada.take(0), len(ada.take(99))) == ([], 3)
    assert (nobody.first(), nobody.unique(), nobody.take(1), nobody.collect()) == (None, None, [], [])


def test_unique_is_strict(db: DatabaseWriter) -> None:
    """Two documents where one is expected are an error."""
    with pytest.raises(ValueError, match="more than one document in 'items'"):
        db.query("items").with_index("by_owner", owner="ada").unique()


def test_a_step_leaves_the_query_as_it_was(db: DatabaseWriter) -> None:
    """Each gives a new one."""
    items = db.query("items")
    items.with_index("by_owner", owner="ada").order("desc")
    assert numbers(items) == [0, 1, 2, 3, 4]


def test_missing_is_not_none(db: DatabaseWriter) -> None:
    """A document without the field is not found by None, and comes first in the index."""
    db.insert("items", n=5)
    db.insert("items", owner=None, n=6)
    assert numbers(db.query("items").with_index("by_owner", owner=None)) == [6]
    assert numbers(db.query("items").with_index("by_owner"))[:2] == [5, 6]


def test_fields_that_the_index_has_not(db: DatabaseWriter) -> None:
    """The message says which it has, in their order."""
    with pytest.raises(ValueError, match=r"over owner, day, _creation_time, in this order: .* eq of 'day' doesn't"):
        db.query("items").with_index("by_owner_day", day=7)
    with pytest.raises(ValueError, match=r"over owner, _creation_time, in this order: .* eq of 'name' doesn't"):
        db.query("items").with_index("by_owner", name="ada")
    with pytest.raises(DefinitionError, match="has no index 'by_name'"):
        db.query("items").with_index("by_name", name="ada")


def test_an_index_is_chosen_first(db: DatabaseWriter) -> None:
    """A range, or another index, would be dropped without a word; an order is kept."""
    items = db.query("items")
    for chosen in (items.gt("_creation_time", 2), items.eq("_creation_time", 2), items.with_index("by_owner")):
        with pytest.raises(ValueError, match=r"with_index\('by_owner_day'\) goes right after query\('items'\)"):
            chosen.with_index("by_owner_day")
    assert numbers(items.order("desc").with_index("by_owner", owner="bob")) == [3, 1]


def test_bad_arguments(db: DatabaseWriter) -> None:
    """Each with its sentence."""
    with pytest.raises(ValueError, match='"asc" or "desc"'):
        db.query("items").order("down")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not -1"):
        db.query("items").take(-1)
    with pytest.raises(DefinitionError, match="can't name a table"):
        db.query("no table")
    with pytest.raises(EncodingError):
        db.query("items").with_index("by_owner", owner=object())
    with pytest.raises(EncodingError):
        db.query("items").with_index("by_owner", owner=10**400)


def test_ranges(db: DatabaseWriter) -> None:
    """Of the field after the equal ones; the time of creation is the last field of every index."""
    ada = db.query("items").with_index("by_owner_day", owner="ada")
    assert numbers(ada.gt("day", 5).lte("day", 9)) == [2, 0]
    assert numbers(ada.gte("day", 5).lt("day", 9)) == [4, 2]
    assert numbers(ada.order("desc").gte("day", 7)) == [0, 2]
    assert numbers(db.query("items").with_index("by_owner").eq("owner", "bob").gt("_creation_time", 2)) == [3]
    assert numbers(db.query("items").gte("_creation_time", 2).lt("_creation_time", 4)) == [1, 2]
    assert numbers(db.query("items").with_index("by_owner").gt("owner", "ada")) == [1, 3]
    with pytest.raises(ValueError, match="gt of 'day' doesn't fit"):
        db.query("items").with_index("by_owner_day").gt("day", 5)


def test_a_range_from_below_begins_with_what_is_missing(db: DatabaseWriter) -> None:
    """As in Convex: no field, then null, then numbers."""
    db.insert("items", owner="ada", n=5)
    db.insert("items", owner="ada", day=None, n=6)
    ada = db.query("items").with_index("by_owner_day", owner="ada")
    assert numbers(ada.lte("day", 5)) == [5, 6, 4]
    assert numbers(ada.gt("day", None).lte("day", 5)) == [4]


def test_filter(db: DatabaseWriter) -> None:
    """Any test of a document, before a count is taken; several must all be true."""
    odd = db.query("items").filter(lambda row: row["n"] % 2)
    assert numbers(odd) == [1, 3]
    assert [row["n"] for row in odd.order("desc").take(1)] == [3]
    only = odd.filter(lambda row: row["n"] > 1).unique()
    assert only is not None
    assert only["n"] == 3
    assert numbers(db.query("items")) == [0, 1, 2, 3, 4]


def test_a_filter_that_fails(db: DatabaseWriter) -> None:
    """Its error arrives as it is, and nothing of the query stays open."""
    with pytest.raises(KeyError, match="missing"):
        db.query("items").filter(lambda row: row["missing"]).collect()
    db.delete(db.query("items").collect()[0]["_id"])
    assert numbers(db.query("items")) == [1, 2, 3, 4]
