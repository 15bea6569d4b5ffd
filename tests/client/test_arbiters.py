"""Arbiters: of many tabs that decide at one instant, all see one record afterwards."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from client.world import Window, World
from pillion import MemoryStorage, StorageError, WebStorage
from pillion.arbiters import DatabaseArbiter, PlainArbiter, StoredArbiter
from pillion.record import ADOPTED, REFRESHED, Record
from pillion.rules import first, follow, leave
from pillion.surroundings import Browser
from pillion_shared import SessionId, is_session_id

if TYPE_CHECKING:
    from pillion.arbiters import Arbiter

A, B, C = (SessionId(letter * 20) for letter in "abc")


def database() -> "Arbiter":
    return DatabaseArbiter(Browser(), "k", is_session_id)


def stored() -> "Arbiter":
    return StoredArbiter(WebStorage("localStorage"), "k", is_session_id, Browser(), pause=0.1)


def of_tab() -> "Arbiter":
    return StoredArbiter(WebStorage("sessionStorage"), "k", is_session_id, Browser(), of_tab=True)


def in_window(window: Window, work: "Callable[[], Arbiter]") -> "Arbiter":
    """What `work` makes there."""
    return window.context.copy().run(work)


@pytest.mark.parametrize("make", [database, stored])
@pytest.mark.parametrize("seed", range(10))
def test_twenty_tabs_at_one_instant_agree(make: "Callable[[], Arbiter]", seed: int, world: World) -> None:
    """On who was first, and then on who followed."""
    world.chance.seed(seed)
    windows = [world.open().windows[0] for _ in range(20)]
    arbiters = [in_window(window, make) for window in windows]

    async def ask(number: int, follows: Record | None) -> Record | None:
        mine = Record(SessionId(f"{number:020}"))
        decide = first(mine) if follows is None else follow(follows, follows.next(mine.id, REFRESHED, 1))
        return await arbiters[number].update(decide)

    async def all_of_them(follows: Record | None) -> Record:
        found = await asyncio.gather(*(window.start(ask(number, follows)) for number, window in enumerate(windows)))
        ids = {None if each is None else each.id for each in found}
        assert len(ids) == 1
        assert found[0] is not None
        return found[0]

    one = world.loop.run_until_complete(all_of_them(None))
    two = world.loop.run_until_complete(all_of_them(one))
    assert (one.generation, two.generation) == (1, 2)


@pytest.mark.parametrize("make", [database, stored, of_tab])
def test_what_is_decided_is_kept_and_what_is_forgotten_is_gone(make: "Callable[[], Arbiter]", world: World) -> None:
    """Leaving it reads it; another ID is not forgotten with it."""
    window = world.open().windows[0]
    arbiter = in_window(window, make)

    async def main() -> None:
        assert await arbiter.update(leave) is None
        record = Record(A, 3, REFRESHED, 5, 7)
        assert await arbiter.update(lambda _: record) is not None
        found = await arbiter.update(leave)
        assert found is not None
        assert vars(found) == vars(record)
        await arbiter.forget(B)
        assert await arbiter.update(leave) is not None
        await arbiter.forget(A)
        assert await arbiter.update(leave) is None
        await arbiter.forget(A)

    world.loop.run_until_complete(window.start(main()))


def test_without_locks_storages_do_without(world: World) -> None:
    """Plain http."""
    world.has_locks = False
    window = world.open().windows[0]
    found = world.loop.run_until_complete(window.start(in_window(window, stored).update(first(Record(A)))))
    assert found.id == A
    assert world.locks.queues == {}


def test_a_lock_that_another_tab_keeps_is_not_waited_for_for_ever(world: World) -> None:
    """Two seconds, and then it is an error."""
    window, other = world.open().windows[0], world.open().windows[0]
    world.loop.run_until_complete(other.start(other.lock("pillion:storage:k")))
    with pytest.raises(StorageError, match="another tab has kept its lock for 2 s"):
        world.loop.run_until_complete(window.start(in_window(window, stored).update(first(Record(A)))))
    world.run(1)
    assert len(world.locks.queues["pillion:storage:k"]) == 1


def test_a_tabs_own_storage_is_no_other_tabs_business(world: World) -> None:
    """A tab that stands still in the middle of a write holds up its own windows, and nobody else's."""
    tab, other = world.open(), world.open().windows[0]
    frame = tab.add_frame()
    name = in_window(frame, of_tab)._lock  # type: ignore[attr-defined]
    assert name == in_window(tab.windows[0], of_tab)._lock  # type: ignore[attr-defined]
    world.loop.run_until_complete(frame.start(frame.lock(name)))
    found = world.loop.run_until_complete(other.start(in_window(other, of_tab).update(first(Record(A)))))
    assert found.id == A
    window = tab.windows[0]
    with pytest.raises(StorageError, match="kept its lock"):
        world.loop.run_until_complete(window.start(in_window(window, of_tab).update(first(Record(A)))))


def test_a_write_that_is_ignored_is_an_error(world: World) -> None:
    """And the lock is let go."""

    class Ignored(MemoryStorage):
        def set(self, key: str, value: str) -> None:
            pass

    window = world.open().windows[0]
    arbiter = in_window(window, lambda: StoredArbiter(Ignored(), "k", is_session_id, Browser()))
    with pytest.raises(StorageError, match="what was set is not there"):
        world.loop.run_until_complete(window.start(arbiter.update(first(Record(A)))))
    assert world.locks.queues == {}


def test_a_plain_storage_keeps_the_bare_id() -> None:
    """Another one found in it is news, of the next generation."""
    storage = MemoryStorage()
    arbiter = PlainArbiter(storage, "k", is_session_id)

    async def main() -> None:
        assert await arbiter.update(leave) is None
        mine = Record(A, 5, REFRESHED)
        assert await arbiter.update(first(mine)) is mine
        assert storage.get("k") == A
        assert await arbiter.update(leave) is mine
        storage.set("k", B)
        found = await arbiter.update(leave)
        assert found is not None
        assert (found.id, found.generation, found.reason) == (B, 6, ADOPTED)
        storage.set("k", "undefined")
        assert await arbiter.update(leave) is None
        await arbiter.update(lambda _: Record(C, 7))
        assert storage.get("k") == C
        await arbiter.forget(A)
        assert storage.get("k") == C
        await arbiter.forget(C)
        assert storage.get("k") is None

    asyncio.run(main())
