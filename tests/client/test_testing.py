"""The transport for users' tests, and the check of their storages."""

import asyncio
from typing import Any

import pytest

from client.world import World
from pillion import (
    Client,
    CookieStorage,
    EncodingError,
    IndexedDBStorage,
    MemoryStorage,
    StorageError,
    TransportError,
    WebStorage,
    api,
)
from pillion.testing import Call, MockTransport, check_storage


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


class Drawer(MemoryStorage):
    """A user's, with one fault or none."""

    name = "drawer"

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault

    def get(self, key: str) -> Any:
        found = super().get(key)
        return "undefined" if found is None and self.fault == "undefined" else found

    def set(self, key: str, value: str) -> None:
        if self.fault == "full" and self._values:
            return
        super().set("" if self.fault == "one slot" else key, value.replace(" ", "") if self.fault == "trims" else value)

    def remove(self, key: str) -> None:
        if self.fault == "remove":
            return
        if self.fault == "clear":
            self._values.clear()
        if self.fault == "raises":
            del self._values[key]
        super().remove(key)


@pytest.mark.parametrize(
    "storage", [WebStorage("sessionStorage"), WebStorage("localStorage"), CookieStorage(), IndexedDBStorage()]
)
def test_the_browsers_storages_do_what_a_session_asks(storage: Any, world: World) -> None:
    """And leave nothing behind."""
    window = world.open().windows[0]
    world.loop.run_until_complete(window.start(check_storage(storage)))
    world.run(1)
    assert (window.tab.session, world.local.view(window), world.cookies.view(window)) == ({}, {}, {})
    assert not any(world.database.values())


def test_a_users_storage_does_too() -> None:
    """One without a fault."""
    drawer = Drawer()
    asyncio.run(check_storage(drawer))
    assert drawer._values == {}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("undefined", "drawer: before anything was set, get gives 'undefined' instead of None"),
        ("full", "after set, get gives 'a' instead of"),
        ("trims", "after set, get gives .* instead of '.* 1 refreshed "),
        ("one slot", "after set, get gives None instead of 'a'"),
        ("remove", "after remove, get gives .* instead of None"),
        ("clear", "after remove of another key, get gives None instead of 'b'"),
    ],
)
def test_what_a_storage_does_wrong_is_said(fault: str, said: str) -> None:
    """The first of it."""
    with pytest.raises(AssertionError, match=said):
        asyncio.run(check_storage(Drawer(fault)))


def test_what_a_storage_raises_is_raised() -> None:
    """Removing what is not there is no error; and what is no storage is said."""
    with pytest.raises(KeyError):
        asyncio.run(check_storage(Drawer("raises")))
    with pytest.raises(StorageError, match="has no get"):
        asyncio.run(check_storage(object()))  # type: ignore[arg-type]
