"""What is in force on a page; test_identity.py and the browser tests show it at work."""

from typing import Any

import pytest

from client.world import Window, World
from pillion import WebStorage
from pillion.changes import Change
from pillion.claim import Claim, fingerprint
from pillion.holding import Holding
from pillion.keeping import Keeper
from pillion.record import REFRESHED, Record
from pillion.rules import first, follow
from pillion.surroundings import Browser
from pillion_shared import SessionId, is_session_id

A, B, C = (SessionId(letter * 20) for letter in "abc")
KEY = "k"


class Held:
    """A holding in a window, and the changes that it told."""

    def __init__(self, world: World, name: str, window: Window | None = None) -> None:
        self.world = world
        self.window = window or world.open().windows[0]
        self.told: list[tuple[str, str]] = []
        self.holding = self.window.context.copy().run(self._make, name)
        self.holding.changed.add(self._hear)

    def _make(self, name: str) -> Holding:
        keeper = Keeper(WebStorage(name), KEY, is_session_id, Browser())
        return Holding(keeper, Claim(Browser()) if name == "sessionStorage" else None)

    def _hear(self, change: Change) -> None:
        self.told.append((change.id, change.origin))

    def run(self, work: Any) -> Any:
        return self.world.loop.run_until_complete(self.window.start(work))

    def begin(self) -> Record:
        """What is there, or `A`."""
        record: Record = self.run(self.holding.keeper.update(first(Record(A))))
        self.run(self.holding.take(record.id))
        self.holding.adopt(record)
        return record


def test_the_first_record_is_no_change_and_an_equal_id_is_none(world: World) -> None:
    """Only another ID is told."""
    held = Held(world, "sessionStorage")
    held.holding.adopt(Record(A))
    held.holding.adopt(Record(A, used=7))
    assert held.told == []
    assert held.holding.record is not None
    assert held.holding.record.used == 7
    held.holding.adopt(Record(B, 2))
    assert held.told == [(B, "elsewhere")]


def test_what_was_made_here_is_told_as_from_here(world: World) -> None:
    """And what another tab has put there as from elsewhere, also by the one that was too late."""
    here, there = Held(world, "localStorage"), Held(world, "localStorage")
    old = here.begin()
    assert there.begin().id == A
    for held, own in ((here, B), (there, C)):
        new = old.next(own, REFRESHED, 9)
        held.holding.adopt(held.run(held.holding.replace(old, new, follow(old, new))))
    assert (here.told, there.told) == ([(B, "here")], [(B, "elsewhere")])


def test_a_tabs_new_id_is_claimed_before_it_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A duplicate that is made at that moment finds it taken."""
    held = Held(world, "sessionStorage")
    old = held.begin()
    new, writes, stored = old.next(B, REFRESHED, 9), held.window.storage_set, []

    async def write(kind: str, key: str, value: str | None) -> None:
        if value is not None and B in value:
            stored.append("pillion:tab:" + fingerprint(B) in world.locks.queues)
        await writes(kind, key, value)

    monkeypatch.setattr(held.window, "storage_set", write)
    assert held.run(held.holding.replace(old, new, follow(old, new))) is not None
    assert stored == [True, True]  # the record, and the bare ID
    assert "pillion:tab:" + fingerprint(A) not in world.locks.queues


def test_where_a_frame_was_quicker_its_id_is_claimed(world: World) -> None:
    """The tab's storage holds it, so it is this window's too."""
    held = Held(world, "sessionStorage")
    old = held.begin()
    theirs, mine = old.next(B, REFRESHED, 8), old.next(C, REFRESHED, 9)
    held.run(held.holding.keeper.update(lambda _: theirs))
    assert held.run(held.holding.replace(old, mine, follow(old, mine))).id == B
    assert [name for name in world.locks.queues if "tab" in name] == ["pillion:tab:" + fingerprint(B)]


def test_catching_up_adopts_what_is_newer_and_heals_what_is_gone(world: World) -> None:
    """A storage that fails for once tells nothing."""
    here, there = Held(world, "localStorage"), Held(world, "localStorage")
    old = here.begin()
    there.begin()
    new = old.next(B, REFRESHED, 9)
    there.run(there.holding.replace(old, new, follow(old, new)))
    assert here.run(here.holding.catch_up()).id == B
    assert here.told == [(B, "elsewhere")]
    world.database.clear()
    assert here.run(here.holding.catch_up()).id == B
    assert B in world.database[KEY]
    world.broken.add("indexedDB")
    assert here.run(here.holding.catch_up()).id == B
    with pytest.raises(RuntimeError, match="settled"):
        there.run(Held(world, "localStorage", there.window).holding.catch_up())
