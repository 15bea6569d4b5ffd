"""Claims: of all tabs one has an ID."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from client.world import Window, World
from pillion.claim import Claim, fingerprint
from pillion.surroundings import Browser
from pillion_shared import SessionId

A, B = SessionId("a" * 20), SessionId("b" * 20)
LOCK = "pillion:tab:" + fingerprint(A)


def claim(window: Window) -> Claim:
    """One of code in this window."""
    return window.context.copy().run(lambda: Claim(Browser()))


def run(world: World, window: Window, work: Coroutine[Any, Any, Any]) -> Any:
    """What it returns."""
    return world.loop.run_until_complete(window.start(work))


async def at_once(work: Callable[..., object], *args: object) -> None:
    """Something that is not async."""
    work(*args)


@pytest.fixture(params=[True, False], ids=["locks", "plain http"])
def anywhere(request: pytest.FixtureRequest, world: World) -> World:
    """With locks and without."""
    world.has_locks = request.param
    return world


def test_another_tab_does_not_get_it_until_it_is_let_go(anywhere: World) -> None:
    """And it may be taken twice."""
    world, (one, two) = anywhere, [anywhere.open().windows[0] for _ in range(2)]
    first, second = claim(one), claim(two)
    assert run(world, one, first.take(A))
    assert run(world, one, first.take(A))
    assert not run(world, two, second.take(A))
    assert run(world, two, second.take(B))
    first.let_go()
    world.run(0.1)
    assert run(world, two, second.take(A))
    assert run(world, one, first.take(A)), "it is not asked for any more"
    first.want()
    assert not run(world, one, first.take(A))


def test_loosened_it_is_free_until_it_is_taken_again(anywhere: World) -> None:
    """As when the page may be about to go."""
    world, (one, two) = anywhere, [anywhere.open().windows[0] for _ in range(2)]
    first, second = claim(one), claim(two)
    for taker in (first, second):
        assert run(world, one, first.take(A))
        first.loosen()
        world.run(0.1)
        assert run(world, two if taker is second else one, taker.take(A))
    assert not run(world, one, first.take(A))


def test_who_is_cancelled_while_asking_leaves_nothing(anywhere: World) -> None:
    """Neither a channel nor a lock."""
    world, window = anywhere, anywhere.open().windows[0]
    taking = window.start(claim(window).take(A))
    world.run(0.1 if not world.has_locks else 0.0)
    taking.cancel()
    world.run(1)
    assert world.locks.queues == {}
    assert [endpoints for endpoints in world.channels.values() if endpoints] == []


def test_a_tab_that_dies_lets_go(anywhere: World) -> None:
    """At once."""
    world, (one, two) = anywhere, [anywhere.open().windows[0] for _ in range(2)]
    assert run(world, one, claim(one).take(A))
    one.tab.die()
    world.run(0.1)
    assert run(world, two, claim(two).take(A))


def test_a_reload_finds_it_free_although_the_old_document_is_late(world: World) -> None:
    """The lock is waited for."""
    tab = world.open()
    for _ in range(20):
        window = tab.windows[0]
        assert run(world, window, claim(window).take(A))
        tab.reload()


def test_the_frames_of_a_tab_have_it_together(world: World) -> None:
    """One holds the lock; when it goes, another one does, so that no other tab ever gets it."""
    tab, other = world.open(), world.open().windows[0]
    frame = tab.add_frame()
    first, second = claim(tab.windows[0]), claim(frame)
    assert run(world, tab.windows[0], first.take(A))
    assert run(world, frame, second.take(A))
    first.let_go()
    world.run(0.1)
    assert world.locks.queues[LOCK][0][0] is frame
    assert not run(world, other, claim(other).take(A))


def test_what_a_frame_out_of_reach_has_is_this_tabs_where_that_is_known(world: World) -> None:
    """As in a shadow tree; the two then hold it together."""
    tab, other = world.open(), world.open().windows[0]
    frame = tab.add_frame()
    frame.in_shadow_tree = True
    first, second = claim(tab.windows[0]), claim(frame)
    assert run(world, frame, second.take(A))
    assert not run(world, tab.windows[0], first.take(A))
    assert run(world, tab.windows[0], first.take(A, is_this_tabs=True))
    second.let_go()
    world.run(0.1)
    assert not run(world, other, claim(other).take(A))


@pytest.mark.parametrize("seed", range(10))
def test_of_eleven_at_once_one_gets_it(seed: int, world: World) -> None:
    """Ten duplicates and their original."""
    world.chance.seed(seed)
    windows = [world.open().windows[0] for _ in range(11)]

    async def all_of_them() -> list[bool]:
        return list(await asyncio.gather(*(window.start(claim(window).take(A)) for window in windows)))

    assert sum(world.loop.run_until_complete(all_of_them())) == 1


def test_who_shares_it_has_the_lock_when_the_owner_goes(world: World) -> None:
    """And leaves the queue when it lets go."""
    one, two, three = (world.open().windows[0] for _ in range(3))
    owner, guest, other = claim(one), claim(two), claim(three)
    assert run(world, one, owner.take(A))
    for window, each in ((two, guest), (three, other)):
        run(world, window, at_once(each.share, A))
    world.run(1)
    queue = [request[0] for request in world.locks.queues[LOCK]]
    assert queue[0] is one
    assert set(queue) == {one, two, three}
    other.let_go()
    owner.let_go()
    world.run(1)
    assert [request[0] for request in world.locks.queues[LOCK]] == [two]


@pytest.mark.parametrize("end", [lambda each: each.let_go(), lambda each: each.share(B)])
def test_nothing_is_left_behind(end: Callable[[Claim], None], world: World) -> None:
    """Two hundred times."""
    window = world.open().windows[0]
    for _ in range(200):
        each = claim(window)
        assert run(world, window, each.take(A))
        run(world, window, at_once(end, each))
        each.let_go()
        world.run(0.02)
    assert world.locks.queues == {}
    assert set(window.claims.values()) == {0}


def test_the_name_of_the_lock_says_nothing_of_the_id() -> None:
    """Other scripts of the page can list it."""
    assert A not in fingerprint(A)
    assert fingerprint(A) != fingerprint(B)
    assert len(fingerprint(A)) == 32


def test_let_go_while_it_is_being_taken_it_is_let_go(anywhere: World) -> None:
    """A page that goes into the cache in the middle of it holds nothing there."""
    world, (one, two) = anywhere, [anywhere.open().windows[0] for _ in range(2)]
    for seed in range(20):
        world.chance.seed(seed)
        each = claim(one)
        taking = one.start(each.take(A))
        world.run(seed / 2000)
        each.let_go()
        assert world.loop.run_until_complete(taking)
        world.run(0.1)
        assert world.locks.queues == {}
        assert [endpoints for endpoints in world.channels.values() if endpoints] == []
        assert set(one.claims.values()) <= {0}
    assert run(world, two, claim(two).take(A))


def test_taken_twice_at_once_it_is_held_once(world: World) -> None:
    """By a look and a refresh that cross."""
    window = world.open().windows[0]
    each = claim(window)

    async def both() -> list[bool]:
        return list(await asyncio.gather(each.take(A), each.take(A)))

    assert run(world, window, both()) == [True, True]
    assert window.claims == {LOCK: 1}
    assert len(world.locks.queues[LOCK]) == 1
