"""Live clients outside a browser, against the server as its users start it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import websockets

from client.live_world import Http, LiveWorld, until
from pillion import PENDING, Client, FunctionError, LiveQuery, TransportError
from pillion.optimistic import LocalStore


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """The server of most of these tests, whose notes remain."""
    with LiveWorld(tmp_path_factory.mktemp("live")) as world:
        yield world


def questions(sent: list[dict[str, Any]]) -> list[tuple[str, object]]:
    """What was asked for, and taken back."""
    return [
        (each["type"], each.get("udfPath"))
        for frame in sent
        if frame["type"] == "ModifyQuerySet"
        for each in frame["modifications"]
    ]


async def texts(client: Client) -> LiveQuery:
    """The notes, as they are shown once they are there."""
    query = client.subscribe("notes:texts")
    await until(lambda: query.value is not PENDING)
    return query


def test_a_subscription_shows_what_another_client_does(running: LiveWorld) -> None:
    async def main() -> None:
        async with running.client() as one, running.client() as other:
            told: list[Any] = []
            query = one.subscribe("notes:texts", told.append)
            assert (query.value, query.error, told) == (PENDING, None, [])
            await until(lambda: query.value is not PENDING)
            before = list(query.value)
            await other.mutation("notes:add", text="by another")
            await until(lambda: query.value != before)
            assert query.value == [*before, "by another"]
            assert told == [before, [*before, "by another"]]
            assert one.connection.state == "open"
            assert other.connection.state == "idle"

    asyncio.run(main())


def test_calls_of_a_live_client_are_ordered_and_answered_with_their_effect_in_sight(running: LiveWorld) -> None:
    async def main() -> None:
        async with running.client() as client:
            query = await texts(client)
            before = len(query.value)
            calls = [asyncio.create_task(client.mutation("notes:add", text=str(number))) for number in range(5)]
            assert await calls[0] == before + 1
            assert query.value[before] == "0"
            assert await asyncio.gather(*calls) == [before + number for number in range(1, 6)]
            assert query.value[before:] == ["0", "1", "2", "3", "4"]
            assert await client.action("notes:echo", value=[None, "é"]) == [None, "é"]
            with pytest.raises(FunctionError) as caught:
                await client.mutation("notes:refuse")
            assert caught.value.data == {"code": "refused"}
            http: Any = client._transport
            assert http.sent == 0
            assert await client.query("notes:texts") == query.value
            assert http.sent == 1

    asyncio.run(main())


def test_equal_subscriptions_share_one_which_is_kept_for_a_while(
    running: LiveWorld, sent: list[dict[str, Any]]
) -> None:
    async def main() -> None:
        async with running.client() as client:
            query, told = await texts(client), []
            second = client.subscribe("notes:texts", told.append)
            assert second.value is PENDING
            await until(lambda: bool(told))
            assert (second.value, told) == (query.value, [query.value])
            query.close()
            second.close()
            begin = asyncio.get_running_loop().time()
            third = await texts(client)
            assert questions(sent) == [("Add", "notes:texts")]
            third.close()
            await until(lambda: client.connection.state == "idle")
            assert 0.9 < asyncio.get_running_loop().time() - begin < 5
            await client.mutation("notes:add", text="over HTTP")
            http: Any = client._transport
            assert http.sent == 1
            assert "over HTTP" in (await texts(client)).value

    asyncio.run(main())


def test_a_lost_answer_doubles_nothing(own: LiveWorld, sent: list[dict[str, Any]]) -> None:
    """The connection is cut when the server has committed and says so."""

    async def main() -> None:
        async with own.client() as client:
            query = await texts(client)
            own.proxy.cut_at(b'"MutationResponse"')
            assert await client.mutation("notes:add", text="once") == 1
            assert query.value == ["once"]

    asyncio.run(main())
    assert own.proxy.cuts == 1
    assert [frame["type"] for frame in sent].count("Mutation") == 2
    assert own.call("query", "notes:texts") == ["once"]


def test_a_server_that_goes_away_and_comes_back(own: LiveWorld) -> None:
    """The last value stays in sight; what was done meanwhile is shown, arrives in order, and once."""

    async def main() -> None:
        async with own.client() as client:
            states: list[str] = []
            client.connection.on_change(lambda connection: states.append(connection.state))
            query = await texts(client)
            await client.mutation("notes:add", text="before")
            own.stop()
            await until(lambda: client.connection.state == "waiting")

            def optimistic(text: str) -> Any:
                def update(store: LocalStore) -> None:
                    there: Any = store.get("notes:texts")
                    store.set("notes:texts", [*there, text])

                return update

            calls = [
                asyncio.create_task(client.mutation("notes:add", text=text, optimistic=optimistic(text)))
                for text in ("one", "two")
            ]
            await until(lambda: len(query.value) == 3)
            assert query.value == ["before", "one", "two"]
            assert client.connection.pending == 2
            assert 0 <= (client.connection.oldest_pending or -1) < 20
            assert repr(client.connection).endswith("2 pending>")
            own.start()
            assert await asyncio.gather(*calls) == [2, 3]
            assert query.value == ["before", "one", "two"]
            assert (client.connection.pending, client.connection.oldest_pending) == (0, None)
            assert states[0] == "connecting"
            assert "waiting" in states
            assert states[-1] == "open"

    asyncio.run(main())
    assert own.call("query", "notes:texts") == ["before", "one", "two"]


def test_a_call_that_nobody_waits_for_is_not_sent_later(own: LiveWorld) -> None:
    """By its timeout or cancelled; one that comes after them is."""

    async def main() -> None:
        async with own.client() as client:
            await texts(client)
            own.stop()
            await until(lambda: client.connection.state == "waiting")
            with pytest.raises(TransportError, match=r"notes:add was not sent within 0\.05 s"):
                await client.mutation("notes:add", text="too late", timeout=0.05)
            cancelled = asyncio.create_task(client.mutation("notes:add", text="cancelled"))
            await until(lambda: client.connection.pending == 1)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            assert client.connection.pending == 0
            last = asyncio.create_task(client.mutation("notes:add", text="last"))
            own.start()
            assert await last == 1

    asyncio.run(main())
    assert own.call("query", "notes:texts") == ["last"]


def test_an_action_is_not_sent_twice_and_its_caller_is_told(own: LiveWorld) -> None:
    async def main() -> None:
        async with own.client() as client:
            await texts(client)
            with pytest.raises(TransportError, match=r"took more than 0\.1 s.*it may have run or not"):
                await client.action("notes:slow", timeout=0.1)
            lost = asyncio.create_task(client.action("notes:slow"))
            await asyncio.sleep(0)
            assert await client.action("notes:echo", value=1) == 1  # so the one before has been sent
            own.stop()
            with pytest.raises(TransportError, match="not sent twice"):
                await lost

    asyncio.run(main())


def test_a_query_that_fails_says_so_and_keeps_its_value(own: LiveWorld) -> None:
    """To `on_error`; a page that has none is warned. A watcher gets it raised."""

    async def main() -> None:
        async with own.client() as client:
            told: list[Any] = []
            query = client.subscribe("notes:strict", told.append, on_error=told.append)
            silent = client.subscribe("notes:strict")
            watch = client.watch("notes:strict")
            assert await watch.__anext__() == 0
            assert silent.value == 0
            with pytest.warns(RuntimeWarning, match="notes:strict failed: FunctionError"):
                await client.mutation("notes:add", text="one")
            assert isinstance(query.error, FunctionError)
            assert query.value == 0
            assert told == [0, query.error]
            with pytest.raises(FunctionError, match="too many"):
                await watch.__anext__()
            assert [value async for value in watch] == []

    asyncio.run(main())


def test_watching_gives_the_newest_value_until_it_is_closed(running: LiveWorld) -> None:
    async def main() -> None:
        async with running.client() as client, client.watch("notes:longer", than=1000) as values:
            assert await values.__anext__() == []
            for length in (1001, 1002):
                await client.mutation("notes:add", text="x" * length)
            async for value in values:
                assert [len(text) for text in value] == [1001, 1002]
                asyncio.get_running_loop().call_later(0.01, values.close)

    asyncio.run(main())


def test_callbacks_may_do_what_they_like(running: LiveWorld) -> None:
    """Close, subscribe, call, be async; one that raises harms nobody else."""

    async def main() -> None:
        async with running.client() as client:
            seen: list[Any] = []
            calls: list[asyncio.Task[Any]] = []

            def on_value(value: Any) -> None:
                first.close()
                client.subscribe("notes:longer", lambda value: seen.append(("longer", value)), than=10_000)
                calls.append(asyncio.create_task(client.mutation("notes:add", text="from inside")))

            async def later(value: Any) -> None:
                await asyncio.sleep(0)
                seen.append(("later", value[-1:]))

            def failing(value: Any) -> None:
                raise ValueError("mine")

            first = client.subscribe("notes:texts", on_value)
            client.subscribe("notes:texts", failing)
            client.subscribe("notes:texts", later)
            with pytest.warns(RuntimeWarning, match="the on_value of notes:texts failed: ValueError: mine"):
                await until(lambda: ("longer", []) in seen and ("later", ["from inside"]) in seen)
            await asyncio.gather(*calls)
            assert len(calls) == 1

    asyncio.run(main())


def test_an_update_that_raises_harms_only_its_own_call(running: LiveWorld) -> None:
    """At the call nothing is sent; later it is dropped with a warning, and the call goes on."""

    async def main() -> None:
        async with running.client() as client:
            query = await texts(client)
            before = list(query.value)
            with pytest.raises(ZeroDivisionError):
                await client.mutation("notes:add", text="never", optimistic=lambda _: 1 / 0)
            assert query.value == before
            runs: list[int] = []

            def once(store: LocalStore) -> None:
                runs.append(1)
                if len(runs) > 1:
                    raise KeyError("mine")

            first = asyncio.create_task(client.mutation("notes:add", text="a"))
            with pytest.warns(RuntimeWarning, match="an optimistic update failed: KeyError"):
                await asyncio.gather(first, client.mutation("notes:add", text="b", optimistic=once))
            assert query.value == [*before, "a", "b"]

    asyncio.run(main())


def test_closing_ends_everything(own: LiveWorld) -> None:
    """A call that waits is told; the next subscription begins anew."""

    async def main() -> None:
        async with own.client() as client:
            query, watch = await texts(client), client.watch("notes:texts")
            own.stop()
            await until(lambda: client.connection.state == "waiting")
            waiting = asyncio.create_task(client.mutation("notes:add", text="never"))
            await until(lambda: client.connection.pending == 1)
            client.close()
            client.close()
            with pytest.raises(TransportError, match="closed"):
                await waiting
            assert [value async for value in watch] == []
            assert query.is_closed
            assert client.connection.state == "idle"
            own.start()
            assert (await texts(client)).value == []

    asyncio.run(main())


def test_a_fatal_error_is_told_to_all_and_the_next_begins_anew() -> None:
    async def main() -> None:
        connections: list[Any] = []

        async def refuse(socket: websockets.ServerConnection) -> None:
            connections.append(socket)
            async for text in socket:
                if json.loads(text)["type"] == "Mutation":
                    await socket.send(json.dumps({"type": "FatalError", "error": "No more."}))

        async with websockets.serve(refuse, "127.0.0.1", 0) as server:
            client = Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api", Http())
            told: list[Any] = []
            query = client.subscribe("a:b", on_error=told.append)
            with pytest.raises(TransportError, match=r"No more\."):
                await client.mutation("a:c")
            assert told == [query.error]
            assert isinstance(query.error, TransportError)
            assert client.connection.state == "idle"
            client.subscribe("a:b")
            await until(lambda: len(connections) == 2)
            client.close()

    asyncio.run(main())
