"""The last answer: what goes wrong beside the function API is logged, and answered in its form.

It stands inside the CORS middleware, so that a page of another origin may read that answer too.
"""

import logging

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pillion_shared.wire import refusal

_logger = logging.getLogger("pillion_server")


class Failures:
    """Answers with status 500 where the app raised before it answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            if begun:
                raise
            _logger.exception("%s %s could not be answered", scope["method"], scope["path"])
            await JSONResponse(internal_error(), 500)(scope, receive, send)


def internal_error() -> dict[str, object]:
    """What a caller is told."""
    return refusal("InternalServerError", "The server failed; its log says how.")
