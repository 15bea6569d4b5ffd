"""The last answer."""

import asyncio
import logging

import pytest
from starlette.types import Receive, Scope, Send

from pillion_server.failures import Failures
from server.world import call_asgi

START = {"type": "http.response.start", "status": 200, "headers": []}


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("why")


async def broken_late(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    raise ValueError("why")


def test_an_app_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets the form of the API, the log the reason."""
    answer = asyncio.run(call_asgi(Failures(broken), "GET", "/page", []))
    assert (answer.status, answer.json["code"]) == (500, "InternalServerError")
    assert "why" not in answer.text
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info
    assert "GET /page" in record.getMessage()


def test_after_the_answer_has_begun() -> None:
    """Nothing can be said any more: the connection is to break."""
    with pytest.raises(ValueError, match="why"):
        asyncio.run(call_asgi(Failures(broken_late), "GET", "/page", []))


def test_what_is_no_request() -> None:
    """A lifespan that fails is its server's to report."""

    async def main() -> None:
        async def receive() -> dict[str, object]:
            return {}

        async def send(message: object) -> None:
            raise AssertionError(message)

        await Failures(broken)({"type": "lifespan"}, receive, send)

    with pytest.raises(ValueError, match="why"):
        asyncio.run(main())
