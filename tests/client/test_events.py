"""Server-sent events: connecting, reconnecting, ending. The parser has tests of its own."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pillion import Change, EventStream, SessionId, TransportError, events
from pillion.record import LOGOUT, REFRESHED

CHANGED = Change(SessionId("0" * 20), REFRESHED, "here")
LEFT = Change(SessionId("1" * 20), LOGOUT, "here")


class Response:
    """An answer whose body is given, and then stays open or ends."""

    def __init__(self, parts: list[bytes], status: int = 200, kind: str = "text/event-stream; charset=utf-8") -> None:
        self.status = status
        self.headers = SimpleNamespace(get=lambda name: {"content-type": kind}[name])
        self.parts = parts
        self.closed = asyncio.Event()

    def close(self) -> None:
        self.closed.set()

    def chunks(self) -> "Response":
        return self

    async def __anext__(self) -> bytes:
        if self.closed.is_set():
            raise TransportError("aborted")
        if not self.parts:
            raise StopAsyncIteration
        if self.parts[0] == b"...":
            await self.closed.wait()
            raise TransportError("aborted")
        return self.parts.pop(0)


class Server:
    """Gives one answer after another, and knows what it was asked."""

    def __init__(self, *answers: Response | TransportError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.followers: list[Callable[[Change | None], object]] = []

    async def connect(self, last_id: str) -> Any:
        self.asked.append(last_id)
        answer = self.answers.pop(0)
        if isinstance(answer, TransportError):
            raise answer
        return answer

    def follow(self, callback: Callable[[Change | None], object]) -> Callable[[], None]:
        self.followers.append(callback)
        return lambda: self.followers.remove(callback)

    def stream(self, **options: Any) -> EventStream:
        return EventStream(self.connect, self.follow, **options)


async def received(stream: EventStream) -> list[str]:
    """All data, until the end."""
    return [event.data async for event in stream]


def test_a_lost_connection_is_made_again_after_the_last_event() -> None:
    """With its ID; what was not whole is not given."""

    async def main() -> None:
        server = Server(
            Response([b"retry: 1\nid: 1\ndata: a\n\nid: 2\nda", b"ta: b\n\nid: 3\ndata: lost"]),
            TransportError("can't be reached"),
            Response([b"id: 3\ndata: c\n\n"]),
            Response([], 204, ""),
        )
        stream = server.stream()
        assert await received(stream) == ["a", "b", "c"]
        assert server.asked == ["", "2", "2", "3"]
        assert (stream.last_id, stream.connected, server.followers) == ("3", False, [])

    asyncio.run(main())


@pytest.mark.parametrize(("status", "kind"), [(404, "text/html"), (200, "application/json"), (200, ""), (503, "")])
def test_any_other_answer_ends_it(status: int, kind: str) -> None:
    """As with an EventSource; the error says what came."""

    async def main() -> None:
        response = Response([], status, kind)
        server = Server(response)
        with pytest.raises(TransportError, match=f"HTTP {status}") as caught:
            await received(server.stream())
        assert caught.value.status == status
        assert response.closed.is_set()

    asyncio.run(main())


def test_another_id_begins_another_connection() -> None:
    """At once, although the first one is still open: what comes is no longer the old session's."""

    async def main() -> None:
        first = Response([b"id: 1\ndata: a\n\n", b"..."])
        server = Server(first, Response([b"data: b\n\n", b"..."]))
        async with server.stream(retry=100.0) as stream:
            assert (await stream.__anext__()).data == "a"
            waiting = asyncio.create_task(stream.__anext__())
            await asyncio.sleep(0.01)
            server.followers[0](CHANGED)
            assert (await asyncio.wait_for(waiting, 5)).data == "b"
            assert first.closed.is_set()
        assert server.asked == ["", "1"]

    asyncio.run(main())


def test_another_id_ends_the_wait_for_the_next_try() -> None:
    """Nobody sits it out."""

    async def main() -> None:
        server = Server(TransportError("down"), Response([b"data: b\n\n"]))
        stream = server.stream(retry=100.0)
        waiting = asyncio.create_task(stream.__anext__())
        await asyncio.sleep(0.01)
        assert str(stream.error) == "down"
        server.followers[0](CHANGED)
        assert (await asyncio.wait_for(waiting, 5)).data == "b"
        assert stream.error is None
        stream.close()

    asyncio.run(main())


def test_after_a_log_out_it_begins_anew() -> None:
    """Nothing of the old session is given any more, and nothing of it is told to the server."""

    async def main() -> None:
        server = Server(Response([b"id: 1\ndata: a\n\nid: 2\ndata: b\n\n", b"..."]), Response([b"data: c\n\n", b"..."]))
        async with server.stream() as stream:
            assert (await stream.__anext__()).data == "a"
            server.followers[0](LEFT)
            assert (await stream.__anext__()).data == "c"
        assert server.asked == ["", ""]

    asyncio.run(main())


def test_it_ends_with_the_session() -> None:
    """Nobody waits for more."""

    async def main() -> None:
        server = Server(Response([b"..."]))
        waiting = asyncio.create_task(received(server.stream()))
        await asyncio.sleep(0.01)
        server.followers[0](None)
        assert await asyncio.wait_for(waiting, 5) == []

    asyncio.run(main())


def waits_of(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long is waited between connections from now on, in no time."""
    waits: list[float] = []

    async def bounded(
        coroutine: Any, seconds: float | None, error: Exception, over: asyncio.Event | None = None
    ) -> object:
        if seconds is None:
            return await coroutine
        coroutine.close()
        waits.append(seconds)
        raise error

    monkeypatch.setattr(events, "bounded", bounded)
    return waits


@pytest.mark.parametrize(("said", "waited"), [(b"retry: 0", 0.05), (b"retry: 99999999999", 24 * 3600.0)])
def test_what_the_server_wants_has_bounds(monkeypatch: pytest.MonkeyPatch, said: bytes, waited: float) -> None:
    """Longer timers than browsers know would fire at once."""
    waits = waits_of(monkeypatch)
    monkeypatch.setattr(events.random, "random", lambda: 0.0)

    async def main() -> None:
        assert await received(Server(Response([said + b"\ndata: a\n\n"]), Response([], 204, "")).stream()) == ["a"]

    asyncio.run(main())
    assert waits == [waited]


@pytest.mark.parametrize("first", [Response, lambda parts: TransportError("down")])
def test_it_can_be_closed_at_any_time(first: Callable[[list[bytes]], Any]) -> None:
    """While it reads, and while it waits; then it gives no more."""

    async def main() -> None:
        server = Server(first([b"..."]))
        stream = server.stream(retry=100.0)
        waiting = asyncio.create_task(received(stream))
        await asyncio.sleep(0.01)
        stream.close()
        stream.close()
        assert await asyncio.wait_for(waiting, 5) == []
        assert server.followers == []

    asyncio.run(main())


def test_the_waits_grow_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """And begin anew after an event."""
    waits = waits_of(monkeypatch)
    monkeypatch.setattr(events.random, "random", lambda: 0.0)

    async def main() -> None:
        down = [TransportError("down") for _ in range(5)]
        server = Server(*down, Response([b"data: a\n\n"]), TransportError("down"), Response([], 204, ""))
        assert await received(server.stream(retry=4.0)) == ["a"]

    asyncio.run(main())
    assert waits == [4, 8, 16, 30, 30, 4, 8]


def test_a_stream_of_rubbish_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not tried again."""
    monkeypatch.setattr("pillion.server_sent.MAX_LINE", 10)

    async def main() -> None:
        with pytest.raises(TransportError, match="more than 10 bytes"):
            await received(Server(Response([b"data: " + b"x" * 50])).stream())

    asyncio.run(main())


class Slow(Server):
    """Never answers, and knows who has gone."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0

    async def connect(self, last_id: str) -> Any:
        self.asked.append(last_id)
        try:
            await asyncio.Event().wait()
        finally:
            self.left += 1


def test_a_connection_that_is_being_made_is_given_up() -> None:
    """At once, when nobody wants it any more."""

    async def main() -> None:
        server = Slow()
        stream = server.stream()
        waiting = asyncio.ensure_future(stream.__anext__())
        while not server.asked:
            await asyncio.sleep(0)
        stream.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
        assert server.left == len(server.asked)

    asyncio.run(asyncio.wait_for(main(), 5))


def test_what_is_over_is_not_tried_again() -> None:
    """Such as a signal that is used: nobody wants more."""

    async def main() -> None:
        server = Server(TransportError("aborted"))
        stream = EventStream(server.connect, server.follow, is_over=lambda: True)
        assert await received(stream) == []
        assert (len(server.asked), server.followers) == (1, [])

    asyncio.run(main())
