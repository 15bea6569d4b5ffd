"""What was read, whether a write touches it, and how much may be read."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_server import LimitError, PaginationOptions, reads
from pillion_server.documents import DatabaseReader, DatabaseWriter
from pillion_server.reads import Reads
from pillion_server.writes import Writes
from server.shelf import FIELDS, WRITES, Asked, Shelf, queries, write


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """An empty one."""
    shelf = Shelf(tmp_path_factory.mktemp("reads"))
    yield shelf
    shelf.connection.close()


@given(st.lists(FIELDS, max_size=8), queries(), WRITES)
def test_what_is_not_touched_reads_the_same(
    shelf: Shelf, documents: list[dict[str, Any]], asked: Asked, writes: list[tuple[str, int, dict[str, Any]]]
) -> None:
    """For any documents, query and writes; and what reads otherwise than before has been touched."""
    with shelf.trial():
        before = shelf.writer()
        ids = [before.insert("items", **fields) for fields in documents]
        reader, writer = shelf.reader(), shelf.writer()
        result = asked.of(reader)
        write(writer, ids, writes)
        if not reader.reads.touched_by(writer.writes):
            assert asked.of(shelf.reader()) == result


@given(st.lists(FIELDS, min_size=1, max_size=8), st.integers(0, 7), WRITES)
def test_a_document_that_is_not_touched_stays(
    shelf: Shelf, documents: list[dict[str, Any]], number: int, writes: list[tuple[str, int, dict[str, Any]]]
) -> None:
    """The same for `get`, which is touched exactly by what is written to its document."""
    with shelf.trial():
        before = shelf.writer()
        ids = [before.insert("items", **fields) for fields in documents]
        reader, writer = shelf.reader(), shelf.writer()
        id = ids[number % len(ids)]
        result = reader.get(id)
        write(writer, ids, writes)
        assert reader.reads.touched_by(writer.writes) == (id in writer.writes.documents)
        if not reader.reads.touched_by(writer.writes):
            assert shelf.reader().get(id) == result


def of(db: DatabaseReader, owner: str) -> Any:
    return db.query("items").with_index("by_owner_n", owner=owner)


@pytest.mark.parametrize(
    ("read", "written", "touched"),
    [
        (lambda db: of(db, "ada").collect(), {"owner": "ada"}, True),
        (lambda db: of(db, "ada").collect(), {"owner": "bob", "n": 3}, False),
        (lambda db: of(db, "eve").collect(), {"owner": "eve"}, True),  # nothing was there
        (lambda db: of(db, "ada").gt("n", 3).collect(), {"owner": "ada", "n": 3}, False),
        (lambda db: of(db, "ada").gte("n", 3).collect(), {"owner": "ada", "n": 3}, True),
        (lambda db: of(db, "ada").first(), {"owner": "ada", "n": 9}, False),  # behind the first
        (lambda db: of(db, "ada").first(), {"owner": "ada", "n": 0}, True),
        (lambda db: of(db, "ada").order("desc").first(), {"owner": "ada", "n": 0}, False),
        (lambda db: of(db, "ada").order("desc").first(), {"owner": "ada", "n": 9}, True),
        (lambda db: of(db, "ada").take(0), {"owner": "ada", "n": 0}, False),
        (lambda db: of(db, "ada").filter(lambda row: row["n"] == 2).first(), {"owner": "ada", "n": 1.5}, True),
        (lambda db: of(db, "ada").filter(lambda row: row["n"] == 2).first(), {"owner": "ada", "n": 2.5}, False),
        (lambda db: of(db, "ada").paginate(PaginationOptions(1)), {"owner": "ada", "n": 2.5}, False),
        (lambda db: of(db, "ada").paginate(PaginationOptions(1)), {"owner": "ada", "n": 1.5}, True),  # it looks on
        (lambda db: db.query("items").first(), {"owner": "ada"}, False),
        (lambda db: db.query("items").collect(), {}, True),
        (lambda db: db.query("others").collect(), {}, False),
    ],
)
def test_exactly_what_was_read(
    shelf: Shelf, read: Callable[[DatabaseReader], object], written: dict[str, Any], touched: bool
) -> None:
    """No entry more, no entry less; ada has 1, 2 and 3."""
    with shelf.trial():
        for n in (1, 2, 3):
            shelf.writer().insert("items", owner="ada", n=n)
        reader, writer = shelf.reader(), shelf.writer()
        read(reader)
        writer.insert("items", **written)
        assert reader.reads.touched_by(writer.writes) is touched


def test_a_change_outside_of_the_index_touches(shelf: Shelf) -> None:
    """The document's entry stays where it is, and still its range has changed."""
    with shelf.trial():
        id = shelf.writer().insert("items", owner="ada", n=1)
        reader, writer = shelf.reader(), shelf.writer()
        of(reader, "ada").collect()
        writer.patch(id, more=1)
        assert reader.reads.touched_by(writer.writes)


def test_nothing_read_is_never_touched() -> None:
    """Neither by documents nor by sessions."""
    assert not Reads().touched_by(Writes(documents={"items:x"}, users=None))


def test_users_of_sessions() -> None:
    """One session's, or all."""
    asked = Reads(users={"sid.a"})
    assert asked.touched_by(Writes(users={"sid.a"}))
    assert asked.touched_by(Writes(users=None))
    assert not asked.touched_by(Writes(users={"sid.b"}))


@pytest.mark.parametrize(
    "work",
    [
        lambda db: db.query("items").collect(),
        lambda db: db.query("items").filter(lambda _: False).first(),
        lambda db: [db.get("items:x") for _ in range(11)],
        lambda db: [of(db, "eve").first() for _ in range(11)],
        lambda db: db.query("items").filter(lambda _: False).paginate(PaginationOptions(1)),
    ],
)
def test_a_runaway_function_is_ended(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, work: Callable[[DatabaseWriter], object]
) -> None:
    """By the number of documents, or of looks that found nothing; the sentence says where."""
    monkeypatch.setattr(reads, "MAX_DOCUMENTS", 10)
    with shelf.trial():
        for _ in range(11):
            shelf.writer().insert("items", owner="ada")
        db = shelf.writer()
        with pytest.raises(LimitError, match=r"more than 10 documents, the last of them from (the index 'by_|get)"):
            work(db)
        with pytest.raises(LimitError):
            db.query("items").first()


def test_a_brief_run_is_given_up(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it has read too much for that, and again when anything more is read."""
    monkeypatch.setattr(reads, "BRIEF_DOCUMENTS", 10)
    with shelf.trial():
        for _ in range(11):
            shelf.writer().insert("items", owner="ada")
        db = shelf.writer()
        db.reads.brief = True
        assert len(db.query("items").take(10)) == 10
        db.reads.check()
        for _ in range(2):
            with pytest.raises(reads.TooLong):
                db.query("items").first()
            with pytest.raises(reads.TooLong):
                db.reads.check()


def test_so_are_large_documents(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their bytes, in UTF-8."""
    monkeypatch.setattr(reads, "MAX_BYTES", 1000)
    with shelf.trial():
        id = shelf.writer().insert("items", text="é" * 450)
        db = shelf.reader()
        assert db.get(id) is not None
        with pytest.raises(LimitError, match="more than 1,000 bytes, the last of them from the index 'by_creation_"):
            db.query("items").first()
