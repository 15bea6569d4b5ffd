"""Many WebSockets of one process that does little else: each says something, and waits to be shown a text.

They know just enough of the protocol: short frames of text that come whole, and pings. What they send is masked with
zeros, so it is sent as it is.
"""

import asyncio
import resource
from collections.abc import Sequence

SECONDS = 120.0
"""How long anything may take."""

_REQUEST = (
    b"GET /api/sync HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


def allow(sockets: int) -> None:
    """Lets this process, and those that it starts, have so many open files, and some more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = sockets + 256
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SystemExit(f"{needed} open files are needed, and {hard} are allowed: ask for fewer sockets.")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class Crowd:
    """The sockets. last: the frame that showed the last of them what it waited for."""

    def __init__(self) -> None:
        self.last = ""
        self._members: list[_Member] = []
        self._awaited = b""
        self._missing = 0
        self._done: asyncio.Future[None] | None = None

    async def connect(self, port: int, openings: Sequence[Sequence[str]], awaited: str) -> None:
        """Makes one socket for each of `openings`, sends it as frames, and waits until each was shown `awaited`."""
        done = self._expect(awaited, len(openings))
        connect = asyncio.get_running_loop().create_connection
        made = await asyncio.gather(
            *(connect(lambda frames=frames: _Member(self, frames), "127.0.0.1", port) for frames in openings)
        )
        self._members = [member for _, member in made]
        await asyncio.wait_for(done, SECONDS)

    async def say(self, text: str, awaited: str, *, by: int | None = None) -> None:
        """Has the first one send a frame, and waits until `by` of them, or else all, were shown `awaited`."""
        done = self._expect(awaited, len(self._members) if by is None else by)
        self._members[0].send(text)
        await asyncio.wait_for(done, SECONDS)

    def leave(self) -> None:
        """Closes them."""
        for member in self._members:
            member.abort()
        self._members = []

    def came(self, frame: bytes) -> None:
        """One of them was sent a text."""
        if self._done is not None and self._awaited in frame:
            self._missing -= 1
            if not self._missing:
                self.last = frame.decode()
                self._done.set_result(None)
                self._done = None

    def failed(self, error: Exception) -> None:
        """One of them is not there any more."""
        if self._done is not None:
            self._done.set_exception(error)
            self._done = None

    def _expect(self, awaited: str, missing: int) -> asyncio.Future[None]:
        self._awaited, self._missing = awaited.encode(), missing
        self._done = asyncio.get_running_loop().create_future()
        return self._done


class _Member(asyncio.Protocol):
    def __init__(self, crowd: Crowd, opening: Sequence[str]) -> None:
        self._crowd = crowd
        self._opening = opening
        self._came = b""
        self._open = self._leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(_REQUEST)

    def data_received(self, data: bytes) -> None:
        self._came += data
        if not self._open:
            head, blank, rest = self._came.partition(b"\r\n\r\n")
            if not blank:
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                self._crowd.failed(RuntimeError(head.decode("latin-1")))
            self._came, self._open = rest, True
            for text in self._opening:
                self.send(text)
        while (frame := _first(self._came)) is not None:
            opcode, start, end = frame
            payload, self._came = self._came[start:end], self._came[end:]
            if opcode == _TEXT:
                self._crowd.came(payload)
            elif opcode == _PING:
                self._write(_PONG, payload)
            elif opcode == _CLOSE:
                self._crowd.failed(RuntimeError(f"The server closed a socket: {payload!r}"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self._leaving:
            self._crowd.failed(error or RuntimeError("The server closed a connection."))

    def send(self, text: str) -> None:
        """Sends a frame."""
        self._write(_TEXT, text.encode())

    def abort(self) -> None:
        """Leaves at once."""
        self._leaving = True
        self._transport.abort()

    def _write(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            length = bytes((0x80 | size,))
        elif size < 1 << 16:
            length = b"\xfe" + size.to_bytes(2, "big")
        else:
            length = b"\xff" + size.to_bytes(8, "big")
        self._transport.write(bytes((0x80 | opcode,)) + length + bytes(4) + payload)


def _first(came: bytes) -> tuple[int, int, int] | None:
    """The opcode of the first frame, and where its payload is; `None` when it is not there yet."""
    if len(came) < 2:
        return None
    start, end = 2, 2 + came[1]
    if came[1] > 125:
        start += 2 if came[1] == 126 else 8
        if len(came) < start:
            return None
        end = start + int.from_bytes(came[2:start], "big")
    return (came[0] & 0x0F, start, end) if len(came) >= end else None
