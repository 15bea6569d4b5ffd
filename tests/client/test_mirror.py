"""What the named storage shows beside the arbiter; test_keeping.py shows tabs that find each other by it."""

import asyncio

import pytest

from pillion import MemoryStorage
from pillion.mirror import Mirror, record_key
from pillion.record import REFRESHED, Record
from pillion_shared import SessionId, is_session_id

A, B = SessionId("a" * 20), SessionId("b" * 20)
KEY = "k"
OLD = Record(A, 1, created=1)
NEW = OLD.next(B, REFRESHED, 2)


def mirror(has_records: bool = True) -> tuple[Mirror, dict[str, str]]:
    """One of a storage, and what that holds."""
    storage = MemoryStorage()
    return Mirror(storage, KEY, is_session_id, has_records), storage._values


def test_it_shows_the_bare_id_and_the_record() -> None:
    """Without records only the ID: the arbiter keeps them in the same place."""
    full, values = mirror()
    asyncio.run(full.show(NEW))
    assert values == {KEY: B, record_key(KEY): NEW.text()}
    shown, again = asyncio.run(full.record()), asyncio.run(full.bare())
    assert shown is not None
    assert again is not None
    assert (shown.text(), again.id, again.generation) == (NEW.text(), B, 1)
    bare, values = mirror(has_records=False)
    asyncio.run(bare.show(NEW))
    assert values == {KEY: B}
    values[record_key(KEY)] = NEW.text()
    assert asyncio.run(bare.record()) is None


def test_a_weaker_record_makes_room_and_a_stronger_one_stays() -> None:
    """Also its bare ID."""
    shown, values = mirror()
    for record in (OLD, NEW, OLD):
        asyncio.run(shown.show(record))
    assert values == {KEY: B, record_key(KEY): NEW.text()}


@pytest.mark.parametrize("rubbish", ["undefined", "x" * 9999, "null", ""])
def test_rubbish_is_nothing_and_is_written_over(rubbish: str) -> None:
    """It is never taken for an ID."""
    shown, values = mirror()
    values.update({KEY: rubbish, record_key(KEY): rubbish})
    assert asyncio.run(shown.record()) is asyncio.run(shown.bare()) is None
    asyncio.run(shown.show(OLD))
    assert values == {KEY: A, record_key(KEY): OLD.text()}


def test_an_id_is_forgotten_and_no_other() -> None:
    """From both places."""
    shown, values = mirror()
    asyncio.run(shown.show(NEW))
    asyncio.run(shown.forget(A))
    assert len(values) == 2
    asyncio.run(shown.forget(B))
    assert values == {}
