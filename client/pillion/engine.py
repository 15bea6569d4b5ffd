"""The client's end of the sync protocol, without any I/O: events in, effects out.

    engine.subscribe(...), engine.mutation(...)         what the page wants
    engine.opened(...), .received(...), .closed(...)    what its sockets have done
    engine.tick(now), once engine.due() has come        what time has done
    engine.take()                                       what has to be done now, after any of these

It holds three promises: what is shown is always the server's data of one moment, with the optimistic updates over
it; a mutation runs once, in its order, however often the connection is lost; and a call ends, with its effect in
sight or with an error.
"""

from pillion.authentication import Authentication
from pillion.calls import Calls, lost_action
from pillion.chunks import Chunks
from pillion.comparing import is_same
from pillion.effects import CloseSocket, Dropped, Ended, Logged, OpenSocket, SendText, Settled, Shown, UpdateFailed
from pillion.link import CLOSED, IDLE, OPEN, Link
from pillion.optimistic import OptimisticUpdates
from pillion.query_set import QuerySet
from pillion_shared import TransportError, frames, server_frames
from pillion_shared.errors import FrameError
from pillion_shared.ids import quotable
from pillion_shared.server_frames import Result
from pillion_shared.versions import ZERO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pillion.calls import Call
    from pillion.effects import Effect
    from pillion.optimistic import Update
    from pillion.query_set import Query, Subscription
    from pillion_shared import PillionError
    from pillion_shared.server_frames import ActionResponse, Frame, MutationResponse, Transition

GRACE_SECONDS = 5.0
"""How long a query is kept after its last subscription."""

LOST = "ConnectionLost"
BAD_FRAME = "BadFrame"
INACTIVE = "InactiveServer"
AUTH = "AuthError"
FATAL = "FatalError"
ENDED = "ClientClosed"


class Engine:
    """One client of one server.

    client_id: a UUID of this client's own. chance: random numbers from 0 up to 1. clock: milliseconds since 1970.
    `now`, wherever it is asked for, is in seconds on a clock that is never set. error: why it has ended, if it has.
    """

    def __init__(
        self,
        client_id: str,
        chance: "Callable[[], float]",
        clock: "Callable[[], int]",
        grace: float = GRACE_SECONDS,
    ) -> None:
        self.calls = Calls()
        self.queries = QuerySet(grace)
        self.link = Link(chance)
        self.error: PillionError | None = None
        self.client_id = client_id
        self._clock = clock
        self._effects: list[Effect] = []
        self._updates = OptimisticUpdates(self.queries)
        self._authentication = Authentication(self._effects, clock)
        self._chunks = Chunks()
        self._version = ZERO
        self._observed = 0
        self._shown_at = 0
        self._connections = 0
        self._reason = frames.INITIAL_CONNECT
        self._is_greeted = False
        self._owed = 0

    # --- what is to be done ---

    def take(self) -> "list[Effect]":
        """What has to be done now, in order."""
        if self._may_send():
            self._send_what_is_due()
        effects = list(self._effects)
        self._effects.clear()
        return effects

    def due(self) -> "float | None":
        """When `tick` is to be called, if nothing happens before."""
        times = [self.link.until, self.queries.next_expiry(), self._authentication.until]
        return min([time for time in times if time is not None], default=None)

    def tick(self, now: float) -> None:
        """Does what is due."""
        self.queries.expire(now)
        self._authentication.tick(now)
        if self.link.is_due(now):
            if self.link.has(self.link.socket):
                self._drop(INACTIVE, now)
            else:
                self._connect(now)

    # --- the connection ---

    def start(self, now: float) -> None:
        """Connects, if nobody has done that before."""
        if self.link.state == IDLE:
            self._connect(now)

    def opened(self, socket: int, now: float) -> None:
        """A socket is open."""
        if self.link.opened(socket, now):
            self._is_greeted = False

    def received(self, socket: int, text: object, now: float) -> None:
        """A frame has come. A bad one ends its connection."""
        if not self.link.heard(socket, now):
            return
        try:
            frame = self._chunks.read(text)
            if frame is not None:
                self._handle(frame, now)
        except FrameError:
            self._drop(BAD_FRAME, now)

    def closed(self, socket: int, reason: str, now: float) -> None:
        """A socket has been closed, or could not be opened; `reason` is the text that came with it."""
        if self.link.has(socket):
            self._lose(reason or LOST, now)

    def wake(self, now: float) -> None:
        """The page is in use again, or the network has come back: connects at once, or looks whether it still is."""
        self.link.hurry(now)
        if self._may_send():
            self.queries.touch()
            self.link.probe(now)
        self.tick(now)

    def close(self) -> None:
        """Ends everything."""
        self._end(TransportError("The client is closed."), ENDED)

    # --- queries ---

    def subscribe(self, path: str, args: "dict[str, object]") -> "Subscription":
        """Has a query shown: `path` (canonical), with `args`, which are encoded."""
        subscription = self.queries.subscribe(path, args)
        query = subscription.query
        if query is not None and query.shown is None:
            query.shown = self._updates.overlay.get(query.key)
        return subscription

    def move(self, subscriptions: "Iterable[tuple[Subscription, str, dict[str, object]]]", keeps: bool) -> None:
        """Has subscriptions show other queries: those of a session under its new ID.

        keeps: whether they show what they show now until the server has answered.
        """
        changed: list[Subscription] = []
        for subscription, path, args in subscriptions:
            shown = subscription.result
            self.queries.move(subscription, path, args, keeps)
            if subscription.result is not shown:
                changed.append(subscription)
        if changed:
            self._effects.append(Shown(changed))

    def unsubscribe(self, subscription: "Subscription", now: float) -> None:
        """Ends a subscription."""
        self.queries.close(subscription, now)

    # --- calls ---

    def mutation(
        self,
        path: str,
        args: "dict[str, object]",
        now: float,
        update: "Update | None" = None,
        is_held: bool = False,
    ) -> "Call":
        """Runs a mutation: `path` (canonical), with `args`, which are encoded.

        update: shows at once what it will probably do. If that raises, so does this, and nothing is sent. is_held:
        whether it, and what is called after it, has to wait for `release`.
        """
        overlay = None if update is None else self._updates.attempt(update)
        call = self.calls.add(frames.MUTATION, path, args, now)
        call.is_held = is_held
        if update is not None and overlay is not None and self.error is None:
            before = self._updates.overlay
            self._updates.add(call.id, update, overlay)
            self._show([], before)
        self._refuse_if_ended()
        return call

    def action(self, path: str, args: "dict[str, object]", now: float) -> "Call":
        """Runs an action: `path` (canonical), with `args`, which are encoded."""
        call = self.calls.add(frames.ACTION, path, args, now)
        self._refuse_if_ended()
        return call

    def release(self, call: "Call") -> None:
        """One that is held may be sent."""
        call.is_held = False

    def restore(self, call_id: int, path: str, args: "dict[str, object]", made: float) -> "Call":
        """Runs a mutation of an earlier engine of this client's ID, once if that has sent it.

        Before all others, in the order of their numbers.
        """
        call = self.calls.restore(call_id, path, args, made)
        self._refuse_if_ended()
        return call

    def give_up(self, call: "Call") -> bool:
        """Nobody waits for a call any more: whether it is certain never to run.

        A mutation that was sent is carried to its end, since those after it may build upon it.
        """
        never_ran = self.calls.give_up(call)
        if never_ran:
            self._drop_updates([call])
        return never_ran

    # --- the user ---

    def set_auth(self, now: float) -> None:
        """From now on the user is who the tokens say that `FetchToken` asks for."""
        self._authentication.begin(now)

    def clear_auth(self) -> None:
        """From now on the user is nobody."""
        self._authentication.end()

    def token_fetched(self, number: int, token: "str | None", now: float) -> None:
        """The answer to `FetchToken`."""
        self._authentication.token_fetched(number, token, now)

    # --- inside ---

    def _connect(self, now: float) -> None:
        self._effects.append(OpenSocket(self.link.connect(now)))

    def _may_send(self) -> bool:
        return self.link.state == OPEN and not self._authentication.is_paused

    def _send_what_is_due(self) -> None:
        if not self._is_greeted:
            self._is_greeted = True
            self._send(frames.connect(self.client_id, self._connections, self._reason, self._observed, self._clock()))
            self._connections += 1
            self._owed = self.calls.next_id
        for text in (self._authentication.modify(), self.queries.modify()):
            if text is not None:
                self._send(text)
        for call in self.calls.due():
            self._send(call.text)

    def _send(self, text: str) -> None:
        self._effects.append(SendText(self.link.socket, text))

    def _drop(self, reason: str, now: float) -> None:
        self._effects.append(CloseSocket(self.link.socket, reason))
        self._lose(reason, now)

    def _lose(self, reason: str, now: float) -> None:
        self.link.lose(reason, now)
        self._reason = reason
        self._version, self._chunks = ZERO, Chunks()
        self.queries.restart()
        self._authentication.restart()
        for call in self.calls.restart():
            self._settle(call, lost_action())

    def _end(self, error: "PillionError", reason: str) -> None:
        if self.link.state == CLOSED:
            return
        if self.link.has(self.link.socket):
            self._effects.append(CloseSocket(self.link.socket, reason))
        self.link.close()
        self._authentication.end()
        self.error = error
        self._refuse_if_ended()
        self._effects.append(Ended(error))

    def _refuse_if_ended(self) -> None:
        if self.error is None:
            return
        ended = self.calls.end()
        for call in ended:
            self._settle(call, Result(None, self.error))
        self._drop_updates(ended)

    def _settle(self, call: "Call", result: Result) -> None:
        self._log(call.path, result)
        self._effects.append(Dropped(call) if call.is_given_up else Settled(call, result))

    def _log(self, path: str, result: Result) -> None:
        if result.log_lines:
            self._effects.append(Logged(path, result.log_lines))

    def _handle(self, frame: "Frame", now: float) -> None:
        if isinstance(frame, server_frames.Transition):
            self._follow(frame, now)
        elif isinstance(frame, server_frames.MutationResponse):
            self._respond(frame, frame.timestamp)
        elif isinstance(frame, server_frames.ActionResponse):
            self._respond(frame, None)
        elif isinstance(frame, server_frames.AuthError):
            self._authentication.reject(frame, now)
            self._drop(AUTH, now)
        elif isinstance(frame, server_frames.FatalError):
            self._end(TransportError(f"The server has ended the connection for good: {quotable(frame.message)}"), FATAL)

    def _respond(self, response: "MutationResponse | ActionResponse", timestamp: "int | None") -> None:
        if timestamp is not None:
            self._observed = max(self._observed, timestamp)
        call = self.calls.respond(response, timestamp)
        if call is not None:
            self._drop_updates([call])
            self._settle(call, response.result)
        elif timestamp is not None and timestamp <= self._shown_at:
            self._show_effects([])  # the answer has come after them

    def _follow(self, transition: "Transition", now: float) -> None:
        """Takes a transition and shows it as a whole, or raises `FrameError`."""
        end = transition.end
        if transition.start != self._version or not self._version.leads_to(end):
            raise FrameError("A transition doesn't begin where the last one has ended.")
        if end.query_set > self.queries.version or end.identity > self._authentication.version:
            raise FrameError("A transition leads to what nobody has asked for.")
        for query in self.queries.answer(transition.modifications, end.query_set):
            if query.answer is not None:
                self._log(query.path, query.answer)
        self._version = end
        self._observed = max(self._observed, end.timestamp)
        self._authentication.confirm(end.identity, transition.clock_skew, now)
        if self.queries.is_complete():
            if end.timestamp < self._shown_at:
                raise FrameError("A connection shows what was before the last one's.")
            self._shown_at = end.timestamp
            self._show_effects(self.queries.show())
            self._rest(end.identity)

    def _show_effects(self, news: "list[Query]") -> None:
        """Shows queries with news; the mutations whose effects are shown by now have ended."""
        ended = self.calls.show(self._shown_at)
        before = self._updates.overlay
        for call in ended:
            self._updates.drop(call.id)
        self._replay()
        self._show(news, before)
        for call in ended:
            if call.result is not None:
                self._settle(call, call.result)

    def _rest(self, identity: int) -> None:
        """Waits short times again, once all is settled that was there before this connection."""
        oldest = self.calls.oldest()
        if self._authentication.is_settled(identity) and (oldest is None or oldest.id >= self._owed):
            self.link.backoff.reset()

    def _drop_updates(self, calls: "list[Call]") -> None:
        before = self._updates.overlay
        for call in calls:
            self._updates.drop(call.id)
        self._replay()
        self._show([], before)

    def _replay(self) -> None:
        self._effects.extend([UpdateFailed(call_id, error) for call_id, error in self._updates.replay()])

    def _show(self, news: "list[Query]", before: "dict[str, Result]") -> None:
        """Shows queries with news, and those that an overlay covers or has covered before."""
        touched = {query.key: query for query in news}
        for key in list(before) + list(self._updates.overlay):
            query = self.queries.find(key)
            if query is not None:
                touched[key] = query
        changed: list[Subscription] = []
        for key, query in touched.items():
            shown = self._updates.overlay.get(key, query.base)
            if not _looks_the_same(query.shown, shown):
                query.shown = shown
                changed += query.subscriptions
        if changed:
            self._effects.append(Shown(changed))


def _looks_the_same(one: "Result | None", other: "Result | None") -> bool:
    if one is None or other is None:
        return one is other
    return one.error is None and other.error is None and is_same(one.value, other.value)
