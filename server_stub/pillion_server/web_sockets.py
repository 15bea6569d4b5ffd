"""uvicorn's WebSockets, but that one whose peer doesn't read doesn't stay when the app is done with it."""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

ABORT_SECONDS = 15.0
"""How long what is still to be sent may take when the app is done with a socket."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Closes like uvicorn's, and then drops the connection if it isn't gone: closing waits for what was written."""

    _abort: asyncio.TimerHandle | None = None

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if not self.disconnected:
            self._abort = self.loop.call_later(ABORT_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._abort is not None:
            self._abort.cancel()
        super().connection_lost(exc)
