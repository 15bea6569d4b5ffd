"""Sessions that expire, on a clock that is set by hand."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pillion_server import FunctionError, StartError
from pillion_server.belongings import PIECE, PIECE_BYTES
from pillion_server.expiry import expire, milliseconds, parse
from pillion_server.last_seen import LastSeen, write
from server.clockwork import Clockwork, raw
from server.world import World

HOUR = 3600.0


class Served(Clockwork):
    """What a database does with sights and those that expire, at one time after the other."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.seen = LastSeen(self.now)

    def come(self, number: int, *, lasting: bool = True) -> str:
        with self.mutation() as now:
            session = now.lineage.of(raw(number))
        self.seen.note(now.lineage.seen, self.now, lasting=lasting)
        return session

    def flush(self) -> None:
        while piece := self.seen.some():
            write(self.connection, piece)
            self.seen.written(piece, self.now)

    def step(self, hours: float = 24) -> bool:
        with self.mutation() as now:
            return expire(self.seen, self.connection, now, self.now - hours * HOUR * 1000)


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def test_it_ends_and_loses_what_it_has(served: Served) -> None:
    """Its digest is not seen again; others are as they were."""
    for number in (1, 2):
        served.come(number)
        served.add(number, "tea")
        served.bind(number, "ada")
    old, served_before = served.opens(1), served.opens(2)
    served.flush()
    served.wait(23 * HOUR)
    served.come(2, lasting=False)
    served.flush()
    assert not served.step()
    served.wait(HOUR)
    assert served.step()
    assert not served.step()
    assert served.opens(1) != old
    assert (served.items(1), served.user(1), served.items_of(old)) == ([], None, [])
    assert (served.items(2), served.user(2), served.opens(2)) == (["tea"], "ada", served_before)


def test_who_was_seen_a_moment_ago_stays(served: Served) -> None:
    """Also when that is not on disk yet."""
    old = served.come(1)
    served.flush()
    served.wait(48 * HOUR)
    served.come(1, lasting=False)
    assert not served.step()
    assert served.opens(1) == old


def test_much_is_deleted_a_piece_at_a_time(served: Served) -> None:
    """It ends first, so that nothing is added; what a step has not done the next one does."""
    old = served.come(1)
    for number in range(2 * PIECE + 1):
        served.add(1, str(number))
    served.flush()
    served.wait(24 * HOUR)
    left = []
    while served.step():
        assert served.opens(1) != old
        left.append(len(served.items_of(old)))
    assert left == [PIECE + 1, 1, 0]


def test_large_documents_are_deleted_one_by_one(served: Served) -> None:
    """So that a step reads no more than a function may."""
    old = served.come(1)
    for _ in range(20):
        served.add(1, "x" * (PIECE_BYTES + 1))
    served.flush()
    served.wait(24 * HOUR)
    assert sum(iter(served.step, False)) == 21
    assert served.items_of(old) == []


def test_a_step_that_fails_is_taken_again(served: Served) -> None:
    """All of it is undone, and the session is still the oldest."""
    old = served.come(1)
    served.add(1, "tea")
    served.flush()
    served.wait(24 * HOUR)

    def fail_at_the_end() -> None:
        with served.mutation() as now:
            assert expire(served.seen, served.connection, now, served.now)
            now.sessions.register(old)  # it has ended

    with pytest.raises(FunctionError):
        fail_at_the_end()
    assert (served.opens(1), served.items(1)) == (old, ["tea"])
    assert served.step()
    assert (served.opens(1) != old, served.items_of(old)) == (True, [])


def test_one_that_has_ended_loses_what_it_left(served: Served) -> None:
    """Its heir, which was seen, keeps what it took over."""
    old = served.come(1)
    served.add(1, "tea")
    served.transfer(1, 2)
    with served.mutation() as now:
        now.db.insert("items", session_id=old, name="late")
    served.flush()
    served.wait(24 * HOUR)
    served.come(2)
    assert served.step()
    assert not served.step()
    assert (served.items(2), served.items_of(old)) == (["tea"], [])


def test_times() -> None:
    """Days or hours."""
    assert parse("30d") == timedelta(days=30)
    assert milliseconds(parse("12h")) == 12 * HOUR * 1000
    for wrong in ("", "30", "0d", "1.5h", "-1d", "30 d", "10m"):
        with pytest.raises(StartError, match="write days or hours"):
            parse(wrong)
    with pytest.raises(StartError, match="1:00:00 or more"):
        milliseconds(timedelta(minutes=59))


def test_too_short_a_time_is_said_at_start(world: Callable[..., World]) -> None:
    """Before the database is made."""
    with pytest.raises(StartError, match="or more"):
        world({"expire_after": timedelta(seconds=1)})
