"""What a fetch sends and gives back, without a browser; with one it is tried by browser/test_ways_out.py."""

import asyncio
import io
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pillion import Client, SessionId, SessionProvider, TransportError, _platform, fetching
from pillion.fetching import Outgoing, require_browser
from pillion.placing import Placement
from pillion.testing import MockTransport

ID = SessionId("0123456789abcdefghij")
AUTHORIZED = {"Authorization": f"Session {ID}"}


@pytest.mark.parametrize(
    ("placement", "options", "session_id", "wanted"),
    [
        (Placement(), {}, ID, {"headers": AUTHORIZED}),
        (Placement(), {}, None, {}),
        (Placement(), {"redirect": "manual"}, ID, {"headers": AUTHORIZED, "redirect": "manual"}),
        (Placement("X-Id"), {}, ID, {"headers": {"X-Id": ID}, "redirect": "error"}),
        (Placement("X-Id"), {"redirect": "follow"}, ID, {"headers": {"X-Id": ID}, "redirect": "error"}),
        (Placement("X-Id"), {"redirect": "manual"}, ID, {"headers": {"X-Id": ID}, "redirect": "manual"}),
        (Placement("X-Id"), {}, None, {}),
        (Placement(), {"body": "x", "signal": 1}, None, {"body": "x", "signal": 1, "method": "POST"}),
        (Placement(), {"body": b"x", "method": "PUT"}, None, {"body": b"x", "method": "PUT"}),
    ],
)
def test_the_options_have_the_id(
    placement: Placement, options: dict[str, Any], session_id: SessionId | None, wanted: dict[str, Any]
) -> None:
    """Where there is one; whatever else than `Authorization` carries it follows no redirect."""
    before = dict(options)
    assert Outgoing("/x", placement, options).carrying(session_id) == wanted
    assert options == before


def test_json_is_written_once() -> None:
    """With its type, unless the caller has said another one; the ID may be a field of it."""
    assert Outgoing("/x", Placement(), {}, {"a": 1}).carrying(None) == {
        "headers": {"content-type": "application/json"},
        "body": '{"a": 1}',
        "method": "POST",
    }
    options = Outgoing("/x", Placement(field="sid"), {"headers": {"Content-Type": "application/json"}}, {}).carrying(ID)
    assert options["body"] == f'{{"sid": "{ID}"}}'
    assert options["headers"] == {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("target", "placement", "options", "data", "error"),
    [
        ("/x", Placement(), {"body": "a"}, 1, "not both"),
        ("/x", Placement(), {"body": {"a": 1}}, None, "not both"),
        ("/x", Placement(), {}, float("nan"), "JSON"),
    ],
)
def test_what_makes_no_sense_is_refused(
    target: Any, placement: Placement, options: dict[str, Any], data: object, error: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match=error):
        Outgoing(target, placement, options, data)


def test_a_request_has_its_body_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """So there can be no field in it."""
    monkeypatch.setattr(_platform, "is_of_js", lambda value: True)
    monkeypatch.setattr(_platform, "web", lambda: SimpleNamespace(kind_of=lambda value: "Request"))
    with pytest.raises(ValueError, match="has its body already"):
        Outgoing(SimpleNamespace(url="http://shop.example/"), Placement(field="a"), {}, 1)


@pytest.mark.parametrize(
    ("target", "options", "error"),
    [
        ("/x", {"body": {"a": 1}}, "json="),  # `pyscript.fetch` would send "[object Object]"
        ("/x", {"body": io.BytesIO(b"a")}, "BytesIO is no body"),  # and Pyodide what `repr` says
        ("/x", {"data": {"a": 1}}, "'data' is no option of fetch"),
        (None, {}, "NoneType is no address"),
        (b"/x", {}, "bytes is no address"),
    ],
)
def test_what_fetch_would_not_understand_is_refused(target: Any, options: dict[str, Any], error: str) -> None:
    """What it does not know it would leave out, without a word."""
    with pytest.raises(TypeError, match=error):
        Outgoing(target, Placement(), options)


def test_headers_may_be_pairs() -> None:
    """As they may for fetch."""
    outgoing = Outgoing("/x", Placement(), {"headers": [["X-Mine", "2"]]})
    assert outgoing.carrying(ID) == {"headers": {"X-Mine": "2", **AUTHORIZED}}


def test_a_call_that_can_carry_nothing_is_refused() -> None:
    """It would go without the session, and nobody would see."""
    with pytest.raises(ValueError, match="no-cors"):
        Outgoing("/x", Placement(), {"mode": "no-cors"}).carrying(ID)


def test_outside_a_browser_there_is_none() -> None:
    """The error names what there is."""
    with pytest.raises(TransportError, match=r"auth=session\.auth"):
        require_browser("session.fetch")


class Web:
    """The browser's ways out: what they send, and one answer to all of it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.ended = 0
        self.spent = 0.0

    async def fetch(self, target: str, options: dict[str, Any], seconds: float | None, spent: float) -> Any:
        self.sent.append((target, options))
        self.spent = spent
        await asyncio.sleep(0)
        if target == "http://gone.example/":
            raise TransportError("no")
        return SimpleNamespace(status=200, ok=True), self.end

    def end(self) -> None:
        self.ended += 1

    async def read(self, response: Any, how: str, end: Callable[[], None]) -> Any:
        return {"text": '["é"]', "arrayBuffer": b"ab", "blob": "a blob"}[how]

    def octets_of(self, buffer: bytes) -> bytes:
        return buffer


def in_browser(monkeypatch: pytest.MonkeyPatch) -> Web:
    """The ways out that a fetch finds from now on."""
    web = Web()
    monkeypatch.setattr(_platform, "web", lambda: web)
    monkeypatch.setattr(fetching, "require_browser", lambda what: web)
    return web


def offer() -> SessionProvider:
    """A session of the shop's page."""
    client = Client("http://shop.example/api", MockTransport(lambda call: None))
    return SessionProvider(client, "memory")


def test_a_fetch_is_awaited_or_chained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Itself for the response, its methods for the body; but it is sent once, with the ID where it may go."""
    web = in_browser(monkeypatch)

    async def main() -> None:
        with offer() as session:
            once = session.fetch("http://shop.example/")
            response = await once
            assert (response.status, response.ok) == (200, True)
            assert repr(response) == "FetchResponse(200)"
            with pytest.raises(AttributeError):
                response.nothing  # noqa: B018
            for fetched in (once, response, session.fetch("http://evil.example/")):
                assert await fetched.text() == '["é"]'
                assert await fetched.json() == ["é"]
                assert await fetched.bytearray() == bytearray(b"ab")
                assert await fetched.arrayBuffer() == memoryview(b"ab")
                assert await fetched.blob() == "a blob"
            assert await once is response
            assert web.sent == [
                ("http://shop.example/", {"headers": {"Authorization": f"Session {session.id}"}}),
                ("http://evil.example/", {}),
            ]
            assert web.ended == 0
            response.close()
            assert web.ended == 1

    asyncio.run(main())


def test_a_fetch_that_is_under_way_is_not_awaited_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be sent a second time."""
    web = in_browser(monkeypatch)

    async def main() -> None:
        with offer() as session:
            once = session.fetch("http://gone.example/")
            first = asyncio.create_task(once.text())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="awaited already"):
                await once
            with pytest.raises(TransportError):
                await first
            with pytest.raises(RuntimeError, match="has failed"):
                await once.json()

    asyncio.run(main())
    assert len(web.sent) == 1


def test_the_time_of_a_call_counts_while_it_waits_for_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is late then was never sent; what is not has the rest of its time."""
    web = in_browser(monkeypatch)
    made = asyncio.Event()

    async def make() -> str:
        await made.wait()
        return str(uuid.uuid4())

    async def main() -> None:
        client = Client("http://shop.example/api", MockTransport(lambda call: None))
        with SessionProvider(client, "memory", id_generator=make) as session:
            with pytest.raises(TransportError, match="was not sent"):
                await session.fetch("http://shop.example/", timeout=0.05)
            assert web.sent == []
            call = asyncio.ensure_future(session.fetch("http://shop.example/", timeout=5).text())
            await asyncio.sleep(0.05)
            made.set()
            await call
            assert 0.04 < web.spent < 5

    asyncio.run(main())
