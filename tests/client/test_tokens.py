"""Users of a client, with a server that checks their tokens: over HTTP and on the socket."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from client.disks import Disk
from client.live_world import until
from pillion import PENDING, Client, NotReadyError, Request, Response, TransportError
from pillion.sockets import LibrarySocket
from pillion.tokens import Tokens
from server.tokens import AUDIENCE, ISSUER, SHOP, Issuer
from server.world import Process, serving, write_functions

KINDS = (("query", "shop:me"), ("mutation", "shop:who"), ("action", "shop:act"))


class Http:
    """A transport that keeps what it was given."""

    def __init__(self, server: Process) -> None:
        self._server = server
        self.sent: list[Request] = []

    async def send(self, request: Request, seconds: float) -> Response:
        self.sent.append(request)
        return await asyncio.to_thread(self._post, request)

    def _post(self, request: Request) -> Response:
        connection = self._server.connect()
        connection.request("POST", "/api/" + request.url.rpartition("/")[2], request.body, request.headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return Response(answer.status, text)


class User:
    """Whose tokens are asked for: each is what `make` gives. asked: with what. told: what on_change was."""

    def __init__(self, *tokens: str | None) -> None:
        self.tokens = list(tokens)
        self.asked: list[bool] = []
        self.told: list[bool] = []

    async def fetch(self, is_fresh: bool) -> str | None:
        self.asked.append(is_fresh)
        return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]

    def login(self, client: Client) -> None:
        client.set_auth(self.fetch, self.told.append)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    """Who signs."""
    return Issuer("ES256")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[Process]:
    """A server that checks its tokens."""
    path: Path = tmp_path_factory.mktemp("tokens")
    options = ("--jwks", str(issuer.write(path / "jwks.json")), "--issuer", ISSUER, "--audience", AUDIENCE)
    with serving(write_functions(path / "functions", shop=SHOP), path / "x.sqlite3", *options) as process:
        yield process


@asynccontextmanager
async def opened(server: Process) -> AsyncIterator[Client]:
    client = Client(f"http://127.0.0.1:{server.port}/api", Http(server))
    try:
        yield client
    finally:
        client.close()


async def answers(client: Client) -> list[Any]:
    return [await getattr(client, kind)(path) for kind, path in KINDS]


def test_over_http(server: Process, issuer: Issuer) -> None:
    """One token for all calls; logged out, there is none."""

    async def main() -> None:
        async with opened(server) as client:
            ada = User(issuer.token("ada"))
            assert (await answers(client), client.is_authenticated) == ([None] * 3, None)
            ada.login(client)
            assert await answers(client) == ["ada"] * 3
            assert (ada.asked, ada.told, client.is_authenticated) == ([False], [True], True)
            client.set_auth(None)
            assert (ada.told, client.is_authenticated) == ([True, False], False)
            assert await answers(client) == [None] * 3
            http: Any = client._transport
            assert [len(request.headers) for request in http.sent] == [1] * 3 + [2] * 3 + [1] * 3

    asyncio.run(main())


def test_a_token_that_is_refused_over_http(server: Process, issuer: Issuer) -> None:
    """Another one is asked for, twice; after that, and where there is none, the user is nobody."""

    async def main() -> None:
        bad, good = issuer.token("ada", aud="other"), issuer.token("ada")
        async with opened(server) as client:
            ada = User(bad, good)
            ada.login(client)
            assert await client.mutation("shop:who") == "ada"
            assert (ada.asked, ada.told) == ([False, True], [True])
            eve = User(bad)
            eve.login(client)
            with pytest.raises(TransportError, match="audience"):
                await client.query("shop:me")
            assert (eve.asked, eve.told, client.is_authenticated) == ([False, True, True], [False], False)
            assert await answers(client) == [None] * 3
            gone = User(None)
            gone.login(client)
            assert (await client.query("shop:me"), gone.asked, gone.told) == (None, [False], [False])

    asyncio.run(main())


def test_a_token_that_runs_out_over_http(server: Process, issuer: Issuer) -> None:
    """It is renewed before it does."""

    async def main() -> None:
        async with opened(server) as client:
            ada = User(issuer.token("ada", seconds=5), issuer.token("ada"))
            ada.login(client)
            assert [await client.query("shop:me") for _ in range(3)] == ["ada"] * 3
            assert ada.asked == [False, True]

    asyncio.run(main())


def test_live(server: Process, issuer: Issuer) -> None:
    """Queries show what the user of the moment may see."""

    async def main() -> None:
        async with opened(server) as client:
            query = client.subscribe("shop:me")
            await until(lambda: query.value is not PENDING)
            ada, bob = User(issuer.token("ada")), User(issuer.token("bob"))
            ada.login(client)
            await until(lambda: query.value == "ada" and ada.told == [True])
            assert await client.mutation("shop:who") == "ada"
            assert (await answers(client), ada.asked) == (["ada"] * 3, [False])
            client.set_auth(None)
            await until(lambda: query.value is None)
            assert ada.told == [True, False]
            bob.login(client)
            await until(lambda: query.value == "bob")
            assert client.is_authenticated

    asyncio.run(main())


def test_a_token_that_is_refused_live(server: Process, issuer: Issuer) -> None:
    async def main() -> None:
        bad, good = issuer.token("ada", aud="other"), issuer.token("ada")
        async with opened(server) as client:
            ada = User(bad, good)
            ada.login(client)
            query = client.subscribe("shop:me")
            await until(lambda: query.value == "ada")
            assert (ada.asked, ada.told) == ([False, True], [True])
        async with opened(server) as client:
            eve = User(bad)
            eve.login(client)
            query = client.subscribe("shop:me")
            await until(lambda: query.value is None)
            assert (eve.told, client.is_authenticated, eve.asked) == ([False], False, [False, True, True])

    asyncio.run(main())


def test_a_token_that_runs_out_live(server: Process, issuer: Issuer) -> None:
    """It is renewed in time, five seconds at the earliest; nobody is told."""

    async def main() -> None:
        async with opened(server) as client:
            ada = User(issuer.token("ada", seconds=12), issuer.token("grace"))
            ada.login(client)
            query = client.subscribe("shop:me")
            await until(lambda: query.value == "ada")
            await until(lambda: query.value == "grace")
            assert (ada.asked, ada.told) == ([False, True], [True])

    asyncio.run(main())


def test_a_log_out_ends_what_was_not_sent(server: Process, issuer: Issuer) -> None:
    """Nobody else's name is under it. And an outbox keeps nothing of a user's."""

    async def main() -> None:
        disk = Disk()
        client = Client("http://127.0.0.1:9/api", Http(server), outbox=disk.page())
        User(issuer.token("ada")).login(client)
        call = asyncio.create_task(client.mutation("shop:who"))
        await until(lambda: client.connection.pending == 1)
        assert disk.texts == {}
        client.set_auth(None)
        with pytest.raises(NotReadyError, match="The user was logged out before this was sent"):
            await call
        await until(lambda: client.connection.pending == 0)
        client.close()

    asyncio.run(main())


def test_tokens_go_to_the_clients_own_server(server: Process, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the header of calls and in the frame of the socket, and nowhere else; no error shows one."""
    sent: list[str] = []
    send = LibrarySocket.send
    monkeypatch.setattr(LibrarySocket, "send", lambda socket, text: (sent.append(text), send(socket, text))[1])
    token = issuer.token("ada")

    async def main() -> None:
        async with opened(server) as client:
            User(token).login(client)
            query = client.subscribe("shop:me")
            await until(lambda: query.value == "ada")
            await client.query("shop:me")
            http: Any = client._transport
            assert [request.url.startswith(client.url + "/") for request in http.sent] == [True]
            assert [request.headers["authorization"] for request in http.sent] == [f"Bearer {token}"]
            assert token not in repr([*http.sent, client, client.connection]) + http.sent[0].url + http.sent[0].body
        assert [text for text in sent if token in text] == [text for text in sent if '"Authenticate"' in text]

    asyncio.run(main())


def test_a_fetch_that_fails() -> None:
    """Is a warning, without the token, and no token."""

    async def main() -> None:
        tokens = Tokens(lambda: 0)
        tokens.set(lambda is_fresh: "a b", None)
        assert await tokens.get(False) is None

        given = ["abc"]

        def fetch(is_fresh: bool) -> str:
            if given:
                return given.pop()
            raise ValueError("not abc")

        tokens.set(fetch, None)
        assert await tokens.get(False) == "abc"
        assert await tokens.get(True) is None
        with pytest.raises(TypeError, match="takes a function"):
            tokens.set("abc", None)  # type: ignore[arg-type]

    with pytest.warns(RuntimeWarning, match="fetch_token of set_auth failed") as warned:
        asyncio.run(main())
    assert ["abc" in str(each.message) for each in warned] == [False, False]


def test_a_token_of_the_user_before_is_not_used() -> None:
    """Who has logged out while one was fetched."""

    async def main() -> None:
        tokens, go = Tokens(lambda: 0), asyncio.Event()

        async def fetch(is_fresh: bool) -> str:
            await go.wait()
            return "late"

        tokens.set(fetch, None)
        getting = asyncio.create_task(tokens.get(False))
        await asyncio.sleep(0)
        tokens.set(lambda is_fresh: "new", None)
        go.set()
        assert (await getting, await tokens.get(False)) == (None, "new")

    asyncio.run(main())
