"""The transport for users' tests."""

import asyncio

import pytest

from pillion import Client, EncodingError, TransportError, api
from pillion.testing import Call, MockTransport


def test_it_answers_and_remembers() -> None:
    """With the kind, the path and the decoded arguments."""
    transport = MockTransport(lambda call: [call.kind, call.path])
    assert asyncio.run(Client("/api", transport).action(api.mail.send, to="ada")) == ["action", "mail:send"]
    (call,) = transport.calls
    assert (call.kind, call.path, call.args) == ("action", "mail:send", {"to": "ada"})
    assert repr(call) == "Call('action', 'mail:send')"


def test_an_async_answer_and_a_lost_connection() -> None:
    """What real transports do can be played."""

    async def answer(call: Call) -> int:
        await asyncio.sleep(0)
        if call.path == "a:lost":
            raise TransportError("The connection was lost.")
        return 3

    client = Client("/api", MockTransport(answer))
    assert asyncio.run(client.query(api.a.b)) == 3
    with pytest.raises(TransportError, match="lost"):
        asyncio.run(client.query(api.a.lost))


def test_answers_go_through_the_real_encoding() -> None:
    """What the real server could not send fails here as well."""
    with pytest.raises(EncodingError, match="a value of type object can't travel"):
        asyncio.run(Client("/api", MockTransport(lambda call: object())).query(api.a.b))
