"""What is decided about a record, without any I/O."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion.record import EXPIRED, LOGIN, LOGOUT, NEVER, NEW, REFRESHED, Record
from pillion.rules import USED_MS, Limits, expire, first, follow, fork, leave, reconcile
from pillion_shared import SessionId

A, B, C = (SessionId(letter * 20) for letter in "abc")

RECORDS = st.builds(
    Record, st.sampled_from([A, B, C]), st.integers(1, 3), created=st.integers(0, 2), used=st.integers(0, 20000)
)


@pytest.mark.parametrize("name", ["idle", "absolute"])
@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_limit_is_above_nothing(name: str, seconds: float) -> None:
    """The error names the provider's argument."""
    with pytest.raises(ValueError, match=f"{name}_timeout is a number of seconds above 0"):
        Limits(**{name: seconds})


@pytest.mark.parametrize(
    ("limits", "now", "left"),
    [
        (Limits(), 10**9, float("inf")),
        (Limits(idle=10), 3000, 9000),
        (Limits(idle=10), 1000, 10000),
        (Limits(absolute=10), 3000, 7000),
        (Limits(5, 10), 9000, -2000),
        (Limits(5, 10), -(10**9), 5000),
    ],
)
def test_how_long_a_record_lasts(limits: Limits, now: int, left: float) -> None:
    """Made at 0, used at 2000; a clock that is set back expires nothing."""
    record = Record(A, created=0, used=2000)
    assert limits.left(record, now) == left
    assert limits.expired(record, now) is (left <= 0)
    assert bool(limits) is (left != float("inf"))


def test_what_was_never_used_is_not_idle() -> None:
    """It has all of its idle time before it, and its absolute time as ever."""
    record = Record(A, created=5, used=NEVER)
    assert Limits(idle=10).left(record, 10**9) == 10000
    assert Limits(10, 20).left(record, 15005) == 5000


def test_of_many_that_come_the_first_stays() -> None:
    """And who only reads changes nothing."""
    record = Record(A)
    assert first(record)(None) is record
    assert first(record)(Record(B)) is None
    assert leave(None) is leave(record) is None


@pytest.mark.parametrize(
    ("found", "is_replaced"),
    [
        (None, True),
        (Record(A, 2), True),
        (Record(B, 1), True),
        (Record(B, 3), False),
        (Record(B, 2, created=7), True),
        (Record(B, 2, created=3), False),
    ],
)
def test_a_refresh_takes_the_place_of_what_it_has_seen(found: Record | None, is_replaced: bool) -> None:
    """Unless another tab was quicker."""
    mine = Record(A, 2, created=5)
    new = mine.next(C, REFRESHED, 9)
    assert (follow(mine, new)(found) is new) is is_replaced


@pytest.mark.parametrize("nothing", [EXPIRED, NEW])
@pytest.mark.parametrize("reason", [REFRESHED, LOGIN, LOGOUT])
def test_what_was_moved_is_not_lost_to_what_carries_nothing(reason: str, nothing: str) -> None:
    """An expiry, or a new session after the storage was cleared."""
    mine = Record(A, 2)
    wanted = follow(mine, mine.next(C, reason, 9))(Record(B, 3, nothing))
    assert wanted is not None
    assert (wanted.id, wanted.generation, wanted.reason) == (C, 4, reason)


@pytest.mark.parametrize("reason", [LOGIN, LOGOUT])
def test_a_log_in_or_log_out_follows_what_is_not_its_like(reason: str) -> None:
    """Else a refresh in another tab would undo it."""
    mine = Record(A, 2)
    new = mine.next(C, reason, 9)
    for quicker in (REFRESHED, LOGIN, LOGOUT):
        wanted = follow(mine, new)(Record(B, 3, quicker))
        expected = None if quicker == reason else (C, 4, reason)
        assert (wanted and (wanted.id, wanted.generation, wanted.reason)) == expected


@pytest.mark.parametrize(
    ("found", "is_replaced"),
    [
        (None, True),
        (Record(A, 2, used=1), True),
        (Record(A, 2, used=NEVER), False),
        (Record(A, 2, used=9500), False),
        (Record(B, 3, used=0), False),
        (Record(B, 1, used=9500), True),
    ],
)
def test_what_has_had_its_time_is_replaced_unless_it_was_used(found: Record | None, is_replaced: bool) -> None:
    """The use by another tab counts, and so does another tab's replacement."""
    mine = Record(A, 2)
    new = mine.next(C, EXPIRED, 10000)
    assert (expire(mine, new, Limits(idle=5), 10000)(found) is new) is is_replaced


def test_a_duplicate_replaces_what_it_was_copied_with() -> None:
    """Not what a frame of its tab has put there."""
    parent, own = Record(A, 2), Record(B, 3)
    assert fork(parent, own)(parent) is fork(parent, own)(None) is own
    assert fork(parent, own)(Record(C, 3)) is None


@given(RECORDS, st.none() | RECORDS)
def test_after_reconciling_nothing_weaker_is_there(mine: Record, found: Record | None) -> None:
    """What a tab knows is put back, and what is newer stays."""
    wanted = reconcile(mine)(found)
    kept = found if wanted is None else wanted
    assert kept is not None
    assert not mine.beats(kept)
    assert wanted is None or wanted.id == mine.id


@pytest.mark.parametrize(
    ("used", "kept"),
    [(100, 100), (99 + USED_MS, 100), (100 + USED_MS, 100 + USED_MS), (10**6, 10**6), (None, 100)],
)
def test_the_last_use_is_written_now_and_then(used: int | None, kept: int) -> None:
    """At most every five seconds, and only by those who use it: what a tab knows of may be long ago."""
    found = Record(A, used=100)
    for mine in (Record(A, used=100), Record(A, used=10**7), Record(A, used=NEVER)):
        wanted = reconcile(mine, None if used is None else lambda: used)(found)
        assert (wanted or found).used == kept
