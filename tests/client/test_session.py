"""The session and its calls, over the mock transport, which sees what the server would."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import pytest

from client.world import World
from pillion import (
    SKIPPED,
    Client,
    InvalidIdError,
    MemoryStorage,
    NotReadyError,
    RefreshError,
    Session,
    SessionId,
    SessionProvider,
    api,
)
from pillion.changes import Change
from pillion.testing import Call, MockTransport
from pillion_shared import show


class Gate(MemoryStorage):
    """A storage whose reading waits until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()

    async def get(self, key: str) -> str | None:  # type: ignore[override]
        await self.open.wait()
        return super().get(key)


def offer(transport: MockTransport, storage: object = "memory", *, ssr_friendly: bool = False) -> SessionProvider:
    """A provider over the mock."""
    return SessionProvider(Client("/api", transport), storage, ssr_friendly=ssr_friendly)  # type: ignore[arg-type]


def sent_ids(transport: MockTransport) -> list[object]:
    """The session IDs that the server would have received, oldest first."""
    return [call.args.get("sessionId") for call in transport.calls]


def test_every_kind_of_call_carries_the_id() -> None:
    """The one of the session, next to the caller's arguments."""
    transport = MockTransport(lambda call: call.args["n"])

    async def main() -> Session:
        with offer(transport) as session:
            for call in (session.query, session.mutation, session.action):
                assert await call(api.a.b, n=7) == 7
            return session

    session = asyncio.run(main())
    assert sent_ids(transport) == [session.id] * 3


def test_a_callers_own_id_wins() -> None:
    """In either spelling."""
    transport = MockTransport(lambda call: None)

    async def main() -> None:
        with offer(transport) as session:
            await session.query(api.a.b, session_id="mine")
            await session.query(api.a.b, {"sessionId": "mine"})

    asyncio.run(main())
    assert sent_ids(transport) == ["mine", "mine"]


def test_without_ssr_friendly_every_call_waits_for_the_id() -> None:
    """Nothing is sent before, nothing is lost."""
    transport = MockTransport(lambda call: call.path)

    async def main() -> None:
        gate = Gate()
        with offer(transport, gate) as session:
            calls = [asyncio.create_task(call(api.a.b)) for call in (session.query, session.mutation, session.action)]
            await asyncio.sleep(0.01)
            assert (transport.calls, session.id, session.state) == ([], None, "unknown")
            gate.open.set()
            assert await asyncio.gather(*calls) == ["a:b"] * 3
            assert sent_ids(transport) == [session.id] * 3

    asyncio.run(main())


def test_ssr_friendly_queries_are_skipped_until_the_id_is_there() -> None:
    """And asking begins the settling, so that a later one is answered."""
    transport = MockTransport(lambda call: "value")

    async def main() -> None:
        gate = Gate()
        with offer(transport, gate, ssr_friendly=True) as session:
            assert await session.query(api.a.b) is SKIPPED
            gate.open.set()
            await session.ready()
            assert await session.query(api.a.b) == "value"

    asyncio.run(main())
    assert len(transport.calls) == 1


def test_ssr_friendly_mutations_and_actions_wait_in_order() -> None:
    """Twenty of both kinds, mixed, arrive in the order of their calls."""
    transport = MockTransport(lambda call: None)

    async def main() -> None:
        gate = Gate()
        with offer(transport, gate, ssr_friendly=True) as session:
            kinds = [session.mutation, session.action]
            calls = [asyncio.create_task(kinds[number % 2](api.a.b, n=number)) for number in range(20)]
            await asyncio.sleep(0.01)
            assert transport.calls == []
            gate.open.set()
            await asyncio.gather(*calls)

    asyncio.run(main())
    numbers = {
        kind: [call.args["n"] for call in transport.calls if call.kind == kind] for kind in ("mutation", "action")
    }
    assert numbers == {"mutation": list(range(0, 20, 2)), "action": list(range(1, 20, 2))}


def test_on_a_server_render_nothing_hangs() -> None:
    """Queries are skipped, ready() settles with an error, and what waits ends when the render does."""
    transport = MockTransport(lambda call: None)

    async def main() -> None:
        with offer(transport, "local", ssr_friendly=True) as session:
            assert await session.query(api.a.b) is SKIPPED
            assert (session.id, session.state) == (None, "unknown")
            assert (session.storage.kind, session.storage.persistent) == ("none", False)
            with pytest.raises(NotReadyError, match="no storage in this place"):
                await session.ready(timeout=0.01)
            call = asyncio.create_task(session.mutation(api.a.b))
            await asyncio.sleep(0.01)
        with pytest.raises(NotReadyError, match="closed"):
            await call

    asyncio.run(main())
    assert transport.calls == []


def test_calls_read_the_id_when_they_are_sent() -> None:
    """A mutation that waits behind another one while the ID is refreshed goes out under the new one."""

    async def main() -> None:
        answer = asyncio.Event()

        async def slow(call: Call) -> None:
            if call.path == "a:first":
                await answer.wait()

        transport = MockTransport(slow)
        with offer(transport) as session:
            old = await session.ready()
            calls = [asyncio.create_task(session.mutation(path)) for path in (api.a.first, api.a.second)]
            await asyncio.sleep(0.01)
            new = await session.refresh()
            answer.set()
            await asyncio.gather(*calls)
            await session.query(api.a.third)
            assert sent_ids(transport) == [old, new, new]

    asyncio.run(main())


def test_the_callback_of_a_refresh_calls_under_the_old_id() -> None:
    """So the server sees both, and can move what should come along."""
    transport = MockTransport(lambda call: None)
    changes: list[Change] = []

    async def main() -> None:
        with offer(transport) as session:
            old = await session.ready()
            session.on_change(changes.append)

            async def login(new: SessionId) -> None:
                await session.mutation(api.users.login, name="ada", new=new)

            new = await session.refresh(login)
            assert old != new == session.id
            assert [call.args for call in transport.calls] == [{"sessionId": old, "name": "ada", "new": new}]
            assert [(change.id, change.reason) for change in changes] == [(new, "refreshed")]

    asyncio.run(main())


def test_calls_made_during_a_refresh_wait_and_go_out_under_the_new_id() -> None:
    """Those of the callback go out under the old one, also from tasks that it starts; nothing is lost between."""

    async def main() -> None:
        transport = MockTransport(lambda call: None)
        with offer(transport) as session:
            old = await session.ready()
            begun = asyncio.Event()

            async def login(new: SessionId) -> None:
                begun.set()
                await asyncio.sleep(0.01)
                await asyncio.gather(session.query(api.users.me), session.mutation(api.users.login, new=new))

            refresh = asyncio.create_task(session.refresh(login))
            await begun.wait()
            kinds = (session.mutation, session.query, session.action, session.mutation)
            calls = [asyncio.create_task(kind(api.cart.add, n=n)) for n, kind in enumerate(kinds)]
            await asyncio.gather(*calls)
            new = await refresh
            sent = {(call.path, call.args["sessionId"]) for call in transport.calls}
            assert sent == {("users:me", old), ("users:login", old), ("cart:add", new)}
            mutations = [call.args.get("n") for call in transport.calls if call.kind == "mutation"]
            assert mutations == [None, 0, 3]

    asyncio.run(main())


def test_calls_made_during_a_refused_refresh_go_out_under_the_old_id() -> None:
    """It stays in force, so they wait only for the outcome."""

    async def main() -> None:
        transport = MockTransport(lambda call: None)
        with offer(transport) as session:
            old = await session.ready()
            calls: list[asyncio.Task[None]] = []

            def refuse(new: SessionId) -> None:
                raise PermissionError("wrong password")

            refresh = asyncio.create_task(session.refresh(refuse))
            calls = [asyncio.create_task(session.mutation(api.a.b)) for _ in range(3)]
            with pytest.raises(PermissionError):
                await refresh
            await asyncio.gather(*calls)
            assert sent_ids(transport) == [old] * 3

    asyncio.run(main())


def test_a_mutation_in_the_line_is_not_sent_after_closing() -> None:
    """Although the session was ready when it was called."""

    async def main() -> None:
        go_on = asyncio.Event()
        transport = MockTransport(lambda call: go_on.wait() if call.path == "a:first" else None)
        client = Client("/api", transport)
        with SessionProvider(client, storage="memory") as session:
            await session.ready()
            first = asyncio.create_task(client.mutation(api.a.first))
            second = asyncio.create_task(session.mutation(api.a.second))
            await asyncio.sleep(0.01)
        go_on.set()
        with pytest.raises(NotReadyError, match="closed"):
            await second
        await first
        assert [call.path for call in transport.calls] == ["a:first"]

    asyncio.run(main())


def test_a_mutation_in_the_line_does_not_cross_a_log_out() -> None:
    """It belongs to the session that ended."""

    async def main() -> None:
        go_on = asyncio.Event()
        transport = MockTransport(lambda call: go_on.wait() if call.path == "a:first" else None)
        with offer(transport) as session:
            await session.ready()
            first = asyncio.create_task(session.mutation(api.a.first))
            second = asyncio.create_task(session.mutation(api.a.second))
            await asyncio.sleep(0.01)
            await session.logout()
            go_on.set()
            with pytest.raises(NotReadyError, match="logged out before this call could be sent"):
                await second
            await first
            assert [call.path for call in transport.calls] == ["a:first"]

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["session", "local"])
def test_who_hears_of_a_log_out_may_call_at_once(kind: str, world: World) -> None:
    """The ID is in force by then, and what the page shows has to come anew; also if the server took its time."""
    window = world.open().windows[0]
    transport = MockTransport(lambda call: None)
    session = window.context.copy().run(lambda: offer(transport, kind).session)

    async def main() -> SessionId:
        await session.ready()
        calls: list[asyncio.Task[None]] = []

        async def after(_change: Change) -> None:
            calls.extend(asyncio.create_task(call(api.a.b)) for call in (session.query, session.mutation))

        session.on_change(after)
        new = await session.logout(lambda: asyncio.sleep(3))
        await asyncio.sleep(0.1)
        await asyncio.gather(*calls)
        return new

    new = world.loop.run_until_complete(window.start(main()))
    assert sent_ids(transport) == [new, new]


@pytest.mark.parametrize("kind", ["session", "local"])
def test_a_mutation_in_the_line_of_a_tab_that_was_frozen_is_sent_under_the_new_id(kind: str, world: World) -> None:
    """Another tab, or a frame of the same one, has refreshed the session meanwhile."""
    tab = world.open()
    window = tab.windows[0]
    other = tab.add_frame() if kind == "session" else world.open().windows[0]
    transport = MockTransport(lambda call: asyncio.sleep(3) if call.path == "a:first" else None)
    sessions = [each.context.copy().run(lambda: offer(transport, kind).session) for each in (window, other)]

    async def call_twice() -> None:
        await asyncio.gather(*(sessions[0].mutation(each) for each in (api.a.first, api.a.second)))

    for session, each in zip(sessions, (window, other), strict=True):
        world.loop.run_until_complete(each.start(session.ready()))
    old = sessions[0].id
    calls = window.start(call_twice())
    world.run(0.5)
    window.stand_still()
    new = world.loop.run_until_complete(other.start(sessions[1].refresh()))
    world.run(10)
    world.loop.release(window)
    world.loop.run_until_complete(calls)
    assert [(call.path, call.args["sessionId"]) for call in transport.calls] == [("a:first", old), ("a:second", new)]


def test_nothing_shows_an_id_whole() -> None:
    """Neither its repr nor its errors."""

    async def main() -> None:
        with offer(MockTransport(lambda call: None)) as session:
            session_id = await session.ready()
            assert repr(session) == f"<Session 'pillion-session' present {show(session_id)}>"
            assert session_id not in repr(vars(session))

    asyncio.run(main())


def test_skipped_is_falsy_and_says_its_name() -> None:
    """`if not items` treats it as nothing yet."""
    assert not SKIPPED
    assert repr(SKIPPED) == "SKIPPED"


def test_a_closed_session_sends_nothing() -> None:
    """Its ID stays in the storage for the next one."""
    storage, transport = MemoryStorage(), MockTransport(lambda call: None)

    async def main() -> None:
        with offer(transport, storage) as session:
            session_id = await session.ready()
        with pytest.raises(NotReadyError, match="closed"):
            await session.mutation(api.a.b)
        with offer(transport, storage) as again:
            assert await again.ready() == session_id

    asyncio.run(main())
    assert transport.calls == []


def test_a_log_in_is_told_as_one_and_carries() -> None:
    """The server gets the new ID under the old one."""
    transport = MockTransport(lambda call: None)
    changes: list[Change] = []

    async def main() -> None:
        with offer(transport) as session:
            old = await session.ready()
            session.on_change(changes.append)
            new = await session.login(lambda new: session.mutation(api.users.login, new=new))
            assert [call.args for call in transport.calls] == [{"sessionId": old, "new": new}]
            assert [(change.id, change.reason, change.origin) for change in changes] == [(new, "login", "here")]

    asyncio.run(main())


def test_a_log_in_joins_a_log_in_and_nothing_else() -> None:
    """Each `before` of another kind is run, one after the other."""

    async def main() -> None:
        ran: list[str] = []

        def before(name: str) -> Callable[..., Awaitable[None]]:
            async def work(*_new: SessionId) -> None:
                await asyncio.sleep(0.01)
                ran.append(name)

            return work

        with offer(MockTransport(lambda call: None)) as session:
            await session.ready()
            got = await asyncio.gather(
                session.refresh(before("refresh")),
                session.login(before("login")),
                session.login(before("login again")),
                session.refresh(before("joins the log-in")),
                session.logout(before("logout")),
            )
            assert ran == ["refresh", "login", "logout"]
            assert len(set(got)) == 3
            assert got[-1] == session.id

    asyncio.run(main())


class DownError(Exception):
    """The server is."""


async def down() -> None:
    await asyncio.sleep(0)
    raise DownError


@pytest.mark.parametrize(
    ("before", "error"),
    [(None, None), (down, DownError), (lambda: asyncio.sleep(60), RefreshError), (lambda: 1 / 0, ZeroDivisionError)],
)
def test_a_log_out_severs_whatever_the_server_says(before: Callable[[], object], error: type[Exception] | None) -> None:
    """The new ID is in force, stored, and told; then the error is raised, and all goes on."""
    changes: list[Change] = []

    async def main() -> None:
        storage, transport = MemoryStorage(), MockTransport(lambda call: None)
        with offer(transport, storage) as session:
            old = await session.ready()
            session.on_change(changes.append)
            with pytest.raises(error) if error else nullcontext():
                assert await session.logout(before, 0.02) != old
            assert storage.get(session.key) == session.id != old
            assert [(change.id, change.reason) for change in changes] == [(session.id, "logout")]
            await session.mutation(api.a.b)
            assert sent_ids(transport) == [session.id]
            assert await session.refresh() == session.id

    asyncio.run(main())


def test_a_log_out_for_which_no_id_can_be_made_fails_and_hangs_nothing() -> None:
    """The old ID is in force, and calls go on."""
    made = ["a" * 20, "bad", "bad"]

    async def main() -> None:
        transport = MockTransport(lambda call: None)
        provider = SessionProvider(Client("/api", transport), "memory", id_generator=lambda: made.pop(0))
        with provider as session:
            await session.ready()
            with pytest.raises(InvalidIdError):
                await session.logout(down)
            await session.mutation(api.a.b)
            assert sent_ids(transport) == ["a" * 20]

    asyncio.run(main())


def test_calls_that_wait_for_a_log_out_belong_to_the_session_that_ends() -> None:
    """They are refused; the one that logs out goes through, and so does what comes afterwards."""

    async def main() -> None:
        transport = MockTransport(lambda call: None)
        with offer(transport) as session:
            old = await session.ready()

            async def before() -> None:
                calls.extend(asyncio.create_task(call) for call in (session.query(api.a.b), session.mutation(api.a.b)))
                await session.mutation(api.users.logout)

            calls: list[asyncio.Task[None]] = []
            begun = asyncio.create_task(session.logout(before))
            await asyncio.sleep(0)
            each = (session.query, session.mutation, session.mutation, session.action, session.action)
            late = [asyncio.create_task(call(api.a.late)) for call in each]
            new = await begun
            for call in late:
                with pytest.raises(NotReadyError, match="logged out before this call could be sent"):
                    await call
            await session.query(api.a.after)
            await asyncio.gather(*calls, return_exceptions=True)
            sent = {(call.path, call.args["sessionId"]) for call in transport.calls if call.path != "a:b"}
            assert sent == {("users:logout", old), ("a:after", new)}

    asyncio.run(main())


def test_calls_made_during_a_refresh_go_out_under_the_old_id_if_it_does_not_hold_them() -> None:
    """It stays valid until the commit."""

    async def main() -> None:
        transport = MockTransport(lambda call: None)
        with offer(transport) as session:
            old, go_on = await session.ready(), asyncio.Event()
            refresh = asyncio.create_task(session.refresh(lambda new: go_on.wait(), hold_calls=False))
            await asyncio.sleep(0.01)
            await asyncio.gather(*(call(api.a.b) for call in (session.query, session.mutation, session.action)))
            go_on.set()
            new = await refresh
            await session.query(api.a.b)
            assert sent_ids(transport) == [old, old, old, new]

    asyncio.run(main())


@pytest.mark.parametrize(("work", "why"), [("login", "function of the new ID"), ("logout", "function of nothing")])
def test_what_is_no_function_is_refused_at_once(work: str, why: str) -> None:
    """Such as a coroutine, which would have begun."""

    async def main() -> None:
        with offer(MockTransport(lambda call: None)) as session, pytest.raises(TypeError, match=why):
            await getattr(session, work)("users:login")

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["session", "local", "cookie", "indexeddb", "memory"])
def test_disposed_it_leaves_nothing_behind(kind: str, world: World) -> None:
    """No lock, channel, listener or claim, however often; waiting calls are told."""
    window = world.open().windows[0]
    client = Client("/api", MockTransport(lambda call: None))

    async def main() -> None:
        for turn in range(60):
            session = SessionProvider(client, kind, idle_timeout=9 if turn % 2 else None).session
            session.start()
            if turn % 3:
                await session.ready()
                await session.query(api.a.b)
            waiting = asyncio.ensure_future(session.ready())
            await asyncio.sleep(turn / 10000)
            session.dispose()
            outcome, *_ = await asyncio.gather(waiting, return_exceptions=True)
            assert isinstance(outcome, (str, NotReadyError))
            with pytest.raises(NotReadyError, match="closed"):
                await session.query(api.a.b)
            session.dispose()

    world.loop.run_until_complete(window.start(main()))
    world.run(5)
    assert world.locks.queues == {}
    assert [channel for channel, endpoints in world.channels.items() if endpoints] == []
    assert window.lives == []
    assert set(window.claims.values()) <= {0}
    assert asyncio.all_tasks(world.loop) == set()
    assert world.faults == []
