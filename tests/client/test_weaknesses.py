"""The weaknesses of Convex's client of npm: each is there in that client, and not in ours.

Each is a function that plays on a stage and says whether the client is weak. So that the list can't lie, npm's
client, in Node, has to be. One is missing: a reload loses what was not sent yet, and the engine keeps nothing either.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import pytest

from client.stage import Npm, Ours, Stage

LONG = 120
"""Seconds: longer than either client waits for anything."""


def an_update_that_raises_stops_every_subscription(stage: Stage) -> bool:
    """The call fails, and its optimistic update is tried again with each later transition."""
    stage.see("a")
    stage.mutate("t0", "raises")
    assert stage.settled == {"t0": "a mistake"}
    stage.server.append("a", "x")
    stage.wait(LONG)
    assert stage.server.runs == []
    return stage.shown["a"] != ["x"]


def a_transition_that_is_lost_freezes_the_page(stage: Stage) -> bool:
    """Those after it don't begin where the client is, and it takes none of them; a new connection would help."""
    stage.see("a")
    stage.server.append("a", "x")
    stage.server.transit(stage.socket)
    stage.socket.down.clear()
    stage.server.append("a", "y")
    stage.wait(LONG)
    stage.server.append("a", "z")
    stage.wait(LONG)
    return stage.shown["a"] != ["x", "y", "z"]


def a_frame_that_is_unknown_is_lost(stage: Stage) -> bool:
    """Nobody notices that the server speaks of what the client doesn't know."""
    stage.see("a")
    stage.server.say(stage.socket, type="Surprise")
    stage.wait(LONG)
    return len(stage.sockets) == 1


def half_a_frame_is_as_good_as_the_whole(stage: Stage) -> bool:
    """Nobody asks for the rest."""
    stage.see("a")
    stage.server.append("a", "x")
    stage.server.transit(stage.socket)
    text = stage.socket.down.pop()
    stage.do("received", stage.socket.number, text[: len(text) // 2])
    stage.wait(LONG)
    return stage.shown["a"] != ["x"]


def a_fatal_error_leaves_mutations_pending(stage: Stage) -> bool:
    """For ever, and those that are made later too."""
    stage.mutate("t0")
    stage.socket.up.clear()
    stage.server.say(stage.socket, type="FatalError", error="The client is to blame.")
    stage.run()
    stage.mutate("t1")
    stage.wait(LONG)
    assert len(stage.sockets) == 1
    return "t0" not in stage.settled or "t1" not in stage.settled


def an_answer_without_log_lines_leaves_its_mutation_pending(stage: Stage) -> bool:
    """Until another connection, if ever."""
    stage.spoil = lambda frame: frame.pop("logLines", None)
    stage.mutate("t0")
    stage.run()
    stage.wait(LONG)
    return "t0" not in stage.settled


def a_query_that_is_wanted_again_is_empty(stage: Stage) -> bool:
    """It was given up with its last subscription, and another part of the page subscribes a moment later."""
    stage.server.append("a", "x")
    stage.see("a")
    stage.do("unsubscribe", "a")
    stage.run()
    del stage.shown["a"]
    stage.subscribe("a")
    return "a" not in stage.shown


def a_silent_server_is_believed_for_a_minute(stage: Stage) -> bool:
    """One says something every 15 s, and nothing has come from this one."""
    stage.see("a")
    stage.is_dead = True
    return stage.wait(LONG, lambda: len(stage.sockets) > 1) > 32


def a_dead_socket_outlives(stage: Stage, event: str) -> bool:
    """The page was asleep, and comes back: with a socket that looks open and isn't."""
    stage.see("a")
    stage.is_dead = True
    stage.do("wake", event)
    return stage.wait(LONG, lambda: len(stage.sockets) > 1) > 7


def a_reconnect_sleeps_through(stage: Stage, event: str) -> bool:
    """The page comes back while the client waits for its next attempt."""
    stage.see("a")
    stage.is_dead = True
    for attempt in range(8):
        stage.lose()
        stage.wait(LONG, lambda attempt=attempt: len(stage.sockets) > attempt + 1)
    stage.lose()
    before = len(stage.sockets)
    stage.do("wake", event)
    return len(stage.sockets) == before


class AtEvent(Protocol):
    """A weakness that shows at an event of the page."""

    __name__: str

    def __call__(self, stage: Stage, event: str) -> bool: ...


def on(event: str, weakness: AtEvent) -> Any:
    return pytest.param(partial(weakness, event=event), id=f"{weakness.__name__}_{event}")


EVENTS = ("visibilitychange", "pageshow", "resume")
WEAKNESSES = [
    *(
        pytest.param(each, id=each.__name__)
        for each in (
            an_update_that_raises_stops_every_subscription,
            a_transition_that_is_lost_freezes_the_page,
            a_frame_that_is_unknown_is_lost,
            half_a_frame_is_as_good_as_the_whole,
            a_fatal_error_leaves_mutations_pending,
            an_answer_without_log_lines_leaves_its_mutation_pending,
            a_query_that_is_wanted_again_is_empty,
            a_silent_server_is_believed_for_a_minute,
        )
    ),
    *(on(event, a_dead_socket_outlives) for event in ("online", *EVENTS)),
    *(on(event, a_reconnect_sleeps_through) for event in EVENTS),
]


@pytest.fixture
def npm() -> Iterator[Stage]:
    client = Npm()
    yield Stage(client)
    client.close()


@pytest.mark.parametrize("weakness", WEAKNESSES)
def test_ours_has_it_not(weakness: Callable[[Stage], bool]) -> None:
    """And raises nothing."""
    stage = Stage(Ours())
    assert not weakness(stage)
    assert stage.thrown == []


@pytest.mark.parametrize("weakness", WEAKNESSES)
def test_that_of_npm_has_it(npm: Stage, weakness: Callable[[Stage], bool]) -> None:
    """Or the weakness is none, and the stage is wrong."""
    assert weakness(npm)


def test_the_stage_is_good_to_both(npm: Stage) -> None:
    """Both clients do what they should, as long as nothing goes wrong; and both know `online`."""
    for stage in (npm, Stage(Ours())):
        stage.see("a")
        stage.mutate("t0", "adds")
        assert stage.shown == {"a": ["t0"]}
        assert stage.settled == {}
        stage.run()
        assert stage.settled == {"t0": "t0"}
        stage.server.append("a", "x")
        stage.run()
        assert stage.shown == {"a": ["t0", "x"]}
        assert not a_reconnect_sleeps_through(stage, "online")
        stage.is_dead = False
        stage.mutate("t1")
        stage.wait(LONG)
        assert stage.settled == {"t0": "t0", "t1": "t1"}
        assert stage.server.runs == ["t0", "t1"]
        assert stage.thrown == []
