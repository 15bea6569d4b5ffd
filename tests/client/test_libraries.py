"""The session for requests, httpx, urllib3 and urllib: the real ones, against real servers, one of them hostile.

The same libraries in a page, where they are, are tried by browser/test_leaks.py.
"""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import requests
import urllib3

from browser.collector import Collector
from browser.serving import Served
from browser.ways import ALLOWED, CASES, HOSTILE, OWN, Case, faults
from pillion import Client, NotReadyError, Session, SessionError, SessionProvider, TransportError, _platform
from pillion.libraries import auth_of
from pillion.testing import MockTransport

EVIL, SUB, IDN = "evil.test", "localhost.evil.test", "bücher.test"


class Servers:
    """Our own, an allowed and a hostile one."""

    def __init__(self) -> None:
        self.collectors = {name: Collector() for name in (OWN, ALLOWED, HOSTILE)}
        self.served = {name: Served(collector) for name, collector in self.collectors.items()}
        for served in self.served.values():
            served.start()
        own, allowed, hostile = (served.port for served in self.served.values())
        self.origins = {
            "own": f"http://localhost:{own}",
            "OWN": f"HTTP://LOCALHOST:{own}",
            "own_host": f"localhost:{own}",
            "allowed": f"http://127.0.0.1:{allowed}",
            "ALLOWED": f"HTTP://127.0.0.1:{allowed}",
            "port": f"http://localhost:{hostile}",
            "evil": f"http://{EVIL}:{hostile}",
            "EVIL": f"HTTP://{EVIL.upper()}:{hostile}",
            "evil_host": f"{EVIL}:{hostile}",
            "sub": f"http://{SUB}:{hostile}",
            "idn": f"http://{IDN}:{hostile}",
            "blob": "blob:http://localhost/x",
        }

    def provider(self, **options: Any) -> SessionProvider:
        """A session of our own server's."""
        client = Client(self.origins["own"], MockTransport(lambda call: None))
        return SessionProvider(client, "memory", allow_origins=[self.origins["allowed"]], **options)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """All three."""
    servers = Servers()
    yield servers
    for served in servers.served.values():
        served.stop()
        served.give_back()


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of the hostile server lead to this machine."""
    resolve = socket.getaddrinfo

    def resolved(host: Any, *arguments: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        here = name.lower() in (EVIL, SUB, IDN, IDN.encode("idna").decode())
        return resolve("127.0.0.1" if here else host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


Send = Callable[[Session, str], object]


def with_requests(session: Session, url: str) -> None:
    requests.get(url, auth=session.auth, timeout=5)


def with_a_session_of_requests(session: Session, url: str) -> None:
    with requests.Session() as http:
        http.auth = session.auth
        http.post(url, data={"a": 1}, timeout=5)


def with_httpx(session: Session, url: str) -> None:
    httpx.get(url, auth=session.auth, follow_redirects=True, timeout=5)


async def with_async_httpx(session: Session, url: str) -> None:
    async with httpx.AsyncClient(auth=session.auth, follow_redirects=True, timeout=5) as http:
        await http.post(url, json={"a": 1})


def with_urllib3(session: Session, url: str) -> None:
    with urllib3.PoolManager(retries=urllib3.Retry(3)) as http:
        http.request("GET", url, headers=session.headers(url), timeout=5)


def with_urllib(session: Session, url: str) -> None:
    with session.urlopen(url, timeout=5) as response:
        response.read()


WAYS: list[Send] = [
    with_requests,
    with_a_session_of_requests,
    with_httpx,
    with_async_httpx,
    with_urllib3,
    with_urllib,
]
FORGETS = {with_urllib}
"""Those whose redirects lose the ID within an origin, too."""


def expected(send: Send, case: Case) -> tuple[str, ...]:
    """The servers that must see the ID. Nothing is relative here, and nothing that can be read in two ways is sent."""
    if case.is_relative:
        return ()
    return case.ours[:1] if send in FORGETS else case.ours


@pytest.mark.parametrize("send", WAYS)
def test_nobody_sees_the_id_but_those_who_may(servers: Servers, send: Send) -> None:
    """The table of the browsers' tests, outside of browsers."""
    asyncio.run(try_all(servers, send))


async def try_all(servers: Servers, send: Send) -> None:
    """Fails with everything that is not as it should be."""
    for collector in servers.collectors.values():
        collector.clear()
    outcomes = []
    with servers.provider() as session:
        session_id = await session.ready()
        for number, case in enumerate(CASES):
            try:
                outcome = send(session, case.url.format(n=number, **servers.origins))
                if isinstance(outcome, Awaitable):
                    await outcome
                outcomes.append("")
            except Exception as error:
                outcomes.append(repr(error)[:200])
    received = {name: collector.seen for name, collector in servers.collectors.items()}
    wrong = faults(received, session_id, [expected(send, case) for case in CASES], outcomes)
    assert not wrong, "\n".join(wrong)


def test_the_auth_is_what_the_libraries_call_one(servers: Servers) -> None:
    """Those of them that the page has imported."""

    async def main() -> None:
        with servers.provider() as session:
            await session.ready()
            assert isinstance(session.auth, requests.auth.AuthBase)
            assert isinstance(session.auth, httpx.Auth)

    asyncio.run(main())


def test_without_the_libraries_it_is_none_of_theirs(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """And imports none."""
    monkeypatch.delitem(__import__("sys").modules, "requests.auth")
    monkeypatch.delitem(__import__("sys").modules, "httpx")
    with_neither = auth_of(servers.provider().session.credentials)
    assert not isinstance(with_neither, (requests.auth.AuthBase, httpx.Auth))


@pytest.mark.parametrize("send", [with_requests, with_httpx, with_urllib3, with_urllib])
def test_a_synchronous_call_before_the_id_is_there_is_an_error(servers: Servers, send: Send) -> None:
    """That says what to await."""
    servers.collectors[OWN].clear()

    async def main() -> None:
        with servers.provider() as session, pytest.raises(NotReadyError, match=r"await session\.ready\(\)"):
            send(session, servers.origins["own"] + "/any/echo")

    asyncio.run(main())
    assert servers.collectors[OWN].seen == []


def test_an_asynchronous_one_waits(servers: Servers) -> None:
    """And carries the ID."""
    servers.collectors[OWN].clear()

    async def main() -> str:
        with servers.provider() as session:
            await with_async_httpx(session, servers.origins["own"] + "/any/echo")
            return str(session.id)

    session_id = asyncio.run(main())
    (request,) = servers.collectors[OWN].seen
    assert request.headers["authorization"] == [f"Session {session_id}"]


@pytest.mark.parametrize("send", [with_a_session_of_requests, with_httpx, with_async_httpx, with_urllib])
def test_a_refresh_is_followed(servers: Servers, send: Send) -> None:
    """By what was set up before it."""
    url = servers.origins["own"] + "/any/echo"
    servers.collectors[OWN].clear()

    async def main() -> list[str]:
        ids = []
        with servers.provider() as session:
            for _ in range(2):
                ids.append(await session.refresh())
                outcome = send(session, url)
                if isinstance(outcome, Awaitable):
                    await outcome
        return ids

    ids = asyncio.run(main())
    sent = [request.headers["authorization"] for request in servers.collectors[OWN].seen]
    assert sent == [[f"Session {session_id}"] for session_id in ids]


def test_one_auth_kept_by_a_client_follows_too(servers: Servers) -> None:
    """It reads the ID at each request."""
    url = servers.origins["own"] + "/any/echo"
    servers.collectors[OWN].clear()

    async def main() -> list[str]:
        with servers.provider() as session, requests.Session() as http:
            ids = [await session.ready()]
            http.auth = session.auth
            http.get(url, timeout=5)
            ids.append(await session.refresh())
            http.get(url, timeout=5)
        return ids

    ids = asyncio.run(main())
    sent = [request.headers["authorization"] for request in servers.collectors[OWN].seen]
    assert sent == [[f"Session {session_id}"] for session_id in ids]


def test_a_value_of_the_callers_own_wins(servers: Servers) -> None:
    """With every library."""
    url, mine = servers.origins["own"] + "/any/echo", {"authorization": "Bearer mine"}
    servers.collectors[OWN].clear()

    async def main() -> None:
        with servers.provider() as session:
            await session.ready()
            requests.get(url, headers=mine, auth=session.auth, timeout=5)
            httpx.get(url, headers=mine, auth=session.auth)
            session.urlopen(urllib.request.Request(url, headers=mine)).close()

    asyncio.run(main())
    assert [request.headers["authorization"] for request in servers.collectors[OWN].seen] == [["Bearer mine"]] * 3


def test_urllib_sends_data_leaves_the_callers_request_alone_and_raises(servers: Servers) -> None:
    """As `urllib.request.urlopen` does, which drops the data under pyodide-http."""
    url = servers.origins["own"] + "/any/echo"
    servers.collectors[OWN].clear()

    async def main() -> None:
        with servers.provider() as session:
            await session.ready()
            request = urllib.request.Request(url, data=b"a", method="PUT", headers={"X-A": "b"})
            request.add_unredirected_header("X-Once", "c")
            session.urlopen(request).close()
            assert not request.has_header("Authorization")
            session.urlopen(url, b"d").close()
            with pytest.raises(urllib.error.HTTPError) as caught:
                session.urlopen(servers.origins["own"] + "/any/status?404")
            assert caught.value.code == 404
            caught.value.close()

    asyncio.run(main())
    put, post, _ = servers.collectors[OWN].seen
    assert (put.method, put.body, put.headers["x-a"], put.headers["x-once"]) == ("PUT", b"a", ["b"], ["c"])
    assert (post.method, post.body) == ("POST", b"d")


def test_in_a_browser_an_unpatched_urllib_is_said_so(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of failing with what sockets say there; what is patched answers 404 like any page, and that raises."""
    provider = servers.provider()
    monkeypatch.setattr(_platform, "IN_BROWSER", True)
    with pytest.raises(SessionError, match=r"pyodide_http\.patch_urllib\(\)"):
        provider.session.urlopen("http://localhost/")


def test_an_address_that_is_none_is_not_called(servers: Servers) -> None:
    """One that might be read in two ways gets no header."""

    async def main() -> None:
        with servers.provider() as session:
            await session.ready()
            with pytest.raises(TransportError, match="give a whole one"):
                session.headers("https://")
            assert session.headers("http:\\\\localhost\\") == {}

    asyncio.run(main())
