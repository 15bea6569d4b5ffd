"""Records: which one holds, and the form in which they are kept."""

import pytest

from pillion.record import LOGIN, NEW, Record, parse
from pillion_shared import SessionId, is_uuid4

A = SessionId("0f8fad5b-d9cb-469f-a165-70867728950e")
B = SessionId("3b241101-e2bb-4255-8caf-4136c566a962")


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (Record(B, 2), Record(A, 1), True),
        (Record(B, 1), Record(A, 2), False),
        (Record(B, 1, created=5), Record(A, 1, created=6), True),
        (Record(B, 1, created=6), Record(A, 1, created=5), False),
        (Record(A, 1, created=5), Record(B, 1, created=5), True),
        (Record(A, 1, created=5), Record(A, 1, created=6), False),
    ],
)
def test_the_later_generation_holds_and_else_the_elder(one: Record, other: Record, answer: bool) -> None:
    """One ID never beats itself."""
    assert one.beats(other) is answer


def test_of_two_exactly_one_holds() -> None:
    """Whatever their times, so that all tabs agree."""
    records = [Record(each, generation, created=made) for each in (A, B) for generation in (1, 2) for made in (0, 9)]
    for one in records:
        for other in records:
            if one.id != other.id:
                assert one.beats(other) is not other.beats(one)


def test_what_follows_is_the_next_generation() -> None:
    """Made and used now."""
    new = Record(A, 4, NEW, 10, 20).next(B, LOGIN, 30)
    assert vars(new) == vars(Record(B, 5, LOGIN, 30, 30))


def test_a_use_changes_nothing_but_its_time() -> None:
    """And not the record that was used."""
    record = Record(A, 4, LOGIN, 10, 20)
    assert vars(record.used_at(30)) == vars(Record(A, 4, LOGIN, 10, 30))
    assert record.used == 20


def test_what_is_kept_is_found_again() -> None:
    """All of it."""
    record = Record(A, 4, LOGIN, 10, 20)
    found = parse(record.text(), is_uuid4)
    assert found is not None
    assert vars(found) == vars(record)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        A,
        "undefined",
        f"{A} 1 new 5",
        f"{A} 1 new 5 5 5",
        f"{A} 0 new 5 5",
        f"{A} -1 new 5 5",
        f"{A} one new 5 5",
        f"{A} 1 new 5 never",
        f"{A} 1 other 5 5",
        f"{A.upper()} 1 new 5 5",
        f"{A}  1 new 5 5",
    ],
)
def test_rubbish_is_no_record(text: str | None) -> None:
    """Nor is the record of an ID of another form."""
    assert parse(text, is_uuid4) is None


def test_it_does_not_show_its_id() -> None:
    """Which is a secret."""
    assert repr(Record(A, 4, LOGIN)) == "Record(4, 'login')"
