"""The engine against a server of wire.md, over connections to which everything happens that happens to connections.

PILLION_EXAMPLES=5000 in the environment tries many more ways than the few of every day.
"""

import json
import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from client.sync_server import Socket, SyncServer
from pillion.calls import Call, Calls
from pillion.effects import CloseSocket, OpenSocket, SendText, Settled, UpdateFailed
from pillion.engine import Engine
from pillion.link import OPEN, Link
from pillion.optimistic import LocalStore, OptimisticUpdates
from pillion.query_set import Query, QuerySet, Subscription
from pillion_shared import TransportError, frames

KEYS = st.sampled_from("abc")
PICKS = st.integers(0, 7)
CLIENT = "11111111-1111-4111-8111-111111111111"


class Made:
    """A call, and what the test knows of it."""

    def __init__(self, call: Call, key: str, tag: str, kind: str, session: int, is_optimistic: bool) -> None:
        self.call = call
        self.session = session
        self.key = key
        self.tag = tag
        self.kind = kind
        self.is_optimistic = is_optimistic
        self.is_settled = False
        self.never_ran = False
        self.is_given_up = False
        self.error: Exception | None = None


class Sync(RuleBasedStateMachine):
    """The page, the network and the server."""

    engine_type: type[Engine] = Engine

    @initialize(seed=st.integers(0, 2**32), chunk=st.sampled_from([0, 0, 50]))
    def begin(self, seed: int, chunk: int) -> None:
        self.server = SyncServer()
        self.server.chunk = chunk
        self.now = 0.0
        self.engine = self.engine_type(CLIENT, random.Random(seed).random, lambda: int(self.now * 1000), 2.0)
        self.sockets: list[Socket] = []
        self.calls: dict[int, Made] = {}
        self.subscriptions: list[Subscription] = []
        self.session, self.number, self.shown_at = 0, 0, SyncServer.FIRST
        self.engine.start(self.now)
        self.apply()

    # --- what the engine wants ---

    def apply(self) -> None:
        for effect in self.engine.take():
            if isinstance(effect, OpenSocket):
                self.sockets.append(Socket(effect.socket))
            elif isinstance(effect, CloseSocket):
                self.socket(effect.socket).is_cut = True
            elif isinstance(effect, SendText):
                assert self.engine.link.state == OPEN
                self.socket(effect.socket).up.append(effect.text)
            elif isinstance(effect, Settled):
                self.settle(effect)
            elif isinstance(effect, UpdateFailed):
                raise effect.error
        self.check()

    def socket(self, number: int) -> Socket:
        return next(each for each in self.sockets if each.number == number)

    def settle(self, effect: Settled) -> None:
        made = self.calls[effect.call.id]
        assert not made.is_settled, "settled twice"
        assert not made.is_given_up, "told nobody"
        made.is_settled, made.error = True, effect.result.error
        if made.kind == "append":
            assert made.error is None
            assert effect.result.value == made.tag, "the answer of another call"
            for each in self.shown():
                if each.query is not None and f'"{made.key}"' in each.query.key and not each.is_stale:
                    assert each.result is not None
                    value: Any = each.result.value
                    assert made.tag in value["items"], "settled before its effect is shown"
        elif made.kind == "fail":
            assert str(made.error) == "refused"
        elif made.error is not None:
            assert isinstance(made.error, TransportError)
            assert made.call.is_sent, "an action that was not sent can be sent"

    def shown(self) -> list[Subscription]:
        return [each for each in self.subscriptions if each.result is not None]

    def check(self) -> None:
        """All that is shown is of one moment, which is never an earlier one, with the optimistic updates over it."""
        live = [each for each in self.shown() if not each.is_stale]
        based = {each.query.id: each.query for each in live if each.query is not None and each.query.base is not None}
        for moment in range(self.shown_at, self.server.now + 1):
            snapshot = self.server.history[moment - SyncServer.FIRST]
            if all(query.base.value == self.server.value(query.args, snapshot) for query in based.values()):
                self.shown_at = moment
                break
        else:
            raise AssertionError(f"what is shown is of no one moment since {self.shown_at}")
        for query in based.values():
            guessed = [
                made.tag
                for made in self.calls.values()
                if made.is_optimistic
                and not made.is_settled
                and not made.never_ran
                and not made.is_given_up
                and query.args == {"session": float(made.session), "key": made.key}
            ]
            wanted = list(query.base.value["items"]) + guessed
            if not any(made.is_given_up for made in self.calls.values()):
                assert query.shown.value["items"] == wanted, "not the server's value with the updates over it"

    # --- the page ---

    def args(self, key: str) -> dict[str, object]:
        return {"key": key, "session": float(self.session)}

    @rule(key=KEYS)
    def subscribe(self, key: str) -> None:
        self.subscriptions.append(self.engine.subscribe("doc:get", self.args(key)))
        self.apply()

    @rule(pick=PICKS)
    def unsubscribe(self, pick: int) -> None:
        if self.subscriptions:
            self.engine.unsubscribe(self.subscriptions.pop(pick % len(self.subscriptions)), self.now)
            self.apply()

    @rule()
    def refresh(self) -> None:
        """The session has another ID; its last values stay until there are new ones."""
        self.session += 1
        before = {id(each): each.result for each in self.subscriptions}
        moves = []
        for each in self.subscriptions:
            assert each.query is not None
            moves.append((each, "doc:get", self.args(str(each.query.args["key"]))))
        self.engine.move(moves, True)
        assert all(before[id(each)] is None or each.result is not None for each in self.subscriptions)
        self.apply()

    @rule(key=KEYS, kind=st.sampled_from(["append", "append", "append", "fail", "act"]), optimistic=st.booleans())
    def call(self, key: str, kind: str, optimistic: bool) -> None:
        self.number += 1
        tag = f"t{self.number}"
        args: dict[str, object] = {"key": key, "tag": tag}
        session, optimistic = self.session, optimistic and kind != "act"

        def update(store: LocalStore) -> None:
            value: Any = store.get("doc:get", key=key, session=session)
            if value:
                value["items"].append(tag)
                store.set("doc:get", value, key=key, session=session)

        if kind == "act":
            call = self.engine.action("doc:act", args, self.now)
        else:
            call = self.engine.mutation(f"doc:{kind}", args, self.now, update if optimistic else None)
        self.calls[call.id] = Made(call, key, tag, kind, session, optimistic)
        self.apply()

    @rule(pick=PICKS)
    def give_up(self, pick: int) -> None:
        open_calls = [made for made in self.calls.values() if not made.is_settled and not made.is_given_up]
        if len(open_calls) > 3:
            made = open_calls[pick % len(open_calls)]
            made.is_given_up = True
            made.never_ran = self.engine.give_up(made.call)
            self.apply()

    @rule()
    def wake(self) -> None:
        self.engine.wake(self.now)
        self.apply()

    # --- the network ---

    @rule(pick=PICKS)
    def open(self, pick: int) -> None:
        """A socket is open, also one that nobody waits for any more."""
        if self.sockets:
            self.engine.opened(self.sockets[-1 - pick % min(2, len(self.sockets))].number, self.now)
            self.apply()

    @rule(pick=PICKS, count=st.integers(1, 5))
    def go_up(self, pick: int, count: int) -> None:
        """Frames reach the server, also those of sockets that the client has given up."""
        for socket in self.picked(pick):
            for _ in range(min(count, len(socket.up))):
                self.server.receive(socket, socket.up.pop(0))

    @rule(pick=PICKS, count=st.integers(1, 5))
    def go_down(self, pick: int, count: int) -> None:
        """Frames reach the client, also those of sockets that it has given up."""
        for socket in self.picked(pick):
            for _ in range(min(count, len(socket.down))):
                self.receive(socket)

    @rule(up=st.sampled_from([1, 99, 99]), lag=st.sampled_from([0, 0, 1]), kept=st.sampled_from([0, 0, 1]))
    def go_well(self, up: int, lag: int, kept: int) -> None:
        """For once everything arrives, or nearly."""
        if not self.sockets:
            return
        socket = self.sockets[-1]
        self.engine.opened(socket.number, self.now)
        self.apply()
        for _ in range(min(up, len(socket.up))):
            self.server.receive(socket, socket.up.pop(0))
        if socket.client:
            self.server.transit(socket, even_if_empty=True, lag=lag)
        while len(socket.down) > kept:
            self.receive(socket)

    def receive(self, socket: Socket) -> None:
        """A frame reaches the client; one of a socket of the past makes no difference."""
        link = self.engine.link
        before = (link.state, link.socket)
        self.engine.received(socket.number, socket.down.pop(0), self.now)
        if socket is not self.sockets[-1]:
            assert self.engine.take() == []
            assert (link.state, link.socket) == before
        self.apply()

    def picked(self, pick: int) -> list[Socket]:
        return self.sockets[-1 - pick % min(3, len(self.sockets)) :][:1] if self.sockets else []

    @rule(lost=st.integers(0, 3))
    def cut(self, lost: int) -> None:
        """The connection is lost, with some of what was on its way up."""
        if self.sockets:
            socket = self.sockets[-1]
            socket.is_cut = True
            del socket.up[max(0, len(socket.up) - lost) :]
            self.engine.closed(socket.number, "", self.now)
            self.apply()

    @rule()
    def come_back(self) -> None:
        """The connection is lost and there again at once."""
        self.cut(0)
        self.engine.wake(self.now)
        self.apply()
        self.open(0)

    @rule(how=st.sampled_from(["short", "twice", "unknown", "rubbish"]))
    def spoil(self, how: str) -> None:
        """A frame arrives as it should not."""
        if self.sockets and self.sockets[-1].down:
            down = self.sockets[-1].down
            if how == "short":
                down[0] = down[0][: len(down[0]) // 2]
            elif how == "twice":
                down.insert(0, down[0])
            else:
                down.insert(0, '{"type": "Surprise"}' if how == "unknown" else "[" * 50)

    @rule(pick=PICKS, even_if_empty=st.booleans(), lag=st.integers(0, 2))
    def transit(self, pick: int, even_if_empty: bool, lag: int) -> None:
        for socket in self.picked(pick):
            if socket.client:
                self.server.transit(socket, even_if_empty=even_if_empty, lag=lag)

    @rule(key=KEYS)
    def somebody_else(self, key: str) -> None:
        self.number += 1
        self.server.append(key, f"o{self.number}")

    @rule(seconds=st.sampled_from([0.05, 0.3, 2.5, 20.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        due = self.engine.due()
        if due is not None and due <= self.now:
            self.engine.tick(self.now)
            self.apply()

    # --- the end ---

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.come_to_rest()
            self.all_is_well()

    def come_to_rest(self) -> None:
        """The network is good again."""
        for _ in range(300):
            for socket in self.sockets:
                while socket.up:
                    self.server.receive(socket, socket.up.pop(0))
            socket = self.sockets[-1]
            self.engine.opened(socket.number, self.now)
            self.apply()
            while socket.up:
                self.server.receive(socket, socket.up.pop(0))
            if socket.client:
                self.server.transit(socket)
                self.server.say(socket, type="Ping")
            while socket.down:
                self.receive(socket)
            waits = any(not made.is_settled and not made.is_given_up for made in self.calls.values())
            socket = self.sockets[-1]
            is_quiet = self.engine.link.state == OPEN and not socket.up and not socket.down
            if is_quiet and not waits and self.is_up_to_date():
                return
            due = self.engine.due()
            if due is not None:
                self.now = max(self.now, min(due, self.now + 10))
                self.engine.tick(self.now)
                self.apply()
        raise AssertionError("it never comes to rest")

    def is_up_to_date(self) -> bool:
        for each in self.subscriptions:
            assert each.query is not None
            wanted = self.server.value(each.query.args, self.server.history[-1])
            base = each.query.base
            if base is None or base.value != wanted:
                return False
        return True

    def all_is_well(self) -> None:
        """Nothing lost, doubled or reordered."""
        mine = [made for made in self.calls.values() if made.kind == "append" and not made.never_ran]
        sure = [made.tag for made in mine if not made.is_given_up]
        assert [tag for tag in self.server.runs if tag in sure] == sure, "lost, doubled or reordered"
        assert len(set(self.server.runs)) == len(self.server.runs), "doubled"
        never = {made.tag for made in self.calls.values() if made.never_ran}
        assert not never & set(self.server.runs + self.server.acted), "it ran, though its caller knows otherwise"
        assert len(set(self.server.acted)) == len(self.server.acted), "an action that ran twice"
        for made in self.calls.values():
            if made.kind == "act" and made.is_settled and made.error is None:
                assert made.tag in self.server.acted
        counts = self.server.connections.get(CLIENT, [])
        assert len(set(counts)) == len(counts)


EXAMPLES = int(os.environ.get("PILLION_EXAMPLES", "100"))
SETTINGS = settings(
    max_examples=EXAMPLES, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
Sync.TestCase.settings = SETTINGS
TestSync = Sync.TestCase


# --- engines with one fault each, which the same test finds ---


class NewIds(Calls):
    """Sends a mutation again as if it were another one."""

    def restart(self) -> list[Call]:
        lost = super().restart()
        for call in self._due:
            if call.is_sent and call.result is None:
                del self._calls[call.id]
                call.id, self.next_id = self.next_id, self.next_id + 1
                call.text = frames.request(call.kind, call.id, *self.said(call))
                self._calls[call.id] = call
        return lost

    @staticmethod
    def said(call: Call) -> tuple[str, dict[str, object]]:
        frame = json.loads(call.text)
        return frame["udfPath"], frame["args"][0]


class Forgetful(Calls):
    """Sends no mutation again."""

    def restart(self) -> list[Call]:
        lost = super().restart()
        self._due = [call for call in self._due if not call.is_sent]
        return lost


class LastFirst(Calls):
    """Sends them in another order."""

    def restart(self) -> list[Call]:
        lost = super().restart()
        self._due.reverse()
        return lost


class Twice(Calls):
    """Sends actions again."""

    def restart(self) -> list[Call]:
        self._due = list(self._calls.values())
        return []


class AtOnce(Calls):
    """Ends a mutation with its answer, not with its effect."""

    def respond(self, response: Any, timestamp: int | None) -> Call | None:
        return super().respond(response, None)


class AtAnyTransition(Calls):
    """Ends it with the next transition, whatever that shows."""

    def show(self, timestamp: int) -> list[Call]:
        return super().show(2**63)


class OneByOne(QuerySet):
    """Shows the queries of a transition one after the other."""

    def show(self) -> list[Query]:
        news, self._news = self._news[:1], self._news[1:]
        for query in news:
            query.base = query.answer
        return news


class Hasty(QuerySet):
    """Shows a new connection before it has answered what was shown before."""

    def is_complete(self) -> bool:
        return True


class Graceless(QuerySet):
    """Forgets what was asked for, when the connection is lost."""

    def restart(self) -> None:
        super().restart()
        self._added = self._added[1:]


class Credulous(Link):
    """Listens to sockets of the past."""

    def heard(self, socket: int, now: float) -> bool:
        return self.state == OPEN


class Sticky(OptimisticUpdates):
    """Keeps the updates of mutations that have ended."""

    def drop(self, call_id: int) -> None:
        pass


def with_part(name: str, make: Any) -> type[Engine]:
    """An engine of which one part is another."""

    class Broken(Engine):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            setattr(self, name, make(self))
            self._updates = make(self) if name == "_updates" else OptimisticUpdates(self.queries)

    return Broken


class TakesWhatIsBad(Engine):
    """Passes over bad frames."""

    def _drop(self, reason: str, now: float) -> None:
        if reason != "BadFrame":
            super()._drop(reason, now)


class Anonymous(Engine):
    """Is another client on every connection."""

    def _send_what_is_due(self) -> None:
        self.client_id = f"{CLIENT}-{self._connections}"
        super()._send_what_is_due()


FAULTS = {
    "new ids": with_part("calls", lambda _: NewIds()),
    "forgetful": with_part("calls", lambda _: Forgetful()),
    "last first": with_part("calls", lambda _: LastFirst()),
    "actions twice": with_part("calls", lambda _: Twice()),
    "at once": with_part("calls", lambda _: AtOnce()),
    "at any transition": with_part("calls", lambda _: AtAnyTransition()),
    "one by one": with_part("queries", lambda _: OneByOne(2.0)),
    "graceless": with_part("queries", lambda _: Graceless(2.0)),
    "credulous": with_part("link", lambda _: Credulous(lambda: 0.5)),
    "sticky": with_part("_updates", lambda engine: Sticky(engine.queries)),
    "anonymous": Anonymous,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_engine_is_found(fault: str) -> None:
    """Each of the faults that the properties are there for."""

    class Tried(Sync):
        engine_type = FAULTS[fault]

    few = settings(SETTINGS, max_examples=1000, phases=[Phase.generate], derandomize=True, database=None)
    with pytest.raises((AssertionError, ExceptionGroup)) as found:
        run_state_machine_as_test(Tried, settings=few)
    faults = found.value.exceptions if isinstance(found.value, ExceptionGroup) else [found.value]
    assert all(isinstance(each, AssertionError) for each in faults)


def half_answered(page: Sync) -> None:
    """The next connection says something before it has answered what was shown on the last one."""
    page.subscribe("a")
    page.go_well(99, 0, 0)
    page.call("a", "append", False)
    page.go_well(99, 0, 1)
    page.come_back()
    page.go_well(1, 0, 0)


def cut_short(page: Sync) -> None:
    """An answer arrives in part."""
    page.subscribe("a")
    page.go_well(99, 0, 0)
    page.call("a", "append", False)
    page.go_up(0, 5)
    page.spoil("short")


@pytest.mark.parametrize(
    ("history", "broken"),
    [(half_answered, with_part("queries", lambda _: Hasty(2.0))), (cut_short, TakesWhatIsBad)],
)
def test_a_broken_engine_is_found_by_a_rare_history(history: Any, broken: type[Engine]) -> None:
    """One that chance seldom hits upon; the engine itself comes through."""

    class Tried(Sync):
        engine_type = broken

    for page in (Sync(), Tried()):
        page.begin(0, 0)
        if page.engine_type is Engine:
            run(page, history)
        else:
            with pytest.raises(AssertionError, match=r"before its effect|never comes to rest"):
                run(page, history)


def run(page: Sync, history: Any) -> None:
    history(page)
    page.teardown()
