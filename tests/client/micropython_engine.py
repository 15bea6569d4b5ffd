"""The sync engine on the real MicroPython: a page's life with asserts, frames in and frames out."""

import json

from pillion.effects import AuthChanged, FetchToken, OpenSocket, SendText, Settled, Shown
from pillion.engine import Engine
from pillion_shared import ABSENT
from pillion_shared.versions import Version, read_timestamp, write_timestamp
from pillion_shared.wire import arguments


class Page:
    """An engine, and what it has wanted."""

    def __init__(self):
        self.engine = Engine("11111111-1111-4111-8111-111111111111", lambda: 0.5, lambda: 1764000000000)
        self.engine.start(0.0)
        self.version = Version()
        self.take()

    def take(self):
        """The frames that are sent; everything else is kept in `effects`."""
        self.effects = self.engine.take()
        for effect in self.effects:
            if isinstance(effect, OpenSocket):
                self.socket = effect.socket
        return [json.loads(effect.text) for effect in self.effects if isinstance(effect, SendText)]

    def of(self, kind):
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def connect(self, now):
        self.version = Version()
        self.engine.opened(self.socket, now)
        return self.take()

    def say(self, now, **frame):
        self.engine.received(self.socket, json.dumps(frame), now)
        return self.take()

    def transit(self, now, query_set, timestamp, *values, identity=0):
        end = Version(query_set, identity, timestamp)
        start, self.version = self.version, end
        changes = [{"type": "QueryUpdated", "queryId": number, "value": value} for number, value in values]
        return self.say(
            now, type="Transition", startVersion=start.write(), endVersion=end.write(), modifications=changes
        )


def kinds(frames):
    return [frame["type"] for frame in frames]


def numbers():
    """Timestamps need all 64 bits, and arguments make the same key in any order."""
    for number in (0, 1, 2**53 + 1, 2**63 - 1, 2**64 - 1):
        assert read_timestamp(write_timestamp(number)) == number
    engine = Page().engine
    many = arguments({letter: {"n": [1, 2.5, None, "é"]} for letter in "zyxwvut"})
    turned = arguments({letter: {"n": [1, 2.5, None, "é"]} for letter in "tuvwxyz"})
    assert engine.subscribe("a:b", many).query is engine.subscribe("a:b", turned).query


def live():
    """Subscribed, changed by a mutation with an optimistic update, lost, and connected again."""
    page = Page()
    engine = page.engine
    cart = engine.subscribe("cart:get", {})
    assert kinds(page.connect(0.0)) == ["Connect", "ModifyQuerySet"]
    page.transit(0.1, 1, 100, (0, ["tea"]))
    assert cart.result.value == ["tea"]
    assert len(page.of(Shown)) == 1

    def update(store):
        assert store.get("cart:count") is ABSENT
        items = store.get("cart:get")
        items.append("mug")
        store.set("cart:get", items)

    call = engine.mutation("cart:add", arguments({"n": 3}), 0.2, update)
    assert kinds(page.take()) == ["Mutation"]
    assert cart.result.value == ["tea", "mug"]
    page.say(0.3, type="MutationResponse", requestId=0, success=True, result=9.0, ts=write_timestamp(101))
    assert page.of(Settled) == []

    action = engine.action("cart:pay", {}, 0.4)
    page.take()
    engine.closed(page.socket, "", 0.5)
    page.take()
    assert page.of(Settled)[0].call is action
    assert page.of(Settled)[0].result.error is not None
    engine.tick(engine.due())
    page.take()
    hello, add, again = page.connect(1.0)
    assert (hello["connectionCount"], hello["lastCloseReason"]) == (1, "ConnectionLost")
    assert read_timestamp(hello["maxObservedTimestamp"]) == 101
    assert add["modifications"][0]["udfPath"] == "cart:get"
    assert (again["type"], again["requestId"], again["args"]) == ("Mutation", 0, [{"n": 3.0}])
    assert cart.result.value == ["tea", "mug"]
    page.transit(1.1, 1, 102, (0, ["tea", "mug"]))
    assert page.of(Settled)[0].call is call
    assert page.of(Settled)[0].result.value == 9
    assert page.of(Shown) == []

    page.say(1.2, type="Surprise")
    assert engine.link.state == "waiting"


def order():
    """A hundred mutations, of which none was answered, are sent again in their order."""
    page = Page()
    for number in range(100):
        page.engine.mutation("a:b", {"n": float(number)}, 0.0)
    first = page.connect(0.0)[2:]
    page.engine.closed(page.socket, "", 1.0)
    page.engine.wake(1.0)
    page.take()
    assert page.connect(1.0)[2:] == first
    assert [frame["requestId"] for frame in first] == list(range(100))


def user():
    """A token is fetched before anything is sent."""
    page = Page()
    page.engine.set_auth(0.0)
    assert page.connect(0.0) == []
    assert page.of(FetchToken)[0].is_fresh is False
    page.engine.token_fetched(1, "x.eyJleHAiOiAxNzY0MDAwMTAwfQ.x", 0.0)
    assert kinds(page.take()) == ["Connect", "Authenticate", "ModifyQuerySet"]
    page.transit(0.1, 1, 100, identity=1)
    assert page.of(AuthChanged)[0].is_authenticated


numbers()
live()
order()
user()
print("the engine has run")
