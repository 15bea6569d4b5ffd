"""Pages, as clients ask for them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_server import FunctionError, PaginationOptions
from pillion_server.documents import DatabaseReader
from pillion_server.query import Query
from server.shelf import Shelf
from server.world import World

NOTES = """
@query
def all(ctx, pagination_opts: PaginationOptions) -> Page:
    return ctx.db.query("notes").order("desc").paginate(pagination_opts)

class Note(TypedDict):
    n: int

@query
def some(ctx, pagination_opts: PaginationOptions) -> Page[Note]:
    return ctx.db.query("notes").paginate(pagination_opts)

@mutation
def add(ctx, n: int) -> None:
    ctx.db.insert("notes", n=n)
"""


@pytest.fixture
def notes(world: Callable[..., World]) -> World:
    """Five of them."""
    notes = world(notes=NOTES)
    for n in range(5):
        notes.mutation("notes:add", n=n)
    return notes


def numbers(page: dict[str, Any]) -> list[int]:
    return [int(row["n"]) for row in page["page"]]


def test_pages_over_the_wire(notes: World) -> None:
    """In the shape of Convex's, from the options of its clients."""
    options: dict[str, Any] = {"numItems": 2, "cursor": None, "id": 7}
    first = notes.query("notes:all", paginationOpts=options)
    assert set(first) == {"page", "isDone", "continueCursor"}
    second = notes.query("notes:all", paginationOpts={**options, "cursor": first["continueCursor"]})
    third = notes.query("notes:all", paginationOpts={**options, "cursor": second["continueCursor"]})
    assert [numbers(page) for page in (first, second, third)] == [[4, 3], [2, 1], [0]]
    assert [page["isDone"] for page in (first, second, third)] == [False, False, True]
    after = notes.query("notes:all", paginationOpts={**options, "cursor": third["continueCursor"]})
    assert (after["page"], after["isDone"]) == ([], True)
    assert isinstance(after["continueCursor"], str)


def test_the_documents_of_a_page_are_stripped(notes: World) -> None:
    """To what its annotation says of them, if it does."""
    options = {"numItems": 1, "cursor": None}
    assert notes.query("notes:some", paginationOpts=options)["page"] == [{"n": 0.0}]
    assert set(notes.query("notes:all", paginationOpts=options)["page"][0]) == {"_id", "_creation_time", "n"}


def test_a_cursor_outlives_a_start(notes: World) -> None:
    """Its key is made of the database's secret."""
    first = notes.query("notes:all", paginationOpts={"numItems": 2, "cursor": None})
    notes.app.state.database.close()
    notes.app.state.database.open()
    second = notes.query("notes:all", paginationOpts={"numItems": 9, "cursor": first["continueCursor"]})
    assert numbers(second) == [2, 1, 0]


def test_a_bad_cursor_over_the_wire(notes: World) -> None:
    """The client is told in data that it knows."""
    answer = notes.call("query", "notes:all", paginationOpts={"numItems": 2, "cursor": "AAAA"})
    assert answer.json["errorData"] == {"isConvexSystemError": True, "paginationError": "InvalidCursor"}
    assert "InvalidCursor" in answer.error


@pytest.mark.parametrize("number", [0, -1, 1.5, "2"])
def test_bad_options(notes: World, number: object) -> None:
    """Refused like any argument, with the place."""
    answer = notes.call("query", "notes:all", paginationOpts={"numItems": number, "cursor": None})
    assert answer.error.startswith("ArgumentValidationError: `paginationOpts.numItems`: ")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """An empty one."""
    shelf = Shelf(tmp_path_factory.mktemp("pages"))
    yield shelf
    shelf.connection.close()


CHANGE = st.tuples(st.booleans(), st.integers(0, 20))


@given(
    st.lists(st.integers(0, 5), max_size=10),
    st.lists(st.tuples(st.integers(1, 3), st.lists(CHANGE, max_size=3)), min_size=1, max_size=8),
    st.sampled_from(["asc", "desc"]),
    st.booleans(),
)
def test_what_stays_comes_once(
    shelf: Shelf, keys: list[int], rounds: list[tuple[int, list[tuple[bool, int]]]], direction: Any, odd: bool
) -> None:
    """Whatever is added and deleted between the pages; and a page asked again up to its end has what it had."""
    with shelf.trial():
        db = shelf.writer()

        def query(db: DatabaseReader) -> Query:
            whole = db.query("items").with_index("by_n").order(direction)
            return whole.filter(lambda row: row["n"] % 2) if odd else whole

        there = {db.insert("items", n=n) for n in keys}
        stay = {row["_id"] for row in query(db).collect()}
        seen: list[str] = []
        cursor, done = None, False
        for size, changes in [*rounds, (100, [])]:
            if done:
                break
            page = query(db).paginate(PaginationOptions(size, cursor))
            fixed = PaginationOptions(1, cursor, page["continueCursor"])
            assert query(db).paginate(fixed).items() >= page.items()
            assert len(page["page"]) == size or page["isDone"]
            seen += [row["_id"] for row in page["page"]]
            cursor, done = page["continueCursor"], page["isDone"]
            for adds, number in changes:
                if adds:
                    there.add(db.insert("items", n=number % 6))
                elif there:
                    gone = sorted(there)[number % len(there)]
                    db.delete(gone)
                    there.discard(gone)
                    stay.discard(gone)
        assert done
        assert len(seen) == len(set(seen))
        assert stay <= set(seen)


def test_a_fixed_page_grows_and_shrinks(shelf: Shelf) -> None:
    """What is added within it is in it, what is added behind it is not."""
    with shelf.trial():
        db = shelf.writer()
        ids = [db.insert("items", n=n) for n in (1, 3, 5)]
        by_n = db.query("items").with_index("by_n")
        first = by_n.paginate(PaginationOptions(2))
        for n in (2, 4):
            db.insert("items", n=n)
        db.delete(ids[1])
        again = by_n.paginate(PaginationOptions(2, None, first["continueCursor"]))
        assert [row["n"] for row in again["page"]] == [1, 2]
        assert (again["continueCursor"], again["isDone"]) == (first["continueCursor"], False)
        rest = by_n.paginate(PaginationOptions(9, first["continueCursor"]))
        assert [row["n"] for row in rest["page"]] == [4, 5]


@given(st.lists(st.integers(0, 3), min_size=2, max_size=9), st.integers(1, 4), st.booleans())
def test_a_page_that_has_grown_can_be_split(shelf: Shelf, keys: list[int], size: int, odd: bool) -> None:
    """In two that are the whole, each with some of it; one that hasn't needs none."""
    with shelf.trial():
        db = shelf.writer()
        by_n = db.query("items").with_index("by_n").filter(lambda row: row["n"] % 2 or not odd)
        end = by_n.paginate(PaginationOptions(99))["continueCursor"]
        for n in keys:
            db.insert("items", n=n)
        whole = by_n.paginate(PaginationOptions(size, None, end))
        assert ("splitCursor" in whole) == (len(whole["page"]) > size)
        if "splitCursor" in whole:
            halves = [
                by_n.paginate(PaginationOptions(size, start, stop))
                for start, stop in ((None, whole["splitCursor"]), (whole["splitCursor"], whole["continueCursor"]))
            ]
            assert [row for half in halves for row in half["page"]] == whole["page"]
            assert all(half["page"] for half in halves)
            assert [half["continueCursor"] for half in halves] == [whole["splitCursor"], whole["continueCursor"]]


def test_the_cursor_of_another_query(shelf: Shelf) -> None:
    """Also where the page ends."""
    with shelf.trial():
        db = shelf.writer()
        cursor = db.query("items").with_index("by_n", n=1).paginate(PaginationOptions(2))["continueCursor"]
        for options in (PaginationOptions(2, cursor), PaginationOptions(2, None, cursor)):
            with pytest.raises(FunctionError, match="InvalidCursor"):
                db.query("items").with_index("by_n", n=2).paginate(options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((0,), "num_items is 1 or more, not 0"),
        ((1.5,), "num_items is a whole number, not 1.5"),
        ((True,), "num_items is a whole number, not True"),
        ((2, 3), "A cursor is the continueCursor of a page, or None, not 3"),
        ((2, None, 3), "A cursor is the continueCursor of a page, or None, not 3"),
    ],
)
def test_odd_options(options: Any, sentence: str) -> None:
    """Refused as they are made, by a function too."""
    with pytest.raises((TypeError, ValueError), match=sentence):
        PaginationOptions(*options)
