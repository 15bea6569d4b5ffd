"""One ID after another, in a simulated browser; the model and the browser tests show it among many tabs."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from client.world import Window, World
from pillion import InvalidIdError, RefreshError, StorageError, WebStorage
from pillion.claim import fingerprint
from pillion.identity import Identity
from pillion.making import Maker
from pillion.record import EXPIRED, LOGIN, LOGOUT, REFRESHED
from pillion.rules import Limits
from pillion_shared import SessionId

TAB, BROWSER = "sessionStorage", "localStorage"
LOCK = "pillion:refresh:browser:k"


class Here:
    """An identity in a window, settled."""

    def __init__(
        self, world: World, name: str = BROWSER, generator: Callable[[], str] | None = None, idle: float | None = None
    ) -> None:
        self.world = world
        self.window: Window = world.open().windows[0]
        self.told: list[str] = []
        maker, limits = Maker(generator), Limits(idle=idle)
        self.identity = self.window.context.copy().run(lambda: Identity(WebStorage(name), "k", maker, limits))
        self.identity.changed.add(lambda change: self.told.append(change.reason))
        self.run(self.identity.settle())

    def start(self, work: Any) -> "asyncio.Task[Any]":
        return self.window.start(work)

    def run(self, work: Any) -> Any:
        return self.world.loop.run_until_complete(self.start(work))

    def refresh(self, before: Callable[[SessionId], object] | None = None, reason: str = REFRESHED) -> Any:
        return self.run(self.identity.refresh(before, 3.0, reason))


@pytest.mark.parametrize("reason", [REFRESHED, LOGIN, LOGOUT])
def test_a_refresh_waits_for_that_of_another_tab(reason: str, world: World) -> None:
    """A refresh takes its outcome for its own; a log-in or log-out follows, with its own callback."""
    here, there, order = Here(world), Here(world), list[str]()

    async def first(_new: SessionId) -> None:
        await asyncio.sleep(1)
        order.append("first")

    going = there.start(there.identity.refresh(first, 3.0))
    world.run(0.2)
    assert LOCK in world.locks.queues
    here.refresh(lambda _new: order.append("second"), reason)
    assert order == (["first"] if reason == REFRESHED else ["first", "second"])
    assert (here.identity.id == going.result()) is (reason == REFRESHED)
    assert here.told == [REFRESHED, *([] if reason == REFRESHED else [reason])]
    world.run(1)
    assert LOCK not in world.locks.queues


def test_a_tabs_refreshes_are_its_own(world: World) -> None:
    """Its lock is named after its ID: other tabs have others."""
    here, there = Here(world, TAB), Here(world, TAB)
    names: list[list[str]] = []
    old = here.identity.id
    assert old is not None
    there.start(there.identity.refresh(lambda _new: asyncio.sleep(2), 3.0))
    world.run(0.2)
    here.refresh(lambda _new: names.append([name for name in world.locks.queues if "refresh" in name]))
    ((mine, theirs),) = (sorted(each, key=lambda name: not name.endswith(fingerprint(old))) for each in names)
    assert mine == "pillion:refresh:tab:k:" + fingerprint(old) != theirs


def test_another_tabs_refresh_that_takes_too_long_is_an_error(world: World) -> None:
    """Nothing has changed; but a log-out goes on all the same."""
    here, there = Here(world), Here(world)
    old = here.identity.id
    there.start(there.identity.refresh(lambda _new: asyncio.sleep(600), 900.0))
    world.run(0.1)
    with pytest.raises(RefreshError, match="took more than 3 s; the old ID is still in force"):
        here.refresh()
    assert here.identity.id == old
    here.run(here.identity.refresh(None, 30.0, LOGOUT))
    assert here.identity.id != old


@pytest.mark.parametrize("reason", [REFRESHED, LOGIN])
def test_a_callback_that_fails_lets_the_lock_go(reason: str, world: World) -> None:
    """The next tab may refresh at once."""

    def refuse(_new: SessionId) -> None:
        raise PermissionError("wrong password")

    here, there = Here(world), Here(world)
    old = here.identity.id
    with pytest.raises(PermissionError):
        here.refresh(refuse, reason)
    assert here.identity.id == old
    assert there.refresh() != old


def test_a_callback_that_will_not_be_cancelled_changes_nothing(world: World) -> None:
    """Its refresh was given up, and its caller has been told so."""

    async def stubborn(_new: SessionId) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(600)

    here = Here(world)
    old = here.identity.id
    with pytest.raises(RefreshError, match="the old ID is still in force"):
        here.refresh(stubborn)
    world.run(1)
    assert here.identity.id == old
    assert LOCK not in world.locks.queues


def test_a_tab_that_stays_is_claimed_again_though_its_refresh_fails(world: World) -> None:
    """A download was begun while it was under way."""
    here = Here(world, TAB)
    own = "pillion:tab:" + fingerprint(SessionId(str(here.identity.id)))

    async def fail(_new: SessionId) -> None:
        await asyncio.sleep(2)
        raise PermissionError("wrong password")

    refreshing = here.start(here.identity.refresh(fail, 5.0))
    world.run(0.5)
    here.window.tab.download()
    world.run(0.5)
    assert own not in world.locks.queues
    world.run(4)
    assert isinstance(refreshing.exception(), PermissionError)
    assert own in world.locks.queues


def test_a_generator_that_repeats_itself_is_refused(world: World) -> None:
    """A log-in under the ID of before it would be no new session."""
    here = Here(world, generator=lambda: "a" * 20)
    with pytest.raises(InvalidIdError, match="needs another one"):
        here.refresh(lambda _new: pytest.fail("no callback for the same ID"))
    assert LOCK not in world.locks.queues


def test_a_session_that_another_tab_refreshes_does_not_expire_meanwhile(world: World) -> None:
    """What that refresh has moved would be stranded: it decides which ID follows."""
    here, there = Here(world, idle=20), Here(world, idle=20)
    old = here.identity.id
    there.start(there.identity.refresh(lambda _new: asyncio.sleep(3), 60.0))
    world.run(0.5)
    world.epoch += 60
    here.identity.doubt()
    here.run(here.identity.look())
    assert here.identity.id == old
    world.run(10)
    assert here.identity.id == there.identity.id != old
    assert here.told == [REFRESHED]


def test_what_has_followed_an_expired_id_stays_until_it_is_used(world: World) -> None:
    """However long the page is open: an ID that nobody has used has nothing to lose."""
    here, there = Here(world, idle=20), Here(world, idle=20)
    world.run(3 * 3600)
    assert (here.told, there.told) == ([EXPIRED], [EXPIRED])
    assert here.identity.id == there.identity.id
    here.run(here.identity.make_sure())
    assert here.told == [EXPIRED]
    world.run(3 * 3600)
    assert (here.told, there.told) == ([EXPIRED] * 2, [EXPIRED] * 2)


def test_what_has_followed_stays_though_the_database_fails_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old ID has had its time, and the new one is kept."""
    here = Here(world, idle=20)
    old, update = here.identity.id, here.window.update

    async def until_replaced(key: str, decide: Any) -> str | None:
        if " expired " in world.database[key]:
            raise StorageError("not this time")
        return await update(key, decide)

    monkeypatch.setattr(here.window, "update", until_replaced)
    world.epoch += 60
    here.run(here.identity.make_sure())
    assert here.identity.id != old
    assert str(here.identity.id) in world.database["k"]


def test_a_use_is_noted_when_it_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that stood still in the middle of a look would set back what others have noted meanwhile."""
    here = Here(world, idle=20)
    update = here.window.update

    async def slowly(key: str, decide: Any) -> str | None:
        world.epoch += 15
        return await update(key, decide)

    monkeypatch.setattr(here.window, "update", slowly)
    here.run(here.identity.make_sure())
    assert world.wall() * 1000 - int(world.database["k"].split(" ")[4]) < 1000


def test_frames_that_never_find_each_other_come_to_one_id(world: World) -> None:
    """The later one forks, the earlier one finds that in the storage of its tab, and there it ends."""
    tab = world.open()
    windows = [tab.windows[0], tab.add_frame()]
    frames = []
    for window in windows:
        window.in_shadow_tree = True
        frames.append(window.context.copy().run(lambda: Identity(WebStorage(TAB), "k")))
        world.loop.run_until_complete(window.start(frames[-1].settle()))
    first, second = frames
    (own,) = {second.id}
    for _ in range(5):
        for window in windows:
            window.fire(0)
        world.run(1)
    assert (first.id, second.id, first.origin) == (own, own, "new")


def test_no_timer_is_longer_than_browsers_take(world: World) -> None:
    """One of 2**31 milliseconds and more runs at once."""
    Here(world, idle=90 * 86400)
    due = [timer.when() - world.loop.time() for timer in world.loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
    assert 0 < max(due) <= 3600


def test_a_tab_that_only_looks_does_not_age_the_session(world: World) -> None:
    """What it knows of the last use is older than what the others have written."""
    here, there = Here(world, idle=20), Here(world, idle=20)
    for _ in range(8):
        world.run(6)
        here.run(here.identity.make_sure())
        there.identity.doubt()
        there.run(there.identity.look())
    assert (here.told, there.told) == ([], [])
