"""Requests, responses, and which transport a place has; the browser's own fetch is tested in browsers."""

import asyncio
from types import SimpleNamespace

import pytest

from pillion import FetchTransport, TransportError, _platform
from pillion.transport import Request, Response, default_transport


def test_no_repr_holds_a_body() -> None:
    """There is a session ID in it."""
    assert repr(Request("/api/query", {}, '{"sessionId": "secret"}')) == "Request('/api/query')"
    assert repr(Response(200, "secret")) == "Response(200)"


def test_outside_a_browser_there_is_none_to_assume() -> None:
    """The error says what to pass."""
    with pytest.raises(TransportError, match=r"transport=ASGITransport\(app\)") as caught:
        default_transport()
    assert (caught.value.status, caught.value.code) == (None, None)


def test_in_a_browser_it_is_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to say so."""
    monkeypatch.setattr(_platform, "IN_BROWSER", True)
    assert isinstance(default_transport(), FetchTransport)


def test_fetch_gets_the_whole_address_and_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the client calls `/api` is the page's; status and text come back as they are."""
    asked: list[object] = []

    async def fetch(*arguments: object) -> tuple[int, str]:
        asked.append(arguments)
        return 502, "no"

    web = SimpleNamespace(locate=lambda url: ("https://page.example" + url, "https://page.example"), post=fetch)
    monkeypatch.setattr(_platform, "IN_BROWSER", True)
    monkeypatch.setattr(_platform, "web", lambda: web)
    response = asyncio.run(FetchTransport().send(Request("/api/query", {"a": "b"}, "body"), 3.5))
    assert (response.status, response.text) == (502, "no")
    assert asked == [("https://page.example/api/query", {"a": "b"}, "body", 3.5)]
