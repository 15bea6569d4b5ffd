"""The ID at the moment of sending: for calls that wait, and for those that can't."""

import asyncio

import pytest

from pillion import Client, MemoryStorage, NotReadyError, Session, SessionProvider
from pillion.testing import MockTransport

URL = "https://shop.example/cart"


class Slow(MemoryStorage):
    """A storage that is read when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def get(self, key: str) -> str | None:  # type: ignore[override]
        await self.may.wait()
        return super().get(key)


def offer(storage: object = "memory", **options: object) -> SessionProvider:
    """A provider whose client has an address."""
    client = Client("https://shop.example/api", MockTransport(lambda call: None))
    return SessionProvider(client, storage, **options)  # type: ignore[arg-type]


def test_what_waits_gets_the_id_and_what_cannot_is_told_to() -> None:
    """Before it is there, and once it is."""

    async def main() -> None:
        storage = Slow()
        with offer(storage) as session:
            with pytest.raises(NotReadyError, match=r"await session\.ready\(\)"):
                session.headers(URL)
            waiting = asyncio.create_task(session.credentials.wait())
            await asyncio.sleep(0)
            storage.may.set()
            assert await waiting == session.id
            assert session.headers(URL) == {"Authorization": f"Session {session.id}"}
            assert session.headers("https://evil.example/") == {}

    asyncio.run(main())


def test_during_a_refresh_one_waits_and_the_other_is_refused() -> None:
    """But for the refresh's own callback, which has the old ID; and for those that a refresh does not hold up."""

    async def main() -> None:
        with offer() as session:
            old, over = await session.ready(), asyncio.Event()
            inside: list[object] = []

            async def before(_new: object) -> None:
                inside.extend([session.credentials.now(), await session.credentials.wait()])
                await over.wait()

            refreshing = asyncio.create_task(session.refresh(before))
            while not inside:
                await asyncio.sleep(0)
            assert inside == [old, old]
            with pytest.raises(NotReadyError, match="being replaced"):
                session.credentials.now()
            waiting = asyncio.create_task(session.credentials.wait())
            await asyncio.sleep(0.01)
            assert not waiting.done()
            over.set()
            assert await waiting == await refreshing == session.credentials.now() != old

            over.clear()
            inside.clear()
            refreshing = asyncio.create_task(session.refresh(before, hold_calls=False))
            while not inside:
                await asyncio.sleep(0)
            assert session.credentials.now() == await session.credentials.wait() == inside[0]
            over.set()
            await refreshing

    asyncio.run(main())


def test_a_call_that_waits_through_a_log_out_is_refused() -> None:
    """It belongs to what has ended."""

    async def main() -> None:
        with offer() as session:
            await session.ready()
            over = asyncio.Event()
            leaving = asyncio.create_task(session.logout(over.wait))
            await asyncio.sleep(0.01)
            waiting = asyncio.create_task(session.credentials.wait())
            await asyncio.sleep(0.01)
            over.set()
            with pytest.raises(NotReadyError, match="logged out"):
                await waiting
            await leaving

    asyncio.run(main())


def test_an_id_that_has_had_its_time_is_not_used() -> None:
    """What waits gets the next one."""

    async def main() -> None:
        with offer(absolute_timeout=0.05) as session:
            old = await session.ready()
            await asyncio.sleep(0.04)
            while session.credentials.at_once() is not None:
                await asyncio.sleep(0)
            if session.id == old:
                with pytest.raises(NotReadyError):
                    session.credentials.now()
            assert await session.credentials.wait() != old

    asyncio.run(main())


def test_a_closed_session_has_none() -> None:
    """For neither kind."""

    async def main() -> Session:
        with offer() as session:
            await session.ready()
        with pytest.raises(NotReadyError, match="closed"):
            session.credentials.now()
        with pytest.raises(NotReadyError, match="closed"):
            await session.credentials.wait()
        return session

    asyncio.run(main())
