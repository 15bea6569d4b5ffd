"""`session.events`: server-sent events over fetch, which can carry the session, with EventSource's reconnecting."""

import asyncio
import random

from pillion._aio import apart, bounded
from pillion.record import LOGOUT
from pillion.server_sent import EventParser, ServerSentEvent
from pillion_shared import TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from pillion.changes import Change
    from pillion.fetching import Chunks, FetchResponse

RETRY_SECONDS = 3.0
"""How long to wait before a lost connection is made again, unless the server says so."""

MAX_RETRY_SECONDS = 30.0
"""The longest wait, after several failures."""

MIN_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.05, 24 * 3600.0
"""What the server may ask for, at least and at most; longer timers would fire at once."""

EVENT_STREAM = "text/event-stream"


class EventStream:
    """The events of an address, for `async for`; a lost connection is made again, with the ID in force then.

    last_id: of the event received last, or to begin after. connected: whether there is a connection now. error: why
    there is none.

    It ends when the server answers 204, by `close()`, or by a signal. Raises `TransportError` for any other answer than
    a stream of events; what can't be reached is tried again for as long as it takes, and `error` says why. A new ID
    begins a new connection at once, or when the one that is being made is there; after a log-out from the beginning.
    """

    def __init__(
        self,
        connect: "Callable[[str], Coroutine[Any, Any, FetchResponse]]",
        follow: "Callable[[Callable[[Change | None], object]], Callable[[], None]]",
        retry: float = RETRY_SECONDS,
        last_id: str = "",
        is_over: "Callable[[], bool]" = lambda: False,
    ) -> None:
        self._is_over = is_over
        self.connected = False
        self.error: TransportError | None = None
        self._connect = connect
        self._parser = EventParser(last_id)
        self._retry = retry
        self._failures = 0
        self._chunks: Chunks | None = None
        self._given_up: asyncio.Event | None = None  # of the connection that is being made
        self._ready: list[ServerSentEvent] = []
        self._closed = False
        self._renewed = asyncio.Event()
        self._unfollow = follow(self._on_change)

    @property
    def last_id(self) -> str:
        """Of the event received last."""
        return self._parser.last_id

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> ServerSentEvent:
        event = await apart(self._next())
        if event is None:
            raise StopAsyncIteration
        return event

    async def __aenter__(self) -> "EventStream":
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it."""
        if not self._closed:
            self._closed = True
            self._unfollow()
            self._lose(None)
            self._renewed.set()
            if self._given_up is not None:
                self._given_up.set()

    async def _next(self) -> "ServerSentEvent | None":
        while not (self._ready or self._closed):
            try:
                await self._advance()
            except TransportError as error:
                if self._closed:
                    break
                if error.status is not None:
                    self.close()
                    raise
                if self._is_over():
                    self.close()
                    break
                self._lose(error)
                await self._pause()
            except BaseException:
                self._lose(None)
                raise
        return self._ready.pop(0) if self._ready and not self._closed else None

    async def _advance(self) -> None:
        """Connects, or reads on; raises `TransportError` with a status if there is no sense in trying again."""
        if self._chunks is None:
            self._renewed.clear()
            response = await self._connected()
            if response is None:
                return
            _check(response)
            if int(response.status) == 204:
                self.close()
                return
            self._parser.begin()
            self._chunks, self.connected, self.error = response.chunks(), True, None
            return
        chunks = self._chunks
        try:
            chunk = await chunks.__anext__()
        except StopAsyncIteration:
            chunk = None
        except TransportError:
            if self._chunks is chunks:
                raise
            return  # it was ended here
        if self._chunks is not chunks:
            return
        if chunk is None:
            raise TransportError("The server has ended the stream of events.")
        self._failures = 0
        try:
            self._ready += self._parser.feed(chunk)
        except ValueError as error:
            raise TransportError(f"The stream of events holds {error}.", 200) from None

    async def _connected(self) -> "FetchResponse | None":
        """The answer, `None` when another ID has come meanwhile, or the end."""
        given_up, over = asyncio.Event(), TransportError("No connection is wanted any more.")
        self._given_up = given_up
        try:
            response = await bounded(self._connect(self.last_id), None, over, given_up)
        except TransportError as error:
            if error is not over:
                raise
            return None
        finally:
            self._given_up = None
        if self._renewed.is_set():
            response.close()
            return None
        return response

    async def _pause(self) -> None:
        retry = self._retry if self._parser.retry is None else self._parser.retry
        retry = min(max(retry, MIN_RETRY_SECONDS), LONGEST_RETRY_SECONDS)
        longest = max(retry, MAX_RETRY_SECONDS)
        seconds = min(retry * 2 ** min(self._failures, 10), longest) * (1 + random.random() / 4)  # noqa: S311 - so that clients come back apart
        self._failures += 1
        over = TransportError("It is time to try again.")
        try:
            await bounded(self._renewed.wait(), seconds, over)
        except TransportError as error:
            if error is not over:
                raise

    def _on_change(self, change: "Change | None") -> None:
        if change is None:  # the session is closed
            self.close()
            return
        if change.reason == LOGOUT:  # what has ended goes on in nothing
            self._ready, self._parser = [], EventParser()
        self._failures = 0
        self._lose(None)
        self._renewed.set()

    def _lose(self, error: "TransportError | None") -> None:
        chunks, self._chunks, self.connected = self._chunks, None, False
        self.error = error
        if chunks is not None:
            chunks.close()


def _check(response: "FetchResponse") -> None:
    status = int(response.status)
    kind = str(response.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if status not in (200, 204) or (status == 200 and kind != EVENT_STREAM):
        response.close()
        raise TransportError(f"The answer (HTTP {status}, {kind or 'no type'}) is no stream of events.", status)
