"""One socket of Convex's sync protocol: what its client has asked for, and what it is told, in which order.

    a mutation       runs after those before it; then its response, then a transition that shows its effect
    a query          is shown from the next transition on, and again whenever there is something else to show
    a transition     from the version that the client is at to the newest one, everything in it at one time

There is no queue of transitions: the next one is made when the one before has been sent, of what is to be shown then.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, cast

from pillion_server import sync_frames as frames
from pillion_server.errors import DatabaseError, Refused, TokenError
from pillion_server.idempotency import RequestKey
from pillion_server.identity import Identity
from pillion_server.jwt_auth import JwtAuth, checked
from pillion_server.live import Live, LiveQuery
from pillion_server.runner import Body, Runner
from pillion_server.sync_frames import Shown, Version
from pillion_shared import EncodingError, PathError, canonical, decode
from pillion_shared.errors import FrameError
from pillion_shared.frames import NONE, USER
from pillion_shared.versions import read_timestamp
from pillion_shared.wire import ACTION, MUTATION, failure

MOST_MUTATIONS = 1000
"""How many mutations of one socket may wait for their turn."""

MOST_WAITING_BYTES = 32 * 1024 * 1024
"""How long the frames of these may be together."""

MOST_ACTIONS = 1000
"""How many actions of one socket may run at a time."""

MOST_QUERIES = 4096
"""How many queries one socket may show."""

IDLE_SECONDS = 15.0
"""After so long without a frame the client is sent a `Ping`."""

LOOK_SECONDS = 3600.0
"""How often it is looked at least whether a token is good still, which a clock that was set may decide."""

_logger = logging.getLogger("pillion_server")


class Closing(Exception):
    """The socket is to be closed: with a last frame, and a code and a reason by which clients choose when to return.

    gone: nobody is there to be told.
    """

    def __init__(self, code: int = 1000, reason: str = "", frame: str | None = None, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.code, self.reason, self.frame, self.gone = code, reason, frame, gone

    @classmethod
    def left(cls) -> "Closing":
        """For a client that is not there any more, or doesn't read."""
        return cls(gone=True)

    @classmethod
    def fatal(cls, message: str) -> "Closing":
        """For a client that breaks the protocol."""
        return cls(frame=frames.fatal_error(message))


class _Call(NamedTuple):
    identity: Identity | None
    request_id: int
    path: str
    args: list[Any]
    size: int


class _Slot:
    """A query under its number. sent: what the client shows of it."""

    def __init__(self, query: LiveQuery | None, shown: Shown | None = None) -> None:
        self.query = query
        self.own = shown
        self.sent: Shown | None = None

    @property
    def shown(self) -> Shown | None:
        """What there is to show; what was never a call has something of its own."""
        return self.own if self.query is None else self.query.shown


class SyncSocket:
    """One socket.

    newest: tells the timestamp of the last commit. send: sends a frame, when there is room for it. chunked: whether the
    client knows chunks. auth: checks tokens, if any can be.

    identity: whose the socket is.
    """

    def __init__(
        self,
        runner: Runner,
        live: Live,
        newest: Callable[[], int],
        send: Callable[[str], Awaitable[None]],
        chunked: bool,
        auth: JwtAuth | None = None,
    ) -> None:
        self._runner, self._live, self._newest, self._chunked = runner, live, newest, chunked
        self._auth = auth
        self.identity: Identity | None = None
        self._good: asyncio.TimerHandle | None = None
        self._send = send
        self._sending = asyncio.Lock()
        self._last_sent = time.monotonic()
        self._ended: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self._connected: frames.Connect | None = None
        self._skew = frames.NO_SKEW
        self._at, self._query_set, self._identity = Version(), 0, 0
        self._slots: dict[int, _Slot] = {}
        self._numbers: dict[LiveQuery, set[int]] = {}
        self._changed: dict[int, None] = {}
        self._removed: list[int] = []
        self._owed = False
        self._needed = 0
        self._due = False
        self._held_up: set[asyncio.Task[None]] = set()
        self._mutations: deque[_Call] = deque()
        self._mutations_size = 0
        self._mutating: asyncio.Task[None] | None = None
        self._actions: set[asyncio.Task[None]] = set()

    async def run(self) -> Closing:
        """Answers what `take` takes until the socket is to be closed; says how."""
        await self._live.join(self)
        try:
            return await self._ended
        finally:
            if self._mutating is not None:
                self._mutating.cancel()
            for task in (*self._held_up, *self._actions):
                task.cancel()
            self._keep_good(None)
            for slot in self._slots.values():
                if slot.query is not None:
                    self._live.hide(self, slot.query)
            self._slots.clear()
            self._live.leave(self)

    def end(self, closing: Closing) -> None:
        """Ends `run`."""
        if not self._ended.done():
            self._ended.set_result(closing)

    async def take(self, text: str) -> None:
        """Takes a frame of the client: what comes after a token waits until it is checked."""
        if self._ended.done():
            return
        try:
            try:
                frame = frames.parse(text)
            except ValueError as error:
                raise Closing.fatal(f"A frame can't be read: {error}.") from None
            await self._take(frame, len(text))
        except Closing as closing:
            self.end(closing)

    def changed(self, query: LiveQuery) -> None:
        """See `Shows`."""
        for number in self._numbers.get(query, ()):
            self._changed[number] = None
        self._show_soon()

    def moved(self, query: LiveQuery, other: LiveQuery) -> None:
        """See `Shows`."""
        numbers = self._numbers.pop(query)
        self._numbers.setdefault(other, set()).update(numbers)
        for number in numbers:
            self._slots[number].query = other
        self.changed(other)

    def advance(self) -> None:
        """See `Shows`."""
        self._show_soon()

    def fail(self) -> None:
        """See `Shows`."""
        self.end(Closing(1011, "InternalServerError"))

    async def send_due(self) -> None:
        """See `Sender`: sends a transition, if there is one."""
        try:
            async with self._sending:
                self._due = False
                text = None if self._ended.done() else self._transition()
                if text is not None:
                    await self._out_now(frames.chunks(text) if self._chunked else [text])
        except Exception as error:
            self._failed(error)

    def held_up(self, task: "asyncio.Task[None]") -> None:
        """See `Sender`."""
        if self._ended.done():
            task.cancel()
        else:
            self._held_up.add(task)
            task.add_done_callback(self._held_up.discard)

    async def ping(self, now: float) -> None:
        """Sends a `Ping` if nothing was sent for long; whoever can't be reached is not waited for."""
        if now - self._last_sent >= IDLE_SECONDS and not self._sending.locked():
            await self._out([frames.PING])

    @property
    def stuck_since(self) -> float | None:
        """When the frame was begun that is being sent, if one is."""
        return self._last_sent if self._sending.locked() else None

    async def _take(self, frame: frames.Frame, size: int) -> None:
        if isinstance(frame, frames.Connect):
            self._connect(frame)
        elif isinstance(frame, frames.Event):
            pass
        elif self._connected is None:
            raise Closing.fatal("The first frame is a Connect.")
        elif isinstance(frame, frames.ModifyQuerySet):
            self._modify(frame)
        elif isinstance(frame, frames.Mutation):
            self._queue(_Call(self.identity, frame.request_id, frame.udf_path, frame.args, size))
        elif isinstance(frame, frames.Action):
            self._act(_Call(self.identity, frame.request_id, frame.udf_path, frame.args, size))
        else:
            await self._authenticate(frame)

    def _connect(self, frame: frames.Connect) -> None:
        if self._connected is not None:
            raise Closing.fatal("There is one Connect on a socket.")
        if frame.max_observed_timestamp is not None:
            try:
                self._needed = read_timestamp(frame.max_observed_timestamp)
            except FrameError as error:
                raise Closing.fatal(f"maxObservedTimestamp: {error}") from None
            if self._needed > self._newest():
                raise Closing(1011, "InternalServerError")  # the client has seen what this database hasn't
        if frame.client_ts:
            self._skew = str(frame.client_ts - time.time_ns() / 1e6)
        self._connected = frame

    def _modify(self, frame: frames.ModifyQuerySet) -> None:
        _check_version(frame.base_version, self._query_set)
        if frame.new_version != frame.base_version + 1:
            raise Closing.fatal(f"Version {frame.new_version} doesn't come after {frame.base_version}.")
        self._query_set = frame.new_version
        for each in frame.modifications:
            if isinstance(each, frames.Remove):
                self._remove(each.query_id)
            else:
                self._add(each)
        self._show_soon()

    def _add(self, add: frames.Add) -> None:
        if add.query_id in self._slots:
            raise Closing.fatal(f"Query {add.query_id} is there already.")
        if len(self._slots) >= MOST_QUERIES:
            raise Closing.fatal(f"A socket shows {MOST_QUERIES} queries at most.")
        try:
            query = self._live.show(self, *_call(add.udf_path, add.args), add.journal)
        except (EncodingError, PathError) as error:
            self._slots[add.query_id] = _Slot(None, frames.shown(failure(str(error)), None))
        else:
            self._slots[add.query_id] = _Slot(query)
            self._numbers.setdefault(query, set()).add(add.query_id)
        self._changed[add.query_id] = None

    def _remove(self, number: int) -> None:
        slot = self._slots.pop(number, None)
        if slot is None:
            raise Closing.fatal(f"Query {number} is not there.")
        if slot.query is not None:
            self._numbers[slot.query].discard(number)
            if not self._numbers[slot.query]:
                del self._numbers[slot.query]
            self._live.hide(self, slot.query)
        self._changed.pop(number, None)
        if slot.sent is not None:
            self._removed.append(number)

    async def _authenticate(self, frame: frames.Authenticate) -> None:
        _check_version(frame.base_version, self._identity)
        if frame.token_type not in (NONE, USER):
            raise self._unauthenticated("This server has no admin keys: a user's token is of the type User.")
        identity, until = None, None
        if frame.token_type == USER:
            try:
                identity, until = await checked(self._auth, frame.value)
            except TokenError as error:
                raise self._unauthenticated(str(error)) from None
        self._keep_good(until)
        self._identity += 1
        if identity != self.identity:
            self.identity = identity
            for query in [each for each in self._numbers if each.is_of_one]:
                self._live.move(self, query)
        self._show_soon()

    def _keep_good(self, until: int | None) -> None:
        """Ends the socket at that time, in seconds since 1970, unless there is another token by then."""
        if self._good is not None:
            self._good.cancel()
            self._good = None
        if until is None:
            return
        left = until - int(time.time())
        if left > 0:
            loop = asyncio.get_running_loop()
            self._good = loop.call_later(min(left, LOOK_SECONDS), self._keep_good, until)
        else:
            self.end(self._unauthenticated("The token has expired: get a new one.", attempted=False))

    def _unauthenticated(self, message: str, *, attempted: bool = True) -> Closing:
        return Closing(frame=frames.auth_error(message, self._identity, attempted=attempted))

    def _queue(self, call: _Call) -> None:
        self._mutations_size += call.size
        if len(self._mutations) >= MOST_MUTATIONS or self._mutations_size > MOST_WAITING_BYTES:
            raise Closing(1013, "TooManyConcurrentMutations")
        self._mutations.append(call)
        if self._mutating is None or self._mutating.done():
            self._mutating = asyncio.ensure_future(self._guarded(self._mutate))

    def _act(self, call: _Call) -> None:
        if len(self._actions) >= MOST_ACTIONS:
            raise Closing(1013, "TooManyConcurrentRequests")
        task = asyncio.ensure_future(self._guarded(lambda: self._run_action(call)))
        self._actions.add(task)
        task.add_done_callback(self._actions.discard)

    async def _mutate(self) -> None:
        """Runs the mutations, one after another, and sends each response before the next one begins."""
        while self._mutations:
            call = self._mutations.popleft()
            self._mutations_size -= call.size
            key = RequestKey(cast("frames.Connect", self._connected).session_id, call.request_id)
            answer = await self._answer(MUTATION, call, key)
            await self._out([frames.mutation_response(call.request_id, answer)])
            # PyPI's client waits for a transition also after a FunctionError
            self._owe(read_timestamp(answer["ts"]) if answer["status"] == "success" else self._at.ts)

    async def _run_action(self, call: _Call) -> None:
        answer = await self._answer(ACTION, call)
        await self._out([frames.action_response(call.request_id, answer)])
        self._owe(self._newest())

    async def _answer(self, kind: str, call: _Call, key: RequestKey | None = None) -> Body:
        try:
            path, args = _call(call.path, call.args)
            return await self._runner.answer(kind, path, args, key, call.identity)
        except (EncodingError, PathError) as error:
            return failure(str(error))
        except Refused as error:
            return failure(error.message)
        except DatabaseError:
            raise Closing(1011, "InternalServerError") from None

    def _owe(self, ts: int) -> None:
        """A transition is to follow, of that time or later, also when it has nothing to show."""
        self._owed, self._needed = True, max(self._needed, ts)
        self._show_soon()

    def _show_soon(self) -> None:
        if not self._due:
            self._due = True
            self._live.relay.put(self)

    def _transition(self) -> str | None:
        """The next transition; `None` when there is none, or a round has to come before."""
        start, ts = self._at, self._live.ts
        owed = self._owed or start.query_set != self._query_set or start.identity != self._identity
        if not (owed or self._changed or self._removed):
            return None
        if ts < self._needed:
            self._live.wait(self)
            return None
        changes: list[tuple[int, _Slot, Shown]] = []
        for number in self._changed:
            slot = self._slots[number]
            shown = slot.shown
            if shown is None:
                self._live.wait(self)
                return None
            changes.append((number, slot, shown))
        modifications = [frames.removed(number) for number in self._removed]
        for number, slot, shown in changes:
            if shown != slot.sent:
                modifications.append(shown.text(number))
                slot.sent = shown
        self._changed.clear()
        self._removed.clear()
        self._owed = False
        if not (owed or modifications):
            return None
        self._at = Version(self._query_set, self._identity, ts)
        return frames.transition(start, self._at, modifications, self._skew)

    async def _out(self, texts: list[str]) -> None:
        async with self._sending:
            await self._out_now(texts)

    async def _out_now(self, texts: list[str]) -> None:
        for text in texts:
            self._last_sent = time.monotonic()
            await self._send(text)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does a part of the socket's work."""
        try:
            await work()
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Ends the socket after a part of its work failed; the log says why."""
        if isinstance(error, Closing):
            self.end(error)
        elif isinstance(error, OSError):
            self.end(Closing.left())
        else:
            _logger.error("A socket failed", exc_info=error)
            self.end(Closing(1011, "InternalServerError"))


def _call(path: str, args: list[Any]) -> tuple[str, Mapping[str, object]]:
    """A canonical path and decoded arguments; raises `PathError` or `EncodingError`."""
    decoded = decode(args[0]) if len(args) == 1 else None
    if not isinstance(decoded, dict):
        raise EncodingError("args is a list of one object.")
    return canonical(path), cast("dict[str, object]", decoded)


def _check_version(passed: int, current: int) -> None:
    if passed != current:
        raise Closing.fatal(f"Base version {passed} passed up doesn't match the current version {current}")
