"""Where a record is kept, and where when that fails."""

from typing import Any

import pytest

from client.world import Window, World
from pillion import CookieStorage, IndexedDBStorage, MemoryStorage, WebStorage
from pillion.keeping import BROWSER, PAGE, TAB, Keeper
from pillion.record import LOGOUT, REFRESHED, Record
from pillion.rules import follow, leave, reconcile
from pillion.surroundings import Browser
from pillion_shared import SessionId, StorageError, is_session_id

A, B = SessionId("a" * 20), SessionId("b" * 20)
KEY = "k"
NO_LOCAL = "localStorage can't be used: localStorage is broken"
NO_COOKIE = "cookie can't be used: cookie is broken"
NO_INDEXED = "indexedDB can't be used: indexedDB is broken"


class Users:
    """One of the user's, which is none of ours."""

    name = "users"

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.values.get(key)

    def set(self, key: str, value: str) -> None:
        self.values[key] = value

    def remove(self, key: str) -> None:
        self.values.pop(key, None)


def storages() -> dict[str, Any]:
    return {
        "session": WebStorage("sessionStorage"),
        "local": WebStorage("localStorage"),
        "cookie": CookieStorage(),
        "indexeddb": IndexedDBStorage(),
        "memory": MemoryStorage(),
    }


async def make_a() -> Record:
    return Record(A, created=1)


async def make_b() -> Record:
    return Record(B, created=2)


class Kept:
    """A keeper in a window of its own."""

    def __init__(self, world: World, name: str, window: "Window | None" = None) -> None:
        self.world = world
        self.window = window or world.open().windows[0]
        self.keeper = self.window.context.copy().run(lambda: Keeper(storages()[name], KEY, is_session_id, Browser()))

    def start(self, make: Any = make_a) -> Any:
        return self.run(self.keeper.start(make))

    def run(self, work: Any) -> Any:
        return self.world.loop.run_until_complete(self.window.start(work))

    @property
    def report(self) -> tuple[str, bool, str]:
        return (self.keeper.report.kind, self.keeper.report.persistent, self.keeper.report.why)


@pytest.mark.parametrize(
    ("name", "scope", "kind"),
    [
        ("session", TAB, "sessionStorage"),
        ("local", BROWSER, "localStorage"),
        ("cookie", BROWSER, "cookie"),
        ("indexeddb", BROWSER, "indexedDB"),
        ("memory", PAGE, "memory"),
    ],
)
def test_the_first_to_start_makes_the_record(name: str, scope: str, kind: str, world: World) -> None:
    """Others of its scope find it."""
    one = Kept(world, name)
    record, is_new = one.start()
    assert (record.id, is_new) == (A, True)
    assert one.keeper.scope == scope
    assert one.report == (kind, kind != "memory", "")
    again, is_new = Kept(world, name, one.window).start(make_b)
    assert (again.id, is_new) == ((B, True) if scope == PAGE else (A, False))
    other, is_new = Kept(world, name).start(make_b)
    assert (other.id, is_new) == ((A, False) if scope == BROWSER else (B, True))


@pytest.mark.parametrize("name", ["local", "cookie"])
def test_the_named_storage_has_the_bare_id(name: str, world: World) -> None:
    """It is written through, healed, and what was there before there was a record is taken."""
    one = Kept(world, name)
    record, _ = one.start()
    seen = world.local if name == "local" else world.cookies
    assert seen.view(one.window).get(KEY) == A
    seen.set(one.window, KEY, "undefined")
    one.run(one.keeper.update(reconcile(record)))
    assert seen.view(one.window).get(KEY) == A
    world.run(1)
    world.database.clear()
    found, is_new = Kept(world, name).start(make_b)
    assert (found.id, is_new) == (A, False)


@pytest.mark.parametrize(
    ("name", "broken", "kind", "persistent", "why"),
    [
        ("session", "sessionStorage", "memory", False, "sessionStorage can't be used: sessionStorage is broken"),
        ("local", "localStorage", "indexedDB", True, NO_LOCAL),
        ("local", "indexedDB", "localStorage", True, "IndexedDB can't be used (indexedDB is broken), so tabs"),
        ("cookie", "cookie", "indexedDB", True, NO_COOKIE),
        ("cookie", "indexedDB", "cookie", True, "IndexedDB can't be used (indexedDB is broken), so tabs"),
        ("indexeddb", "indexedDB", "memory", False, NO_INDEXED),
        ("local", "indexedDB localStorage", "memory", False, f"{NO_LOCAL}; and {NO_INDEXED}"),
        ("cookie", "indexedDB cookie", "memory", False, f"{NO_COOKIE}; and {NO_INDEXED}"),
    ],
)
def test_what_fails_makes_room_for_the_next(
    name: str, broken: str, kind: str, persistent: bool, why: str, world: World
) -> None:
    """The session works all the same, and the report is honest; memory is warned of."""
    world.broken.update(broken.split())
    kept = Kept(world, name)
    record, is_new = kept.start()
    assert (record.id, is_new) == (A, True)
    assert kept.report[:2] == (kind, persistent)
    assert kept.report[2].startswith(why)
    assert len(kept.window.warnings) == (kind == "memory")
    new = record.next(B, REFRESHED, 9)
    assert kept.run(kept.keeper.commit(follow(record, new), record, new)) is not None
    found = kept.run(kept.keeper.update(leave))
    assert isinstance(found, Record)
    assert (found.id, found.generation) == (B, 2)


@pytest.mark.parametrize("name", ["local", "cookie"])
@pytest.mark.parametrize("broken_first", [True, False])
def test_tabs_find_each_other_while_indexeddb_fails_in_one(name: str, broken_first: bool, world: World) -> None:
    """What either of them does is the other's next, and that of whoever comes when IndexedDB works again."""
    works, fails = Kept(world, name), Kept(world, name)
    record, _ = works.start()
    fails.start()
    fails.window.broken.add("indexedDB")
    for number, one in enumerate((fails, works) if broken_first else (works, fails)):
        new = record.next(SessionId(str(number) * 20), REFRESHED, 9)
        assert one.run(one.keeper.commit(follow(record, new), record, new)).id == new.id
        world.run(1)
        record = new
        for each in (works, fails, Kept(world, name)):
            found = each.run(each.keeper.update(leave))
            assert isinstance(found, Record)
            assert (found.id, found.generation) == (new.id, new.generation)
    assert works.report[2] == ""
    assert fails.report[:2] == ("localStorage" if name == "local" else "cookie", True)
    assert fails.report[2].startswith("IndexedDB can't be used (indexedDB is broken)")


def test_a_stronger_record_that_is_shown_meanwhile_stays(world: World) -> None:
    """Whoever has found a weaker one a moment ago does not write over it."""
    one = Kept(world, "local")
    record, _ = one.start()
    stronger = record.next(B, REFRESHED, 9)
    world.local.set(one.window, KEY + ".record", stronger.text())
    one.run(one.keeper._show(record))
    assert world.local.view(one.window)[KEY + ".record"] == stronger.text()


@pytest.mark.parametrize("name", ["session", "local", "cookie", "indexeddb"])
def test_a_commit_that_can_be_kept_nowhere_is_kept_in_memory(name: str, world: World) -> None:
    """There is no way back: the data has moved."""
    kept = Kept(world, name)
    record, _ = kept.start()
    world.broken.update(["indexedDB", "localStorage", "sessionStorage", "cookie"])
    new = record.next(B, REFRESHED, 9)
    assert kept.run(kept.keeper.commit(follow(record, new), record, new)) is new
    assert kept.report[:2] == ("memory", False)
    assert A not in kept.report[2] + str(kept.window.warnings)
    healed = kept.run(kept.keeper.update(reconcile(new)))
    assert isinstance(healed, Record)
    assert healed.id == B


@pytest.mark.parametrize("is_followed", [False, True])
def test_a_commit_that_fails_forgets_its_own_id_and_no_other(
    is_followed: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another tab has done meanwhile stays; the old ID, which has no data any more, does not come back."""
    mine, other = Kept(world, "indexeddb"), Kept(world, "indexeddb")
    old, _ = mine.start()
    theirs, _ = other.start()
    if is_followed:
        theirs = old.next(B, REFRESHED, 8)
        other.run(other.keeper.update(lambda _: theirs))
    fail_once(mine.window, monkeypatch)
    new = old.next(SessionId("c" * 20), REFRESHED, 9)
    assert mine.run(mine.keeper.commit(follow(old, new), old, new)) is new
    assert mine.report[:2] == ("memory", False)
    found = other.run(other.keeper.update(leave))
    assert (found and found.id) == (B if is_followed else None)


def test_a_commit_that_the_database_fails_is_the_named_storages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old ID is nowhere any more, not even after the named storage has been cleared."""
    mine, other = Kept(world, "local"), Kept(world, "local")
    old, _ = mine.start()
    other.start()
    fail_once(mine.window, monkeypatch)
    new = old.next(B, LOGOUT, 9)
    assert mine.run(mine.keeper.commit(follow(old, new), old, new)).id == B
    assert mine.report[:2] == ("localStorage", True)
    world.run(1)
    assert A not in str(world.database) + str(world.local.view(mine.window))
    found = other.run(other.keeper.update(leave))
    assert (found and found.id) == B


def fail_once(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """IndexedDB does not answer the window's next question."""
    works = window.update

    async def once_not(key: str, decide: Any) -> str | None:
        monkeypatch.setattr(window, "update", works)
        raise StorageError("not this time")

    monkeypatch.setattr(window, "update", once_not)


def test_a_storage_that_is_cleared_during_its_probe_is_not_given_up(world: World) -> None:
    """As by a cleaner that wipes it every second."""
    kept = Kept(world, "local")
    world.chance.seed(3)
    kept.window.start(kept.keeper.start(make_a))
    for _ in range(3):
        world.run(0.0)
    world.local.clear()
    world.run(1)
    assert kept.report == ("localStorage", True, "")


def test_the_users_own_storage_is_not_probed(world: World) -> None:
    """One that has room for a single value would lose it."""
    storage, window = Users(), world.open().windows[0]
    keeper = window.context.copy().run(lambda: Keeper(storage, KEY, is_session_id, Browser()))
    storage.set(KEY, B)
    found, is_new = world.loop.run_until_complete(window.start(keeper.start(make_a)))
    assert (found.id, is_new, storage.values) == (B, False, {KEY: B})


def test_a_whole_record_in_the_users_storage_keeps_its_times(world: World) -> None:
    """Where the session has limits; the bare ID is beside it."""
    storage, window = Users(), world.open().windows[0]
    keeper = window.context.copy().run(lambda: Keeper(storage, KEY, is_session_id, Browser(), full=True))

    async def main() -> None:
        await keeper.start(make_a)

    world.loop.run_until_complete(window.start(main()))
    assert storage.values == {KEY: A, KEY + ".record": f"{A} 1 new 1 1"}
