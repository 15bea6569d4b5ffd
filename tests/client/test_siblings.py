"""Siblings: telling the other tabs, and being woken."""

from collections.abc import Callable

import pytest

from client.world import Window, World
from pillion.siblings import Siblings
from pillion.surroundings import Browser


class Heard:
    """The siblings of one window, and what they have called back."""

    def __init__(self, window: Window, channel: str = "c") -> None:
        self.window = window
        self.calls: list[str] = []
        self.siblings = window.context.copy().run(self._make, channel)

    def _make(self, channel: str) -> Siblings:
        def says(what: str) -> Callable[[], None]:
            return lambda: self.calls.append(what)

        return Siblings(Browser(), channel, *map(says, ("woken", "hidden", "shown", "leaving")))


def joined(world: World, channel: str = "c") -> Heard:
    """In a tab of its own."""
    heard = Heard(world.open().windows[0], channel)
    world.loop.run_until_complete(heard.window.start(heard.siblings.join()))
    return heard


def test_what_one_tells_wakes_the_others(world: World) -> None:
    """Not itself, not those of another channel, and nobody before they have joined."""
    one, two, three, other = joined(world), joined(world), joined(world), joined(world, "d")
    one.siblings.tell(5)
    Heard(world.open().windows[0]).siblings.tell(6)
    world.run(0.1)
    assert [each.calls for each in (one, two, three, other)] == [[], ["woken"], ["woken"], []]


def test_the_events_of_the_page_wake_it(world: World) -> None:
    """Such as becoming visible."""
    one = joined(world)
    one.window.fire(0)
    world.run(0.1)
    assert one.calls == ["woken"]


def test_in_the_cache_it_has_no_channel_and_has_one_again_afterwards(world: World) -> None:
    """A message would evict the page."""
    one, two = joined(world), joined(world)
    tab = one.window.tab
    tab.navigate()
    assert len(tab.cache) == 1
    two.siblings.tell(5)
    world.run(1)
    assert one.calls == ["leaving", "hidden"]
    tab.go_back()
    world.run(1)
    two.siblings.tell(6)
    world.run(1)
    assert one.calls == ["leaving", "hidden", "shown", "woken"]


def test_who_leaves_leaves_nothing_behind(world: World) -> None:
    """Also while it is still joining."""
    one = joined(world)
    one.siblings.leave()
    one.siblings.leave()
    two = Heard(world.open().windows[0])
    two.window.start(two.siblings.join())
    world.run(0.0)
    two.siblings.leave()
    world.run(1)
    assert world.channels == {"c": []}
    assert one.window.lives == two.window.lives == []


def test_where_there_are_no_channels_the_events_are_left(world: World) -> None:
    """Telling does nothing."""
    world.broken.add("channels")
    one = joined(world)
    one.siblings.tell(5)
    one.window.fire(0)
    world.run(0.1)
    assert one.calls == ["woken"]


@pytest.mark.parametrize("rounds", [100])
def test_shown_again_and_again_there_is_one_channel(rounds: int, world: World) -> None:
    """However often the page comes back."""
    one = joined(world)
    for _ in range(rounds):
        one.window.tab.navigate()
        one.window.tab.go_back()
        world.run(0.1)
    assert len(world.channels["c"]) == 1
