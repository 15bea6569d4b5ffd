"""`session.websocket`: a WebSocket of the browser's whose first message is the session's ID."""

import asyncio
import json

from pillion import _platform
from pillion._aio import apart, bounded
from pillion.fetching import is_octets, require_browser
from pillion_shared import SessionError, TransportError
from pillion_shared.ids import quotable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pillion.changes import Change
    from pillion.credentials import Credentials


class WebSocket:
    """An open WebSocket that has said whose it is. Iterating over it gives the messages, until it is closed.

    code, reason: how it was closed, 0 and "" until then.
    """

    def __init__(self) -> None:
        self.code = 0
        self.reason = ""
        self._socket: Any = None
        self._messages: list[str | bytes] = []
        self._heard = asyncio.Event()
        self._ends: list[Callable[[], None]] = []

    @classmethod
    async def connect(
        cls,
        credentials: "Credentials",
        follow: "Callable[[Callable[[Change | None], object]], Callable[[], None]]",
        url: str,
        protocols: "list[str]",
        field: str,
        seconds: float,
    ) -> "WebSocket":
        """A WebSocket that has sent `{field: ID}`, as JSON; it is closed with its ID, and with the session.

        Raises `SessionError` for an address that may not have the ID, `TransportError` if there is no connection within
        `seconds`.
        """
        require_browser("session.websocket")
        href, is_ours = credentials.destinations.find(url)
        if not is_ours:
            raise SessionError(f"The session's ID doesn't go to {quotable(url)!r}: name its origin in allow_origins.")
        await credentials.wait()
        socket = cls()
        await socket._open(as_websocket(href), protocols, seconds)
        try:
            session_id = await credentials.wait()
            socket.send(json.dumps({field: session_id}))
        except BaseException:
            socket.close()
            raise

        def on_change(change: "Change | None") -> None:
            socket.close(1000, "another session" if change else "no session")

        socket._at_end(follow(on_change))
        return socket

    def send(self, data: "str | bytes") -> None:
        """Sends a message; what the network doesn't take yet, the browser keeps. Raises `TransportError` if closed."""
        if not (is_octets(data) or _platform.is_of_js(data)):
            raise TypeError(f"A {type(data).__name__} is no message: send text, json.dumps(...), or bytes.")
        if self.code or not _platform.web().is_open(self._socket):
            raise TransportError("The WebSocket is closed.")
        _platform.web().send_to(self._socket, data)

    async def receive(self) -> "str | bytes | None":
        """The next message, `None` when there comes no more."""
        return await apart(self._received())

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Ends it. code: 1000, or 3000 to 4999. reason: up to 123 bytes. Raises `ValueError` for others."""
        if not (code == 1000 or 3000 <= code <= 4999) or len(reason.encode()) > 123:
            raise ValueError("A WebSocket is closed with 1000, or 3000 to 4999, and a reason of at most 123 bytes.")
        if not self.code:
            self._socket.close(code, reason)
            self._on_close(code, reason)

    def __aiter__(self) -> "WebSocket":
        return self

    async def __anext__(self) -> "str | bytes":
        message = await self.receive()
        if message is None:
            raise StopAsyncIteration
        return message

    async def __aenter__(self) -> "WebSocket":
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    async def _received(self) -> "str | bytes | None":
        while not self._messages and not self.code:
            self._heard.clear()
            await self._heard.wait()
        return self._messages.pop(0) if self._messages else None

    async def _open(self, url: str, protocols: "list[str]", seconds: float) -> None:
        opened: list[Any] = []

        async def begin() -> None:
            opened.append(await _platform.web().open_socket(url, protocols, self._on_message, self._on_close))

        late = TransportError(f"{quotable(url)} took no WebSocket within {seconds:g} s.")
        await bounded(begin(), seconds, late)
        self._socket, forget = opened[0]
        self._at_end(forget)

    def _at_end(self, end: "Callable[[], None]") -> None:
        """Has it called at the end, which may be past."""
        if self.code:
            end()
        else:
            self._ends.append(end)

    def _on_message(self, data: "str | bytes") -> None:
        self._messages.append(data)
        self._heard.set()

    def _on_close(self, code: int, reason: str) -> None:
        if not self.code:
            self.code, self.reason = code, reason
            self._heard.set()
            for end in self._ends:
                end()

    def __repr__(self) -> str:
        return f"<WebSocket {'closed' if self.code else 'open'}>"


def as_websocket(href: str) -> str:
    """The WebSocket's address beside one of http."""
    return "ws" + href[4:] if href.startswith("http") else href
