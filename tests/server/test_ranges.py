"""Ranges of an index."""

import pytest

from pillion_server.ranges import Range
from pillion_server.schema import Index
from pillion_shared import EncodingError

INDEX = Index("items", "by_owner_day", ("owner", "day"))
WHOLE = Range.whole(INDEX)


def entry(*values: object, doc: int = 1) -> tuple[bytes, int]:
    """The position of an entry with these values."""
    range = WHOLE
    for field, value in zip(INDEX.columns, values, strict=True):
        range = range.eq(field, value)
    return range.prefix, doc


def holds(range: Range, *values: object) -> bool:
    return range.holds(INDEX.number, entry(*values, 1.0))


def test_equal_fields_come_first() -> None:
    """Then bounds of the next field, each of them once."""
    ada = WHOLE.eq("owner", "ada")
    week = ada.above("day", 1, inclusive=True).below("day", 7, inclusive=False)
    assert [day for day in (0, 1, 6.9, 7) if holds(week, "ada", day)] == [1, 6.9]
    other = ada.below("day", 7, inclusive=True).above("day", 1, inclusive=False)
    assert [day for day in (0, 1, 6.9, 7) if holds(other, "ada", day)] == [6.9, 7]
    assert not holds(week, "bob", 3)
    assert holds(WHOLE.above("owner", "ada", inclusive=False), "bob", 0)
    assert not holds(WHOLE.above("owner", "ada", inclusive=False), "ada", 9)


def test_another_index_is_another() -> None:
    """Whatever the key."""
    assert not WHOLE.holds(INDEX.number + 1, entry("ada", 1, 1.0))


def test_the_time_of_creation_is_the_last_field() -> None:
    """Of every index."""
    day = WHOLE.eq("owner", "ada").eq("day", 1)
    late = day.above("_creation_time", 5, inclusive=True)
    assert late.holds(INDEX.number, entry("ada", 1, 5.0))
    assert not late.holds(INDEX.number, entry("ada", 1, 4.0))


@pytest.mark.parametrize("descending", [False, True])
def test_after_and_through_a_position(descending: bool) -> None:
    """In the order of the range, and exactly, also among documents with one key."""
    places = [entry("ada", day, 1.0, doc=doc) for day in (1, 2) for doc in (1, 2, 3)]
    ordered = places[::-1] if descending else places
    range = Range.whole(INDEX, descending=descending)

    def those(range: Range) -> list[tuple[bytes, int]]:
        return [place for place in ordered if range.holds(INDEX.number, place)]

    for count, place in enumerate(ordered, 1):
        assert those(range.through(place)) == ordered[:count]
        assert those(range.after(place)) == ordered[count:]
        assert those(range.after(ordered[0]).through(place)) == ordered[1:count]


@pytest.mark.parametrize(
    ("field", "range"),
    [
        ("day", WHOLE),
        ("name", WHOLE),
        ("owner", WHOLE.eq("owner", "ada")),
        ("_creation_time", WHOLE.eq("owner", "ada")),
        ("day", WHOLE.eq("owner", "ada").eq("day", 1).eq("_creation_time", 1.0)),
    ],
)
def test_only_the_next_field(field: str, range: Range) -> None:
    """The sentence says what the index is over."""
    for step in (range.eq, lambda *a: range.above(*a, inclusive=True), lambda *a: range.below(*a, inclusive=False)):
        with pytest.raises(ValueError, match=f"owner, day, _creation_time, in this order.* of '{field}' doesn't fit"):
            step(field, 1)


def test_each_bound_once() -> None:
    """And nothing equal after it."""
    above = WHOLE.above("owner", "a", inclusive=True)
    below = WHOLE.below("owner", "b", inclusive=True)
    for step in (lambda: above.above("owner", "b", inclusive=False), lambda: below.below("owner", "a", inclusive=True)):
        with pytest.raises(ValueError, match="doesn't fit there"):
            step()
    for range in (above, below):
        with pytest.raises(ValueError, match="eq of 'owner' doesn't fit there"):
            range.eq("owner", "a")


def test_what_no_document_can_hold() -> None:
    """Is refused with its place."""
    with pytest.raises(EncodingError, match=r"\$\.owner"):
        WHOLE.eq("owner", 10**400)
