"""What was written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pillion_server.keys import key_of
from pillion_server.writes import Writes
from server.shelf import SCHEMA, Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """An empty one."""
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.connection.close()


def test_entries_before_and_after(shelf: Shelf) -> None:
    """Of every index: where the document was, and where it is."""
    number = SCHEMA.index("items", "by_n").number
    with shelf.trial():
        id = shelf.writer().insert("items", n=1)
        for change, keys in (("patch", {1, 2}), ("replace", {2, 3}), ("delete", {3})):
            db = shelf.writer()
            getattr(db, change)(id, **({} if change == "delete" else {"n": max(keys)}))
            assert {entry.prefixes[1] for entry in db.writes.entries if entry.number == number} == {
                key_of((n,)) for n in keys
            }
            assert db.writes.documents == {id}


def test_an_entry_knows_its_beginnings(shelf: Shelf) -> None:
    """From no field to the whole key."""
    with shelf.trial():
        db = shelf.writer()
        db.insert("items", owner="ada", n=1)
        number = SCHEMA.index("items", "by_owner_n").number
        [entry] = [entry for entry in db.writes.entries if entry.number == number]
        assert entry.prefixes[:3] == (b"", key_of(("ada",)), key_of(("ada", 1)))
        assert len(entry.prefixes) == 4
        assert entry.key.startswith(entry.prefixes[2])


def test_nothing(shelf: Shelf) -> None:
    """Reading writes nothing."""
    assert Writes().nothing
    assert not Writes(users=None).nothing
    assert not Writes(users={"sid.x"}).nothing
    with shelf.trial():
        db = shelf.writer()
        db.query("items").collect()
        assert db.writes.nothing
        db.insert("items")
        assert not db.writes.nothing
