"""The client: calls by name, without a session."""

import asyncio

import pytest

from pillion import Client, EncodingError, FunctionError, PathError, TransportError, api
from pillion.testing import Call, MockTransport
from pillion.transport import Request, Response


def test_each_kind_goes_to_its_own_address() -> None:
    """Under the URL, whether or not that ends with a slash."""
    asked: list[str] = []

    class Recorder:
        async def send(self, request: Request, seconds: float) -> Response:
            asked.append(request.url)
            return Response(200, '{"status": "success", "value": null}')

    async def main() -> None:
        client = Client("/api/", Recorder())
        await client.query(api.cart.get)
        await client.mutation("cart:add")
        await client.action(api.shop.mail.send)

    asyncio.run(main())
    assert asked == ["/api/query", "/api/mutation", "/api/action"]


def test_arguments_are_keywords_and_a_dict_for_the_rest() -> None:
    """The dict is for names that Python can't spell, and for those that are ours."""
    transport = MockTransport(lambda call: call.args)
    result = asyncio.run(Client("/api", transport).query(api.a.b, {"class": "x", "function": 1}, name="tea"))
    assert result == {"class": "x", "function": 1, "name": "tea"}


def test_no_session_is_ever_attached() -> None:
    """Only what the caller passes travels, under its name on the wire."""
    transport = MockTransport(lambda call: None)
    client = Client("/api", transport)
    asyncio.run(client.query(api.a.b))
    asyncio.run(client.query(api.a.b, session_id="given"))
    assert [call.args for call in transport.calls] == [{}, {"sessionId": "given"}]


def test_a_failed_function_raises_with_its_data() -> None:
    """The same class as on the server."""

    def refuse(call: Call) -> object:
        raise FunctionError({"code": "sold_out", "message": "Sold out."})

    with pytest.raises(FunctionError, match=r"Sold out\.") as caught:
        asyncio.run(Client("/api", MockTransport(refuse)).mutation(api.cart.add))
    assert caught.value.data == {"code": "sold_out", "message": "Sold out."}


def test_nothing_is_sent_for_what_can_not_be_called() -> None:
    """Neither a path that is none nor a value that can't travel."""
    transport = MockTransport(lambda call: None)
    client = Client("/api", transport)
    with pytest.raises(PathError):
        asyncio.run(client.query("no path:at-all"))
    with pytest.raises(EncodingError):
        asyncio.run(client.query(api.a.b, value={1, 2}))
    assert transport.calls == []


def test_mutations_run_one_at_a_time_in_order_and_a_failed_one_lets_the_next_go() -> None:
    """Queries and actions don't wait for them."""
    running: list[int] = []
    finished: list[object] = []

    async def answer(call: Call) -> None:
        if call.kind == "mutation":
            running.append(1)
            assert len(running) == 1
            await asyncio.sleep(0.001)
            running.pop()
            if call.args["n"] == 2:
                raise TransportError("cut")
        finished.append(call.args["n"])

    async def main() -> None:
        client = Client("/api", MockTransport(answer))
        calls = [client.mutation(api.a.b, n=n) for n in range(5)]
        outcomes = await asyncio.gather(*calls, client.query(api.a.q, n="query"), return_exceptions=True)
        assert [type(outcome).__name__ for outcome in outcomes] == ["NoneType"] * 2 + ["TransportError"] + [
            "NoneType"
        ] * 3

    asyncio.run(main())
    assert finished[0] == "query"
    assert finished[1:] == [0, 1, 3, 4]


def test_arguments_travel_as_they_were_at_the_call() -> None:
    """What the caller does to them while the mutation waits for its turn changes nothing."""

    async def main() -> None:
        go_on = asyncio.Event()

        async def answer(call: Call) -> object:
            await go_on.wait()
            return call.args

        client = Client("/api", MockTransport(answer))
        items = ["tea"]
        calls = [asyncio.create_task(client.mutation(api.a.b, items=items)) for _ in range(2)]
        await asyncio.sleep(0)
        items.clear()
        go_on.set()
        assert await asyncio.gather(*calls) == [{"items": ["tea"]}] * 2

    asyncio.run(main())


def test_waiting_for_the_turn_is_bounded() -> None:
    """Behind one that is never answered, a mutation is given up unsent; nothing overtakes, and the line goes on."""

    async def main() -> None:
        go_on = asyncio.Event()
        transport = MockTransport(lambda call: go_on.wait())
        client = Client("/api", transport, timeout=0.05)
        first = asyncio.create_task(client.mutation(api.a.b, n=0))
        await asyncio.sleep(0)
        with pytest.raises(TransportError, match=r"a:b was not sent: the mutations before it took more than 0\.05 s"):
            await client.mutation(api.a.b, n=1)
        go_on.set()
        await first
        await client.mutation(api.a.b, n=2)
        assert [call.args["n"] for call in transport.calls] == [0, 2]

    asyncio.run(main())


def test_a_call_may_have_a_time_of_its_own() -> None:
    """In all, whatever it waits for; it also bounds the transport, and another call is not harmed."""
    given: list[float] = []

    class Slow:
        async def send(self, request: Request, seconds: float) -> Response:
            given.append(seconds)
            await asyncio.sleep(0.0 if "fast" in request.body else 60)
            return Response(200, '{"status": "success", "value": 1}')

    async def main() -> None:
        client = Client("/api", Slow())
        for call in (client.query, client.mutation, client.action):
            with pytest.raises(TransportError, match=r"a:slow took more than 0\.01 s"):
                await call("a:slow", timeout=0.01)
            assert await call("a:fast", timeout=50) == 1
            assert await call("a:fast") == 1

    asyncio.run(main())
    assert given == [0.01, 50, 20.0] * 3


def test_an_optimistic_update_has_nothing_to_show_where_there_are_no_live_queries() -> None:
    def never(_: object) -> None:
        raise AssertionError

    client = Client("/api", MockTransport(lambda call: 1))
    assert asyncio.run(client.mutation("a:b", optimistic=never)) == 1
    assert (client.connection.state, client.connection.pending) == ("idle", 0)
    client.close()


def test_nobody_overtakes_in_the_line() -> None:
    """Mutations that come while the turn is being handed over included."""

    async def main() -> None:
        transport = MockTransport(lambda call: asyncio.sleep(0))
        client = Client("/api", transport)
        calls = [asyncio.create_task(client.mutation(api.a.b, n=n)) for n in range(5)]
        number = 5
        while not all(call.done() for call in calls):
            if number < 60:
                calls.append(asyncio.create_task(client.mutation(api.a.b, n=number)))
                number += 1
            await asyncio.sleep(0)
        assert [call.args["n"] for call in transport.calls] == list(range(60))

    asyncio.run(main())


def test_nobody_overtakes_who_has_only_just_come() -> None:
    """One comes, the turn falls free, another comes: all before the first of the two has begun to wait for it."""

    async def main() -> None:
        go_on = asyncio.Event()
        transport = MockTransport(lambda call: go_on.wait())
        client = Client("/api", transport)
        calls = [asyncio.create_task(client.mutation(api.a.b, n=0))]
        await asyncio.sleep(0)
        calls.append(asyncio.create_task(client.mutation(api.a.b, n=1)))
        go_on.set()
        calls.append(asyncio.create_task(client.mutation(api.a.b, n=2)))
        await asyncio.gather(*calls)
        assert [call.args["n"] for call in transport.calls] == [0, 1, 2]

    asyncio.run(main())


def test_outside_a_browser_a_transport_must_be_given() -> None:
    """There is none to assume, and the error says which there are."""
    with pytest.raises(TransportError, match=r"transport=ASGITransport\(app\)"):
        Client("/api")
