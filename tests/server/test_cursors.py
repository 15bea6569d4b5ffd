"""Cursors."""

import pytest

from pillion_server import FunctionError
from pillion_server.cursors import Cursors
from pillion_server.ranges import Range
from pillion_server.schema import Index

RANGE = Range.whole(Index("items", "by_owner", ("owner",)))
CURSORS = Cursors(b"a secret of the tests")
PLACE = (b"\x07ada\x00", 2**40)


def test_a_cursor_opens_where_it_was_made() -> None:
    """A position, or the end; under the same secret, so after a start too."""
    for place in (PLACE, (b"", 1), None):
        cursor = CURSORS.seal(RANGE, place)
        assert Cursors(b"a secret of the tests").open(RANGE, cursor) == place
        assert CURSORS.seal(RANGE, place) == cursor


def test_it_tells_nothing() -> None:
    """The values of the key are not in it."""
    cursor = CURSORS.seal(RANGE, (b"a" * 60, 1))
    assert CURSORS.seal(RANGE, (b"a" * 59 + b"b", 1))[:20] != cursor[:20]
    assert "YWFh" not in cursor


@pytest.mark.parametrize(
    "other",
    [
        RANGE.eq("owner", "ada"),
        RANGE.below("owner", "eve", inclusive=True),
        Range.whole(RANGE.index, descending=True),
        Range.whole(Index("items", "by_user", ("owner",))),
    ],
)
def test_a_cursor_of_another_query(other: Range) -> None:
    """Another index, other bounds, the other direction: refused in the words that Convex's clients know."""
    with pytest.raises(FunctionError, match="InvalidCursor: the cursor is of another query") as caught:
        CURSORS.open(other, CURSORS.seal(RANGE, PLACE))
    assert caught.value.data == {"isConvexSystemError": True, "paginationError": "InvalidCursor"}


@pytest.mark.parametrize("cursor", ["", "x", "é", "\ud800", "A" * 43, "0", "===="])
def test_what_is_no_cursor(cursor: str) -> None:
    """Nor one of another database."""
    with pytest.raises(FunctionError, match="InvalidCursor"):
        CURSORS.open(RANGE, cursor)
    with pytest.raises(FunctionError, match="InvalidCursor"):
        Cursors(b"another secret").open(RANGE, CURSORS.seal(RANGE, PLACE))
