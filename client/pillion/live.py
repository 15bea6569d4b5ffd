"""The live half of a client: runs the sync engine, with the sockets, the timer and the page's events that it needs."""

import asyncio

from pillion import _platform
from pillion._aio import spawn
from pillion.callbacks import complain
from pillion.connection import IDLE, Connection
from pillion.delivering import Deliveries
from pillion.effects import (
    AuthChanged,
    CloseSocket,
    Dropped,
    Ended,
    FetchToken,
    OpenSocket,
    SendText,
    Settled,
    Shown,
    UpdateFailed,
)
from pillion.engine import Engine
from pillion.outbox import Entry, Outbox
from pillion.sockets import check_address, open_socket
from pillion.subscribing import PENDING
from pillion.surroundings import here
from pillion.transport import located
from pillion.websocket import as_websocket
from pillion_shared import NotReadyError, frames, uuid4, wire
from pillion_shared.ids import quotable
from pillion_shared.server_frames import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from pillion.calls import Call
    from pillion.effects import Effect
    from pillion.optimistic import Update
    from pillion.outbox import OutboxStore
    from pillion.query_set import Subscription
    from pillion.sockets import Socket
    from pillion.subscribing import LiveQuery
    from pillion.tokens import Tokens
    from pillion_shared import PillionError

GRACE_SECONDS = 1.0
"""How long a query is kept after the last who shows it."""

HIDDEN = "PageHidden"

ENDED = "The session has ended before the mutation was sent, and so it never is."


LOGGED_OUT = "The user was logged out before this was sent, and so it never is."


class Live:
    """What keeps queries up to date, and carries calls while it does.

    url: that of the client. connection: what it tells how it goes. store: what keeps mutations, if they are kept.
    tokens: those of the user.
    There is a connection from the first query until the last one has been dropped and the last call has ended; over:
    set while there is none.
    """

    def __init__(
        self, url: str, connection: Connection, store: "OutboxStore | None" = None, tokens: "Tokens | None" = None
    ) -> None:
        self.connection = connection
        self.over = asyncio.Event()
        self._url = url
        self._store = store
        self._tokens = tokens
        self._outbox: Outbox | None = None
        self._deliveries: Deliveries | None = None
        self._entries: dict[Call, Entry] = {}
        self._unsaved: list[tuple[Engine, Call, Entry]] = []
        self._is_saving = False
        self._engine: Engine | None = None
        self._effects: list[Effect] = []
        self._is_running = False
        self._is_hidden = False
        self._address = ""
        self._sockets: dict[int, Socket] = {}
        self._queries: dict[Subscription, LiveQuery] = {}
        self._subscriptions: dict[LiveQuery, Subscription] = {}
        self._answers: dict[Call, Answer] = {}
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = 0.0
        self._unlisten: Callable[[], None] = _nothing

    @property
    def is_on(self) -> bool:
        """Whether there are queries to be kept up to date, or calls on their way."""
        return self._engine is not None

    @property
    def outbox(self) -> "Outbox | None":
        """What keeps mutations, once they are kept."""
        return self._outbox

    def keep(self) -> None:
        """Keeps mutations from now on, and sends those that pages have left which are gone.

        Raises `TransportError` and `ValueError` where there can't be a connection, `RuntimeError` where no loop runs.
        """
        if self._store is not None and self._deliveries is None:
            self.check()
            self._outbox = Outbox(self._store, self._find())
            self._deliveries = Deliveries(self._outbox, here(), self._deliver)
        if self._deliveries is not None:
            self._deliveries.start()

    def resume(self, client_id: str, entries: "list[Entry]", outbox: Outbox) -> None:
        """Sends what another client has left in its outbox, as that client."""
        self._outbox = outbox
        engine, now, clock = self._started(client_id), _platform.now(), here().now()
        for entry in entries:
            made = now - max(0, clock - entry.made) / 1000
            self._entries[engine.restore(entry.number, entry.path, entry.args, made)] = entry
        self._run()

    def check(self) -> None:
        """Raises `TransportError` and `ValueError` where there can't be a connection."""
        check_address(self._find())

    def show(self, query: "LiveQuery", path: str, args: "dict[str, object]") -> None:
        """Keeps a query up to date from now on: `path` (canonical) with `args`, which are encoded.

        Raises `TransportError` and `ValueError` where there can't be a connection, `RuntimeError` where no loop runs.
        """
        engine = self._started()
        query.value = PENDING
        subscription = engine.subscribe(path, args)
        self._queries[subscription], self._subscriptions[query] = query, subscription
        query.at_end(lambda: self._hide(query))
        if subscription.result is not None:
            spawn(self._show_soon(query, subscription))
        self._run()

    def move(self, queries: "Iterable[tuple[LiveQuery, str, dict[str, object]]]", keeps: bool) -> None:
        """Has queries show others, and keep what they show until these are answered, or not."""
        if self._engine is not None:
            there = [
                (self._subscriptions[each], path, args) for each, path, args in queries if each in self._subscriptions
            ]
            self._engine.move(there, keeps)
            self._run()

    def begin(self, kind: str, path: str, args: "dict[str, object]", update: "Update | None" = None) -> "Answer":
        """Begins a mutation or an action, after those that were begun before; to be asked for its `result`."""
        self.keep()
        engine, now = self._started(), _platform.now()
        if kind == wire.MUTATION:
            # Who the user of the next page is nobody knows, so what needs one is not kept.
            is_kept = self._deliveries is not None and not (self._tokens is not None and self._tokens.is_on)
            call = engine.mutation(path, args, now, update, is_kept)
        else:
            call = engine.action(path, args, now)
        answer = self._answers[call] = Answer(lambda: self._give_up(engine, call))
        if call.is_held:
            self._save(engine, call, Entry(engine.client_id, call.id, path, args, here().now()))
        self._run()
        return answer

    def authenticate(self) -> None:
        """The user is another one, or nobody: then what waits and was not sent never is."""
        if self._tokens is None or self._engine is None:
            return
        if self._tokens.is_on:
            self._engine.set_auth(_platform.now())
        else:
            self._engine.clear_auth()
            self._refuse(list(self._answers), LOGGED_OUT)
        self._run()

    def close(self) -> None:
        """Ends the queries and the calls, the connection, the timer and the listening. What is kept stays."""
        self._entries.clear()
        if self._deliveries is not None:
            self._deliveries.close()
        for query in list(self._subscriptions):
            query.close()
        if self._engine is not None:
            self._end(self._engine)
            self._run()

    def end_session(self, session_ids: "set[str]") -> None:
        """Nothing is kept of what was made under these IDs, and what was not sent never is."""
        self.withdraw(lambda entry: entry.is_of(session_ids))
        if self._deliveries is not None:
            spawn(self._deliveries.end_session(session_ids))

    def withdraw(self, which: "Callable[[Entry], bool]") -> None:
        """The same of some of those that are kept."""
        calls = [call for call, entry in self._entries.items() if which(entry)]
        for call in calls:
            self._forget(call)
        self._refuse(calls, ENDED)
        self._run()

    # --- the outbox ---

    def _deliver(self, client_id: str, entries: "list[Entry]") -> "Live":
        delivery = Live(self._url, Connection(_platform.now))
        delivery.connection.on_change(lambda _: self._report())
        if self._outbox is not None:
            delivery.resume(client_id, entries, self._outbox)
        return delivery

    def _save(self, engine: Engine, call: "Call", entry: Entry) -> None:
        self._entries[call] = entry
        self._unsaved.append((engine, call, entry))
        if not self._is_saving:
            self._is_saving = True
            spawn(self._save_all())

    async def _save_all(self) -> None:
        """One after the other, so that none is kept without those before it."""
        while self._unsaved and self._deliveries is not None:
            engine, call, entry = self._unsaved.pop(0)
            await self._deliveries.keep(entry)
            spawn(self._release(engine, call))
        self._is_saving = False

    async def _release(self, engine: Engine, call: "Call") -> None:
        if self._deliveries is not None:
            await self._deliveries.turn()
        engine.release(call)
        self._run()

    def _forget(self, call: "Call") -> bool:
        """Has a call kept no longer: whether it was."""
        entry = self._entries.pop(call, None)
        if entry is None or self._outbox is None:
            return False
        self._outbox.forget(entry)
        return True

    # --- inside ---

    def _refuse(self, calls: "list[Call]", why: str) -> None:
        """Ends those that were not sent."""
        for call in calls:
            if not call.is_sent and self._engine is not None and self._engine.give_up(call):
                answer = self._answers.pop(call, None)
                if answer is not None:
                    answer.settle(Result(None, NotReadyError(why)))

    async def _fetch(self, engine: Engine, number: int, is_fresh: bool) -> None:
        token = None if self._tokens is None else await self._tokens.get(is_fresh)
        engine.token_fetched(number, token, _platform.now())
        self._run()

    def _started(self, client_id: str = "") -> Engine:
        if self._engine is None:
            self.check()
            self._address = self._find()
            self.over.clear()
            client_id = client_id or uuid4(_platform.random_bytes(16))
            self._engine = Engine(client_id, _chance, here().now, GRACE_SECONDS)
            if self._tokens is not None and self._tokens.is_on:
                self._engine.set_auth(_platform.now())
            if _platform.IN_BROWSER:
                self._unlisten = _platform.browser().on_use(self._on_woken, self._on_hidden, self._on_shown)
        if not self._is_hidden:
            self._engine.start(_platform.now())
        return self._engine

    def _find(self) -> str:
        return as_websocket(located(f"{self._url}/sync")[0])

    def _hide(self, query: "LiveQuery") -> None:
        subscription = self._subscriptions.pop(query, None)
        if subscription is not None and self._engine is not None:
            del self._queries[subscription]
            self._engine.unsubscribe(subscription, _platform.now())
            self._run()

    def _give_up(self, engine: Engine, call: "Call") -> bool:
        self._answers.pop(call, None)
        never_ran = engine.give_up(call)
        if never_ran:
            self._forget(call)
        self._run()
        return never_ran

    async def _show_soon(self, query: "LiveQuery", subscription: "Subscription") -> None:
        """What was there already when somebody came to see it, who has his handle by now."""
        if query.value is PENDING and query.error is None:
            self._effects.append(Shown([subscription]))
            self._run()

    def _run(self) -> None:
        """Carries out what the engine wants; what is wanted meanwhile, too, afterwards."""
        if self._engine is not None:
            self._effects += self._engine.take()
        if self._is_running:
            return
        self._is_running = True
        try:
            while self._effects:
                self._carry_out(self._effects.pop(0))
        finally:
            self._is_running = False
        engine = self._engine
        if engine is None:
            return
        if engine.queries.is_empty() and engine.calls.oldest() is None:
            self._end(engine)
            self._run()
            return
        self._report()
        self._keep_time(engine)

    def _report(self) -> None:
        """Tells how it goes, here and with what others have left."""
        state, pending = IDLE, 0
        ages: list[float] = []
        if self._engine is not None:
            state, pending = self._engine.link.state, self._engine.calls.pending(frames.MUTATION)
            oldest = self._engine.calls.oldest()
            ages += [] if oldest is None else [oldest.made]
        for other in [] if self._deliveries is None else self._deliveries.connections:
            state = other.state if state == IDLE else state
            pending += other.pending
            ages += [] if other.since is None else [other.since]
        self.connection.update(state, pending, min(ages) if ages else None)

    def _carry_out(self, effect: "Effect") -> None:
        if isinstance(effect, OpenSocket):
            self._open(effect.socket)
        elif isinstance(effect, SendText):
            if effect.socket in self._sockets:
                self._sockets[effect.socket].send(effect.text)
        elif isinstance(effect, CloseSocket):
            socket = self._sockets.pop(effect.socket, None)
            if socket is not None:
                socket.close(effect.reason)
        elif isinstance(effect, Shown):
            self._show(effect.subscriptions)
        elif isinstance(effect, Settled):
            was_kept = self._forget(effect.call)
            answer = self._answers.pop(effect.call, None)
            if answer is not None:
                answer.settle(effect.result)
            elif was_kept and effect.result.error is not None:
                complain(effect.result.error, f"{quotable(effect.call.path)}, which another page has left,")
        elif isinstance(effect, Dropped):
            self._forget(effect.call)
        elif isinstance(effect, UpdateFailed):
            complain(effect.error, "an optimistic update")
        elif isinstance(effect, FetchToken):
            if self._engine is not None:
                spawn(self._fetch(self._engine, effect.number, effect.is_fresh))
        elif isinstance(effect, AuthChanged):
            if self._tokens is not None:
                self._tokens.know(effect.is_authenticated)
        elif isinstance(effect, Ended):
            self._on_ended(effect.error)

    def _show(self, subscriptions: "list[Subscription]") -> None:
        news: list[LiveQuery] = []
        for subscription in subscriptions:
            query = self._queries.get(subscription)
            if query is not None:
                result = subscription.result
                if result is None:
                    query.show(PENDING)
                else:
                    query.show(result.value, result.error)
                news.append(query)
        for query in news:  # all of them show the same moment when the first is told
            query.tell()

    def _open(self, number: int) -> None:
        engine = self._engine
        if engine is None:
            return

        def opened() -> None:
            engine.opened(number, _platform.now())
            self._run()

        def heard(message: "str | bytes") -> None:
            engine.received(number, message, _platform.now())
            self._run()

        def closed(reason: str) -> None:
            self._sockets.pop(number, None)
            engine.closed(number, reason, _platform.now())
            self._run()

        self._sockets[number] = open_socket(self._address, opened, heard, closed)

    def _end(self, engine: Engine) -> None:
        """Takes the engine away; what it still wants is to be run."""
        self._engine, self._is_hidden = None, False
        self._unlisten()
        self._unlisten = _nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        engine.close()
        self._effects += [effect for effect in engine.take() if not isinstance(effect, Ended)]
        self.over.set()
        if self._deliveries is not None:
            self._deliveries.rest()
        self._report()

    def _on_ended(self, error: "PillionError") -> None:
        """The server wants no more of it; whoever comes next begins anew."""
        queries = list(self._subscriptions)
        self._queries.clear()
        self._subscriptions.clear()
        if self._engine is not None:
            self._end(self._engine)
        for query in queries:
            query.show(None, error)
        for query in queries:
            query.tell()

    # --- time, and the page ---

    def _keep_time(self, engine: Engine) -> None:
        due = engine.due()
        if due is None or self._is_hidden or (self._timer is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = spawn(self._tick(engine, due)), due

    async def _tick(self, engine: Engine, due: float) -> None:
        await asyncio.sleep(max(0.0, due - _platform.now()))
        self._timer = None
        engine.tick(_platform.now())
        self._run()

    def _on_woken(self) -> None:
        if self._engine is not None and not self._is_hidden:
            self._engine.wake(_platform.now())
            self._run()

    def _on_hidden(self) -> None:
        """The page goes, or is put away, which it can't be with an open socket."""
        self._is_hidden = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for number, socket in list(self._sockets.items()):
            del self._sockets[number]
            socket.close(HIDDEN)
            if self._engine is not None:
                self._engine.closed(number, HIDDEN, _platform.now())
        self._run()

    def _on_shown(self) -> None:
        self._is_hidden = False
        if self._engine is not None:
            self._engine.start(_platform.now())
        self._on_woken()


class Answer:
    """What becomes of a call. give_up: called when nobody waits for it any more; says whether it is sure not to run."""

    def __init__(self, give_up: "Callable[[], bool]") -> None:
        self.give_up = give_up
        self._over = asyncio.Event()
        self._result: Result | None = None

    def settle(self, result: "Result") -> None:
        """Says how it went."""
        self._result = result
        self._over.set()

    async def result(self) -> "Any":
        """What the function returned, or raises what it failed with; cancelled, it is given up."""
        while self._result is None:
            try:
                await self._over.wait()
            except BaseException:
                self.give_up()
                raise
        if self._result.error is not None:
            raise self._result.error
        return self._result.value


def _chance() -> float:
    return int.from_bytes(_platform.random_bytes(4), "big") / 2**32


def _nothing() -> None:
    pass
