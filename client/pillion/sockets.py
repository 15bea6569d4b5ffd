"""The sockets of a live client: the browser's, and elsewhere those of the `websockets` package."""

import asyncio

from pillion import _platform
from pillion._aio import spawn
from pillion_shared import TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, Protocol

    class Socket(Protocol):
        """What a live client holds of a WebSocket; it calls back `opened()`, `heard(message)`, `closed(reason)`."""

        def send(self, text: str) -> None:
            """Sends a text, once it is open; what the network doesn't take yet is kept."""
            ...

        def close(self, reason: str) -> None:
            """Ends it; it calls back no more."""
            ...


GOODBYE_SECONDS = 1.0
"""How long the other side may take to agree to an end."""


def check_address(url: str) -> None:
    """Raises `ValueError` for an address that no socket can be opened to, `TransportError` where there are none."""
    if _platform.IN_BROWSER:
        _platform.web().check_socket(url, [])
    else:
        _library()


def open_socket(
    url: str,
    opened: "Callable[[], None]",
    heard: "Callable[[str | bytes], None]",
    closed: "Callable[[str], None]",
) -> "Socket":
    """A WebSocket that is being opened, `wss://…`; `closed` is called for one that can't be, too."""
    kind = BrowserSocket if _platform.IN_BROWSER else LibrarySocket
    return kind(url, opened, heard, closed)


class BrowserSocket:
    """One of the browser's."""

    def __init__(
        self,
        url: str,
        opened: "Callable[[], None]",
        heard: "Callable[[str | bytes], None]",
        closed: "Callable[[str], None]",
    ) -> None:
        def on_close(_code: int, reason: str) -> None:
            self._forget()
            closed(reason)

        self._socket, self._forget = _platform.web().begin_socket(url, [], opened, heard, on_close)

    def send(self, text: str) -> None:
        _platform.web().send_to(self._socket, text)

    def close(self, reason: str) -> None:
        self._forget()
        self._socket.close(1000, reason)


class LibrarySocket:
    """One of the `websockets` package's."""

    def __init__(
        self,
        url: str,
        opened: "Callable[[], None]",
        heard: "Callable[[str | bytes], None]",
        closed: "Callable[[str], None]",
    ) -> None:
        self._unsent: list[str] = []
        self._due = asyncio.Event()
        self._is_over = False
        self._opened, self._heard, self._closed = opened, heard, closed
        self._task = spawn(self._live(_library(), url))

    def send(self, text: str) -> None:
        self._unsent.append(text)
        self._due.set()

    def close(self, reason: str) -> None:
        self._is_over = True
        self._task.cancel()

    async def _live(self, library: "ModuleType", url: str) -> None:
        reason = ""
        at_end: list[Callable[[], object]] = []
        try:
            async with library.connect(url, max_size=None, ping_interval=None, close_timeout=GOODBYE_SECONDS) as socket:
                at_end.append(socket.transport.abort)  # where there is no time for a goodbye
                self._opened()
                sender = asyncio.create_task(self._send_on(socket))
                at_end.append(sender.cancel)
                async for message in socket:
                    self._heard(message)
                reason = socket.close_reason or ""
        except library.ConnectionClosed as error:
            reason = error.rcvd.reason if error.rcvd is not None else ""
        except (OSError, library.WebSocketException):
            pass  # it can't be reached
        finally:
            for end in at_end:
                end()
            if not self._is_over:
                self._is_over = True
                self._closed(reason)

    async def _send_on(self, socket: "Any") -> None:
        try:
            while True:
                while self._unsent:
                    await socket.send(self._unsent.pop(0))
                self._due.clear()
                await self._due.wait()
        except _library().ConnectionClosed:
            pass  # who reads notices, too


def _library() -> "ModuleType":
    try:
        import websockets
    except ImportError:
        raise TransportError(
            "Live queries outside a browser need the websockets package: pip install 'pillion[live]'."
        ) from None
    return websockets
