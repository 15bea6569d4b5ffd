"""The engine by example; test_engine_model.py has the rest, test_weaknesses.py what Convex's own client can't."""

import json
from typing import Any

import pytest

from client.sync_server import stamp, version
from pillion.calls import Call
from pillion.effects import (
    AuthChanged,
    CloseSocket,
    Ended,
    FetchToken,
    Logged,
    OpenSocket,
    SendText,
    Settled,
    Shown,
    UpdateFailed,
)
from pillion.engine import Engine
from pillion.link import CLOSED, OPEN, WAITING
from pillion.optimistic import LocalStore
from pillion_shared import FunctionError, TransportError

CLIENT = "11111111-1111-4111-8111-111111111111"


class Page:
    """An engine, its socket, and what it has wanted last."""

    def __init__(self, *, connects: bool = True) -> None:
        self.engine = Engine(CLIENT, lambda: 0.5, lambda: 0)
        self.effects: list[Any] = []
        self.socket = 0
        self.version = version()
        self.engine.start(0.0)
        self.take()
        if connects:
            self.open()

    def take(self) -> list[Any]:
        """The frames that are sent."""
        self.effects = self.engine.take()
        opened = self.of(OpenSocket)
        if opened:
            self.socket, self.version = opened[-1].socket, version()
        return [json.loads(effect.text) for effect in self.of(SendText)]

    def of(self, kind: type[Any]) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def open(self, now: float = 0.0) -> list[Any]:
        self.engine.opened(self.socket, now)
        return self.take()

    def lose(self, reason: str = "") -> None:
        """The connection is lost, and made again."""
        self.engine.closed(self.socket, reason, 0.0)
        self.take()
        lost = self.effects
        self.engine.wake(0.0)
        self.take()
        self.effects = lost

    def say(self, kind: str, **fields: Any) -> list[Any]:
        self.engine.received(self.socket, json.dumps({"type": kind} | fields), 0.0)
        return self.take()

    def transit(self, ts: int, *changes: Any, query_set: int = 1, identity: int = 0) -> list[Any]:
        start, self.version = self.version, version(query_set, identity, ts)
        return self.say("Transition", startVersion=start, endVersion=self.version, modifications=changes)

    def respond(self, call: Call, ts: int, result: Any = None) -> list[Any]:
        return self.say("MutationResponse", requestId=call.id, success=True, result=result, ts=stamp(ts))

    def settled(self) -> list[tuple[Call, Any]]:
        return [(each.call, each.result.error or each.result.value) for each in self.of(Settled)]


def updated(number: int, value: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "QueryUpdated", "queryId": number, "value": value, "journal": None, "logLines": []} | fields


def fails(_store: LocalStore) -> None:
    raise ValueError("a mistake")


def test_the_order_of_a_connection() -> None:
    """Connect, the whole query set, what is owed; an empty set is sent as well."""
    page = Page(connects=False)
    assert page.engine.due() == 30.0
    sent = page.open()
    assert [frame["type"] for frame in sent] == ["Connect", "ModifyQuerySet"]
    assert sent[0]["sessionId"] == CLIENT
    page = Page(connects=False)
    page.engine.mutation("a:b", {}, 0.0)
    page.engine.subscribe("a:c", {})
    page.engine.action("a:d", {}, 0.0)
    assert [frame["type"] for frame in page.open()] == ["Connect", "ModifyQuerySet", "Mutation", "Action"]


def test_queries_of_one_moment_are_shown_together() -> None:
    """One effect for all; a failure belongs to its query; equal results are no news; log lines are handed out."""
    page = Page()
    one, other = page.engine.subscribe("a:b", {}), page.engine.subscribe("a:c", {})
    page.take()
    failed = {"type": "QueryFailed", "queryId": 1, "errorMessage": "no", "logLines": ["[LOG] 'x'"]}
    page.transit(1, updated(0, 1), failed, query_set=2)
    assert [shown.subscriptions for shown in page.of(Shown)] == [[one, other]]
    assert one.result is not None
    assert other.result is not None
    assert one.result.value == 1
    assert isinstance(other.result.error, FunctionError)
    assert [(each.path, each.lines) for each in page.of(Logged)] == [("a:c", ("[LOG] 'x'",))]
    page.transit(2, updated(0, 1), query_set=2)
    assert page.of(Shown) == []


def test_a_mutation_ends_with_its_effect() -> None:
    """Not with its answer, nor with an earlier transition; and at once if the answer comes after the effect."""
    page = Page()
    call = page.engine.mutation("a:b", {}, 0.0)
    page.take()
    page.respond(call, 5, 7.0)
    assert page.settled() == []
    page.transit(4)
    assert page.settled() == []
    page.transit(5)
    assert page.settled() == [(call, 7)]
    late = page.engine.mutation("a:b", {}, 0.0)
    page.take()
    page.transit(6)
    page.respond(late, 6, 8.0)
    assert page.settled() == [(late, 8)]


def test_an_action_is_not_sent_twice() -> None:
    """Its caller is told; one that was not sent is sent."""
    page = Page()
    sent = page.engine.action("a:b", {}, 0.0)
    page.take()
    unsent = page.engine.action("a:b", {}, 0.0)
    page.engine.closed(page.socket, "", 0.0)
    page.take()
    assert [call for call, _ in page.settled()] == [sent]
    assert "it may have run or not" in str(page.settled()[0][1])
    page.engine.wake(0.0)
    page.take()
    assert [frame["requestId"] for frame in page.open()[2:]] == [unsent.id]
    page.say("ActionResponse", requestId=unsent.id, success=True, result=1.0)
    assert page.settled() == [(unsent, 1)]


def test_an_optimistic_update_is_shown_until_the_effect_is() -> None:
    """Or until the mutation fails."""
    page = Page()
    cart = page.engine.subscribe("a:b", {})
    page.take()
    page.transit(1, updated(0, 1), query_set=2)

    def add(store: LocalStore) -> None:
        value: Any = store.get("a:b")
        store.set("a:b", value + 10)

    def value() -> Any:
        return cart.result and cart.result.value

    good, bad = (page.engine.mutation(path, {}, 0.0, add) for path in ("a:good", "a:bad"))
    assert value() == 21
    page.take()
    page.say("MutationResponse", requestId=bad.id, success=False, result="no")
    assert value() == 11
    page.respond(good, 2)
    assert value() == 11
    page.transit(2, updated(0, 12), query_set=2)
    assert value() == 12
    unsent = page.engine.mutation("a:b", {}, 0.0, add)
    assert value() == 22
    assert page.engine.give_up(unsent)
    assert value() == 12
    assert page.take() == []


def test_an_update_that_raises_harms_only_its_own_mutation() -> None:
    """At the call nothing is sent, and later only the update goes."""
    page = Page()
    cart = page.engine.subscribe("a:b", {})
    page.take()
    with pytest.raises(ValueError, match="a mistake"):
        page.engine.mutation("a:c", {}, 0.0, fails)
    assert page.take() == []
    page.transit(1, updated(0, 1), query_set=2)

    def once(store: LocalStore) -> None:
        if store.get("a:b") != 1:
            raise ValueError("a mistake")

    call = page.engine.mutation("a:c", {}, 0.0, once)
    page.take()
    page.transit(2, updated(0, 2), query_set=2)
    assert [each.call_id for each in page.of(UpdateFailed)] == [call.id]
    assert cart.result is not None
    assert cart.result.value == 2
    page.respond(call, 3)
    page.transit(3, query_set=2)
    assert [each for each, _ in page.settled()] == [call]


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "Transition", "startVersion": version(0, 0, 7), "endVersion": version(1, 0, 8), "modifications": []},
        {"type": "Transition", "startVersion": version(1, 0, 5), "endVersion": version(1, 0, 4), "modifications": []},
        {"type": "Transition", "startVersion": version(1, 0, 5), "endVersion": version(9, 0, 6), "modifications": []},
        {"type": "Transition", "startVersion": version(1, 0, 5), "endVersion": version(1, 1, 6), "modifications": []},
        {"type": "Surprise"},
        {"type": "MutationResponse"},
    ],
)
def test_a_bad_frame_ends_its_connection(frame: dict[str, Any]) -> None:
    """It leads to a new connection."""
    page = Page()
    page.transit(5)
    page.say(**{"kind": frame["type"]} | {name: each for name, each in frame.items() if name != "type"})
    assert [each.reason for each in page.of(CloseSocket)] == ["BadFrame"]
    assert page.engine.link.state == WAITING
    due = page.engine.due()
    assert due is not None
    page.engine.tick(due)
    page.take()
    assert page.open()[0]["lastCloseReason"] == "BadFrame"


def test_a_connection_that_would_go_back_in_time() -> None:
    """It is not shown."""
    page = Page()
    page.transit(5)
    page.lose()
    page.open()
    page.transit(4)
    assert page.of(CloseSocket)


def test_a_fatal_error_ends_every_call() -> None:
    """All calls end, those of later too; no ID that is in the message is repeated."""
    page = Page()
    calls = [page.engine.mutation("a:b", {}, 0.0, lambda store: None), page.engine.action("a:b", {}, 0.0)]
    page.take()
    page.say("FatalError", error=f"who is {CLIENT}")
    assert [call for call, _ in page.settled()] == calls
    assert all(isinstance(error, TransportError) for _, error in page.settled())
    assert CLIENT not in str(page.settled()[0][1])
    assert [each.error for each in page.of(Ended)] == [page.engine.error]
    assert page.engine.link.state == CLOSED
    late = page.engine.mutation("a:b", {}, 0.0, lambda store: store.set("a:c", 1))
    page.take()
    assert [call for call, _ in page.settled()] == [late]
    page.engine.close()
    page.engine.wake(0.0)
    page.engine.start(0.0)
    assert page.take() == []
    assert page.effects == []
    assert page.engine.due() is None


def test_a_silent_server_is_left() -> None:
    """A silent server is left after half a minute; a page that is in use again looks at once."""
    page = Page()
    page.transit(1)
    assert page.engine.due() == 30.0
    page.engine.wake(10.0)
    assert [frame["type"] for frame in page.take()] == ["ModifyQuerySet"]
    assert page.engine.due() == 15.0
    page.engine.tick(15.0)
    page.take()
    assert [each.reason for each in page.of(CloseSocket)] == ["InactiveServer"]
    page.engine.wake(15.0)
    page.take()
    assert page.of(OpenSocket)
    page.engine.tick(45.0)
    page.take()
    assert page.of(CloseSocket)  # it never opened
    page.engine.closed(page.socket, "", 46.0)
    assert page.engine.link.state == WAITING


def test_the_wait_is_short_again_once_nothing_is_owed() -> None:
    """A mutation that brings the server down each time is not sent ten times a second."""
    page = Page()
    call = page.engine.mutation("a:b", {}, 0.0)
    page.take()
    for failures in (1, 2, 3):
        page.lose()
        page.open()
        page.transit(1)
        assert page.engine.link.backoff.failures == failures
    page.respond(call, 2)
    page.transit(2)
    assert page.engine.link.backoff.failures == 0


def test_a_refresh_keeps_what_is_shown() -> None:
    """A log-out doesn't; whoever looks is told at once."""
    page = Page()
    cart = page.engine.subscribe("a:b", {"sessionId": "old"})
    page.take()
    page.transit(1, updated(0, 1), query_set=2)
    page.engine.move([(cart, "a:b", {"sessionId": "new"})], True)
    assert [[each["type"] for each in frame["modifications"]] for frame in page.take()] == [["Remove", "Add"]]
    assert page.of(Shown) == []
    assert cart.is_stale
    page.transit(2, {"type": "QueryRemoved", "queryId": 0}, updated(1, 2), query_set=3)
    assert [each.subscriptions for each in page.of(Shown)] == [[cart]]
    page.engine.move([(cart, "a:b", {"sessionId": "newer"})], False)
    page.take()
    assert [each.subscriptions for each in page.of(Shown)] == [[cart]]
    assert cart.result is None


def test_a_user_logs_in() -> None:
    """Nothing is sent until the token is there; the transition that raises the identity confirms it."""
    page = Page(connects=False)
    page.engine.set_auth(0.0)
    assert page.open() == []
    asked = page.of(FetchToken)[0]
    page.engine.wake(0.0)
    assert page.take() == []
    page.engine.token_fetched(asked.number, "t", 0.0)
    assert [frame["type"] for frame in page.take()] == ["Connect", "Authenticate", "ModifyQuerySet"]
    page.transit(1, identity=1)
    assert [each.is_authenticated for each in page.of(AuthChanged)] == [True]
    page.say("AuthError", error="late", baseVersion=1, authUpdateAttempted=False)
    assert [each.reason for each in page.of(CloseSocket)] == ["AuthError"]
    page.engine.wake(0.0)
    asked = page.of(FetchToken)[0]
    assert asked.is_fresh
    page.take()
    assert page.open() == []
    page.engine.token_fetched(asked.number, "u", 0.0)
    assert [frame.get("value") for frame in page.take()][1] == "u"
    page.engine.clear_auth()
    assert [frame["tokenType"] for frame in page.take()] == ["None"]


def test_a_query_is_dropped_after_its_grace() -> None:
    page = Page()
    cart = page.engine.subscribe("a:b", {})
    page.take()
    page.engine.unsubscribe(cart, 1.0)
    assert page.engine.due() == 6.0
    page.engine.tick(6.0)
    assert [frame["modifications"] for frame in page.take()] == [[{"type": "Remove", "queryId": 0}]]
    assert page.engine.link.state == OPEN


def test_what_somebody_gave_up_is_told_to_nobody() -> None:
    """It has been sent, and is carried to its end."""
    page = Page()
    call = page.engine.mutation("a:b", {}, 0.0)
    page.take()
    assert not page.engine.give_up(call)
    page.lose()
    assert [frame["requestId"] for frame in page.open()[2:]] == [call.id]
    page.respond(call, 1)
    page.transit(1)
    assert page.settled() == []
    assert page.engine.calls.oldest() is None


def test_closing() -> None:
    """Ends what waits."""
    page = Page()
    call = page.engine.mutation("a:b", {}, 0.0)
    page.engine.close()
    page.engine.close()
    page.take()
    assert [each for each, _ in page.settled()] == [call]
    assert len(page.of(Ended)) == len(page.of(CloseSocket)) == 1
