"""Live queries of a session, whose ID changes, against the server as its users start it."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from client.live_world import LiveWorld, until
from client.slow import Slow
from pillion import PENDING, SKIPPED, NotReadyError, SessionId, SessionProvider, TransportError
from pillion.session_queries import SessionStore


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """The server of most of these tests: each has a session of its own."""
    with LiveWorld(tmp_path_factory.mktemp("live")) as world:
        yield world


def test_a_session_sees_its_own_at_once(running: LiveWorld) -> None:
    """Its mutations go over the socket, too, with the ID."""

    async def main() -> None:
        async with running.client() as client:
            with SessionProvider(client, storage="memory") as session:
                query = session.subscribe("notes:own")
                await until(lambda: query.value == [])
                assert await session.mutation("notes:add_own", text="tea") == 1
                assert query.value == ["tea"]
                http: Any = client._transport
                assert http.sent == 0

    asyncio.run(main())


def test_a_refresh_keeps_the_last_value_in_sight(running: LiveWorld) -> None:
    """Nothing but values of the session is ever shown, and none twice."""

    async def main() -> None:
        async with running.client() as client:
            with SessionProvider(client, storage="memory") as session:
                told: list[Any] = []
                query = session.subscribe("notes:own", told.append)
                await session.mutation("notes:add_own", text="tea")
                await until(lambda: query.value == ["tea"])

                async def before(new: SessionId) -> None:
                    await session.mutation("notes:move", new=new)

                await session.refresh(before)
                assert query.value in (["tea"], [])
                await session.mutation("notes:add_own", text="honey")
                assert query.value == ["tea", "honey"]
                assert PENDING not in told
                told.clear()
                await session.login(before)
                assert query.value is not PENDING
                await session.mutation("notes:add_own", text="jam")
                assert PENDING not in told

    asyncio.run(main())


def test_a_log_out_shows_nothing_of_the_session_before(own: LiveWorld) -> None:
    """At once, also when the server is away; nor do its optimistic updates go on in the next one."""

    async def main() -> None:
        async with own.client() as client:
            with SessionProvider(client, storage="memory") as session:
                told: list[Any] = []
                query = session.subscribe("notes:own", told.append)
                await until(lambda: query.value == [])
                await session.mutation("notes:add_own", text="mine")
                own.stop()
                await until(lambda: client.connection.state == "waiting")

                def optimistic(store: SessionStore) -> None:
                    there: Any = store.get("notes:own")
                    store.set("notes:own", [*(there or []), "more"])

                late = asyncio.create_task(session.mutation("notes:add_own", text="more", optimistic=optimistic))
                await until(lambda: query.value == ["mine", "more"])
                await session.logout()
                assert query.value is PENDING
                assert told[-1] is PENDING
                told.clear()
                own.start()
                assert await late == 2
                await until(lambda: query.value is not PENDING)
                assert told == [[]]

    asyncio.run(main())


def test_an_optimistic_update_follows_a_refresh(own: LiveWorld) -> None:
    async def main() -> None:
        async with own.client() as client:
            with SessionProvider(client, storage="memory") as session:
                query = session.subscribe("notes:own")
                await until(lambda: query.value == [])
                ids: list[SessionId | None] = []
                others = 0

                def optimistic(store: SessionStore) -> None:
                    ids.append(session.id)
                    there: Any = store.get("notes:own")
                    store.set("notes:own", [*(there or []), "soon"])

                for _ in range(5):
                    own.stop()
                    await until(lambda: client.connection.state == "waiting")
                    ids.clear()
                    call = asyncio.create_task(session.mutation("notes:add_own", text="soon", optimistic=optimistic))
                    await until(lambda: query.value == ["soon"])
                    begun = len(ids)
                    new = await session.refresh()
                    assert query.value == ["soon"]
                    own.start()
                    await call
                    await until(lambda: query.value == [])  # nobody has moved it
                    assert new not in ids[:begun]
                    assert set(ids[begun:]) <= {new}
                    others += len(ids) - begun
                    if others:
                        break  # else the answer came with the queries, and there was nothing to update any more
                assert others

    asyncio.run(main())


def test_a_subscription_waits_for_the_id(running: LiveWorld) -> None:
    async def main() -> None:
        async with running.client() as client:
            storage = Slow()
            with SessionProvider(client, storage=storage) as session:
                query = session.subscribe("notes:own")
                assert client.connection.state == "idle"
                assert query.value is PENDING
                storage.may.set()
                await until(lambda: query.value == [])

    asyncio.run(main())


def test_an_ssr_friendly_session_skips_until_the_id_is_there(running: LiveWorld) -> None:
    """On a server for ever; a watcher sees it, too."""

    async def main() -> None:
        async with running.client() as client:
            with SessionProvider(client, ssr_friendly=True) as session:
                query = session.subscribe("notes:own")
                assert await session.watch("notes:own").__anext__() is SKIPPED
                await asyncio.sleep(0.05)
                assert query.value is SKIPPED
                assert client.connection.state == "idle"
            storage = Slow()
            with SessionProvider(client, storage=storage, ssr_friendly=True) as session:
                values = session.watch("notes:own")
                assert await values.__anext__() is SKIPPED
                storage.may.set()
                assert await values.__anext__() == []

    asyncio.run(main())


def test_a_subscription_tells_why_there_is_no_id_and_tries_again(
    running: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillion.session_queries.RETRY_SECONDS", 0.01)

    async def main() -> None:
        async with running.client() as client:
            made: list[str] = []

            def make() -> str:
                made.append("0123456789abcdef0123456789abcdef" if made else "short")
                return made[-1]

            with SessionProvider(client, storage="memory", id_generator=make) as session:
                told: list[Any] = []
                query = session.subscribe("notes:own", told.append, on_error=told.append)
                await until(lambda: query.value == [])
                assert [type(each).__name__ for each in told] == ["InvalidIdError", "list"]
                assert query.error is None

    asyncio.run(main())


def test_a_storage_that_fails_is_told_too(running: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an `id_generator` raises; and at once where there can be no connection at all."""
    monkeypatch.setattr("pillion.session_queries.RETRY_SECONDS", 0.01)

    async def main() -> None:
        async with running.client() as client:
            made: list[str] = []

            def make() -> str:
                made.append("0123456789abcdef0123456789abcdef")
                if len(made) == 1:
                    raise LookupError("no ID today")
                return made[0]

            with SessionProvider(client, storage="memory", id_generator=make) as session:
                told: list[Any] = []
                query = session.subscribe("notes:own", told.append, on_error=told.append)
                await until(lambda: isinstance(query.value, list))
                assert [type(each).__name__ for each in told] == ["LookupError", "list"]
                monkeypatch.setitem(sys.modules, "websockets", None)
                with pytest.raises(TransportError, match=r"pip install"):
                    session.subscribe("notes:own")
                monkeypatch.undo()

    asyncio.run(main())


def test_the_end_of_a_session_is_the_end_of_its_queries(running: LiveWorld) -> None:
    """The connection goes with the last of them; those of the client stay."""

    async def main() -> None:
        async with running.client() as client:
            with SessionProvider(client, storage="memory") as session:
                watch, query = session.watch("notes:own"), session.subscribe("notes:own")
                await until(lambda: query.value == [])
                session.dispose()
                with pytest.raises(NotReadyError):
                    await session.mutation("notes:add_own", text="never")
                assert query.is_closed
                assert [value async for value in watch] == []
            await until(lambda: client.connection.state == "idle")

    asyncio.run(main())


def test_a_store_of_a_session_knows_its_own_and_the_public_ones(running: LiveWorld) -> None:
    async def main() -> None:
        async with running.client() as client:
            first = SessionProvider(client, storage="memory").session
            second = SessionProvider(client, storage="memory").session
            queries = [
                first.subscribe("notes:own"),
                second.subscribe("notes:own"),
                client.subscribe("notes:longer", than=9),
            ]
            await until(lambda: all(query.value is not PENDING for query in queries))
            seen: list[Any] = []

            def optimistic(store: SessionStore) -> None:
                seen.append((store.all("notes:own"), store.get("notes:own"), len(store.public.all("notes:own"))))
                seen.append((store.get("notes:own", session_id=second.id), store.public.get("notes:longer", than=9)))
                store.public.set("notes:longer", ["public"], than=9)

            await first.mutation("notes:add_own", text="tea", optimistic=optimistic)
            assert seen[:2] == [([({}, [])], [], 2), ([], [])]
            first.dispose()
            second.dispose()

    asyncio.run(main())
