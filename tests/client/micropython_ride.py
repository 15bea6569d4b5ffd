"""The client and the shared package on the real MicroPython, outside a browser: a ride with asserts."""

import asyncio

from pillion import (
    Client,
    FunctionError,
    Int64,
    InvalidIdError,
    MemoryStorage,
    NoSessionError,
    NotReadyError,
    RefreshError,
    SessionProvider,
    api,
    is_session_id,
    show,
    use_session,
)
from pillion.cookies import CookieAttributes, cookie_text, cookie_value
from pillion.testing import MockTransport
from pillion_shared import canonical, decode, encode, is_token, is_uuid4, wire


async def raises(error, awaitable):
    """The error that awaiting raises; an AssertionError when it raises none."""
    try:
        await awaitable
    except error as caught:
        return caught
    raise AssertionError("nothing raised")


def values():
    """What travels, arrives; the numbers are written as other clients need them."""
    for value in (
        None,
        True,
        3,
        -0.5,
        0.1 + 0.2,
        2**53,
        "é\u2028",
        b"\x00\xff",
        [1, {"a": Int64(2**60)}],
        float("inf"),
    ):
        assert decode(encode(value)) == value, value
    assert isinstance(decode(encode(Int64(5))), Int64)
    assert wire.call("a:b", wire.arguments({"n": 3})).find('"n": 3.0') > 0
    assert wire.result(200, '{"status": "success", "value": 9007199254740991.0}') == 9007199254740991
    assert canonical("cart.js:add") == "cart:add"
    assert str(api.shop.cart.add) == "shop/cart:add"
    assert repr(api.cart) == "api.cart"
    line = cookie_text("k é", "v;", CookieAttributes(), False, 9)
    assert cookie_value(line, "k é") == "v;"


async def sessions():
    """One ID, kept, carried, refreshed in the article's order, and refused where it must be."""
    transport = MockTransport(lambda call: call.args)
    client = Client("/api", transport)
    storage = MemoryStorage()
    with SessionProvider(client, storage=storage) as session:
        answers = await asyncio.gather(*[session.mutation(api.a.b, n=number) for number in range(5)])
        assert [answer["n"] for answer in answers] == [0, 1, 2, 3, 4]
        assert is_uuid4(session.id)
        assert all(answer["sessionId"] == session.id for answer in answers)
        assert show(session.id) in repr(session)
        assert use_session() is session

        old, told = session.id, []
        session.on_change(told.append)

        meanwhile = []

        async def before(new):
            meanwhile.append(asyncio.create_task(session.mutation(api.a.b, n=9)))
            await asyncio.sleep(0.01)
            assert (await session.mutation(api.users.login, new=new))["sessionId"] == old

        first, second = await asyncio.gather(session.refresh(before), session.refresh(before))
        assert first == second == session.id != old
        assert (await meanwhile[0])["sessionId"] == first
        assert [change.reason for change in told] == ["refreshed"]
        assert [call.path for call in transport.calls].count("users:login") == 1

        await raises(RefreshError, session.refresh(lambda new: session.refresh()))
        await raises(RefreshError, session.refresh(lambda new: asyncio.sleep(60), timeout=0.05))
        assert session.id == first

    with SessionProvider(client, storage=storage) as again:
        assert await again.ready() == first
    with SessionProvider(client, storage="local") as session:
        assert is_session_id(await session.ready())
        assert session.storage.kind == "memory"
        assert "no localStorage outside a page" in session.storage.why
    with SessionProvider(client, storage="memory", id_generator=lambda: "short") as session:
        await raises(InvalidIdError, session.ready())
    try:
        use_session()
        raise AssertionError("a session is left")
    except NoSessionError:
        pass


async def logins():
    """A log-in carries, a log-out severs even if the server is down; both with IDs of 256 bits."""
    transport = MockTransport(lambda call: call.args)
    with SessionProvider(Client("/api", transport), storage="memory", id_format="token") as session:
        ids = [await session.ready()]
        told = []
        session.on_change(told.append)
        ids.append(await session.login(lambda new: session.mutation(api.users.login, new=new)))
        assert transport.calls[0].args == {"sessionId": ids[0], "new": ids[1]}

        waiting = []

        async def leave():
            waiting.append(asyncio.create_task(raises(NotReadyError, session.mutation(api.a.b))))
            await asyncio.sleep(0.01)
            await session.mutation(api.users.logout)

        ids.append(await session.logout(leave))
        assert "logged out" in str(await waiting[0])

        async def fail():
            await asyncio.sleep(0)
            raise OSError("the server is down")

        await raises(OSError, session.logout(fail))
        ids.append(session.id)
        await raises(RefreshError, session.logout(lambda: asyncio.sleep(60), timeout=0.05))
        ids.append(session.id)
        assert len(set(ids)) == 5
        assert all(is_token(each) for each in ids)
        assert [change.reason for change in told] == ["login", "logout", "logout", "logout"]
        assert (await session.mutation(api.a.b))["sessionId"] == ids[-1]


async def failures():
    """A failed function arrives with its data."""

    def refuse(call):
        raise FunctionError({"code": "sold_out"}, "Sold out.")

    error = await raises(FunctionError, Client("/api", MockTransport(refuse)).query(api.a.b))
    assert error.data == {"code": "sold_out"}
    assert str(error) == "Sold out."


values()
await sessions()  # at the top level on purpose: MicroPython awaits differently there
await asyncio.create_task(sessions())
await logins()
await asyncio.create_task(logins())
await failures()
print("the ride is over")
