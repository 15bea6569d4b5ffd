"""Mutations that outlive their page, on the server as its users start it: each arrives once, in its order."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest

from client.disks import Disk, Page
from client.live_world import Http, LiveWorld, until
from pillion import Client, MemoryStorage, NotReadyError, Session, SessionProvider
from pillion.delivering import DAY
from pillion.outbox import LONGEST_DAYS


def numbers(sent: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Under what the mutations were sent: the client session ID of the last `Connect`, and their number."""
    found, client_id = [], ""
    for frame in sent:
        client_id = frame.get("sessionId", client_id)
        if frame["type"] == "Mutation":
            found.append((client_id, frame["requestId"]))
    return found


def client(world: LiveWorld, page: Page) -> Client:
    return Client(world.url, Http(), outbox=page)


async def leave(world: LiveWorld, disk: Disk, *texts: str) -> None:
    """A page makes mutations that don't reach the server, and crashes."""
    page = disk.page()
    one = client(world, page)
    calls = [asyncio.create_task(one.mutation("notes:add", text=text)) for text in texts]
    before = len(disk.texts)
    await until(lambda: len(disk.texts) == before + len(texts))
    await crash(one, page, *calls)


async def crash(client: Client, page: Page, *calls: "asyncio.Task[Any]") -> None:
    page.crash()
    client.close()
    for call in calls:
        call.cancel()
        with suppress(BaseException):
            await call


async def delivered(client: Client, disk: Disk) -> None:
    await until(lambda: not disk.texts and client.connection.pending == 0)


def test_nothing_is_kept_of_what_has_been_answered(own: LiveWorld) -> None:
    """All mutations go over the socket, without live queries too; failures are answers."""

    async def main() -> None:
        disk = Disk()
        one = client(own, disk.page())
        assert await one.mutation("notes:add", text="a") == 1
        with pytest.raises(Exception, match="refused"):
            await one.mutation("notes:refuse")
        await delivered(one, disk)
        http: Any = one._transport
        assert http.sent == 0
        assert one.outbox is not None
        assert (one.outbox.kind, one.outbox.persistent) == ("disk", True)
        assert (one.connection.state, Client(own.url, Http()).outbox) == ("idle", None)
        one.close()

    asyncio.run(main())


def test_it_is_kept_before_it_is_sent(own: LiveWorld, sent: list[dict[str, Any]]) -> None:
    """And not without those before it; one that is given up meanwhile is neither kept nor sent."""

    async def main() -> None:
        disk = Disk()
        page = disk.page()
        page.writable.clear()
        one = client(own, page)
        calls = [asyncio.create_task(one.mutation("notes:add", text=text)) for text in "abc"]
        await until(lambda: one.connection.pending == 3 and one.connection.state == "open")
        calls[1].cancel()
        await asyncio.wait([calls[1]])
        assert [frame["type"] for frame in sent] == ["Connect", "ModifyQuerySet"]
        page.writable.set()
        assert [await calls[0], await calls[2]] == [1, 2]
        await delivered(one, disk)
        assert own.call("query", "notes:texts") == ["a", "c"]
        one.close()

    asyncio.run(main())


def test_a_crash_before_it_is_sent(own: LiveWorld) -> None:
    """The next page sends all, in order, and its own after them."""

    async def main() -> None:
        disk = Disk()
        own.stop()
        await leave(own, disk, *"abcde")
        two = client(own, disk.page())
        await until(lambda: two.connection.pending == 5)
        assert two.connection.state in ("connecting", "waiting")
        assert (two.connection.oldest_pending or 0) > 0
        last = asyncio.create_task(two.mutation("notes:add", text="f"))
        await until(lambda: two.connection.pending == 6)
        own.start()
        assert await last == 6
        assert own.call("query", "notes:texts") == [*"abcdef"]
        await delivered(two, disk)
        two.close()

    asyncio.run(main())


def test_a_crash_before_the_answer(own: LiveWorld, sent: list[dict[str, Any]]) -> None:
    """The server has run it: it is sent again as the same, and not run again; the one after it is run."""

    async def main() -> None:
        disk = Disk()
        page = disk.page()
        one = client(own, page)
        await one.mutation("notes:add", text="a")
        await until(lambda: one.connection.state == "idle")
        sent.clear()
        query = one.subscribe("notes:texts")
        await until(lambda: query.value == ["a"])
        own.proxy.hold()
        call = asyncio.create_task(one.mutation("notes:add", text="b"))
        await until(lambda: own.call("query", "notes:texts") == ["a", "b"])
        await crash(one, page, call)
        own.proxy.release()
        assert len(disk.texts) == 1
        two = client(own, disk.page())
        await delivered(two, disk)
        assert own.call("query", "notes:texts") == ["a", "b"]
        first, again = numbers(sent)
        assert first == again
        two.close()

    asyncio.run(main())


@pytest.mark.parametrize("cuts", [0, 1])
def test_two_find_it_at_one_instant(own: LiveWorld, cuts: int) -> None:
    """Outside a browser there are no locks, so both send it; the server runs it once. With a lost answer, too."""

    async def main() -> None:
        disk = Disk()
        own.stop()
        await leave(own, disk, *"abc")
        await leave(own, disk, *"xyz")
        clients = [client(own, disk.page()) for _ in range(3)]
        for each in clients:
            await until(lambda each=each: each.connection.pending == 6)
        if cuts:
            own.proxy.cut_at(b'"MutationResponse"')
        own.start()
        for each in clients:
            await delivered(each, disk)
        texts = own.call("query", "notes:texts")
        assert sorted(texts) == [*"abcxyz"]
        assert [text for text in texts if text in "abc"] == [*"abc"]
        assert [text for text in texts if text in "xyz"] == [*"xyz"]
        assert own.proxy.cuts == cuts
        for each in clients:
            each.close()

    asyncio.run(main())


def test_who_delivers_may_crash_too(own: LiveWorld) -> None:
    async def main() -> None:
        disk = Disk()
        own.stop()
        await leave(own, disk, *"abc")
        own.proxy.cut_at(b'"MutationResponse"')
        own.start()
        page = disk.page()
        two = client(own, page)
        await until(lambda: own.proxy.cuts == 1)
        await crash(two, page)
        assert len(disk.texts) == 3
        three = client(own, disk.page())
        await delivered(three, disk)
        assert own.call("query", "notes:texts") == [*"abc"]
        three.close()

    asyncio.run(main())


def test_what_a_closed_client_leaves_is_there_for_the_next(own: LiveWorld) -> None:
    async def main() -> None:
        disk = Disk()
        own.stop()
        one = client(own, disk.page())
        call = asyncio.create_task(one.mutation("notes:add", text="a"))
        await until(lambda: len(disk.texts) == 1)
        one.close()
        with pytest.raises(Exception, match="closed"):
            await call
        own.start()
        two = client(own, disk.page())
        await delivered(two, disk)
        assert own.call("query", "notes:texts") == ["a"]
        two.close()

    asyncio.run(main())


def test_one_that_fails_is_told_and_kept_no_longer(own: LiveWorld) -> None:
    async def main() -> None:
        disk = Disk()
        own.stop()
        page = disk.page()
        one = client(own, page)
        calls = [
            asyncio.create_task(one.mutation("notes:refuse")),
            asyncio.create_task(one.mutation("notes:add", text="a")),
        ]
        await until(lambda: len(disk.texts) == 2)
        await crash(one, page, *calls)
        own.start()
        two = client(own, disk.page())
        await delivered(two, disk)
        assert own.call("query", "notes:texts") == ["a"]
        two.close()

    with pytest.warns(RuntimeWarning, match="notes:refuse, which another page has left, failed: FunctionError"):
        asyncio.run(main())


def test_what_is_too_old_is_not_sent(own: LiveWorld) -> None:
    """The server may not know any more whether it has run."""

    async def main() -> None:
        disk = Disk()
        own.stop()
        await leave(own, disk, "old", "new")
        old = min(disk.texts)
        fields = json.loads(disk.texts[old])
        disk.texts[old] = json.dumps([*fields[:4], fields[4] - LONGEST_DAYS * DAY - 1])
        own.start()
        two = client(own, disk.page())
        await delivered(two, disk)
        assert own.call("query", "notes:texts") == ["new"]
        two.close()

    with pytest.warns(RuntimeWarning, match="notes:add waited in the outbox for more than 13 days"):
        asyncio.run(main())


def session_of(client: Client, storage: MemoryStorage) -> Session:
    return SessionProvider(client, storage=storage).session


def test_it_has_the_session_id_that_it_was_made_under(own: LiveWorld) -> None:
    """A refresh changes nothing of that."""

    async def main() -> None:
        disk, page = Disk(), Disk().page()
        page = disk.page()
        one = client(own, page)
        session = session_of(one, MemoryStorage())
        old = await session.ready()
        own.stop()
        call = asyncio.create_task(session.mutation("notes:add_own", text="a"))
        await until(lambda: len(disk.texts) == 1)
        new = await session.refresh()
        await crash(one, page, call)
        own.start()
        two = client(own, disk.page())
        await delivered(two, disk)
        assert own.call("query", "notes:own", sessionId=old) == ["a"]
        assert own.call("query", "notes:own", sessionId=new) == []
        two.close()

    asyncio.run(main())


def test_a_log_out_leaves_nothing(own: LiveWorld) -> None:
    """Neither what this page has made, also before a refresh, nor what it has found; what others have made stays."""

    async def main() -> None:
        disk, storage = Disk(), MemoryStorage()
        page = disk.page()
        one = client(own, page)
        session = session_of(one, storage)
        await session.ready()
        own.stop()
        left = asyncio.create_task(session.mutation("notes:add_own", text="left"))
        await until(lambda: len(disk.texts) == 1)
        await crash(one, page, left)
        await leave(own, disk, "public")

        two = client(own, disk.page())
        again = session_of(two, storage)
        await until(lambda: two.connection.pending == 2)
        old = await again.ready()
        made = [asyncio.create_task(again.mutation("notes:add_own", text="made"))]
        await until(lambda: len(disk.texts) == 3)
        middle = await again.refresh()
        made.append(asyncio.create_task(again.mutation("notes:add_own", text="made later")))
        await until(lambda: len(disk.texts) == 4)
        new = await again.logout()
        for call in made:
            with pytest.raises(NotReadyError, match="ended before the mutation was sent"):
                await call
        await until(lambda: len(disk.texts) == 1 and two.connection.pending == 1)
        assert not any(each in "".join(disk.texts.values()) for each in (old, middle))
        own.start()
        await again.mutation("notes:add_own", text="after")
        await delivered(two, disk)
        assert own.call("query", "notes:texts") == ["public"]
        assert [own.call("query", "notes:own", sessionId=each) for each in (old, middle, new)] == [[], [], ["after"]]
        two.close()

    asyncio.run(main())


def test_an_id_that_expires_leaves_nothing(own: LiveWorld) -> None:
    async def main() -> None:
        disk = Disk()
        one = client(own, disk.page())
        session = SessionProvider(one, storage=MemoryStorage(), absolute_timeout=2).session
        old = await session.ready()
        own.stop()
        call = asyncio.create_task(session.mutation("notes:add_own", text="a"))
        await until(lambda: len(disk.texts) == 1)
        with pytest.raises(NotReadyError, match="ended before the mutation was sent"):
            await call
        await until(lambda: session.id != old and not disk.texts)
        own.start()
        assert await session.mutation("notes:add_own", text="b") == 1
        assert own.call("query", "notes:own", sessionId=old) == []
        one.close()

    asyncio.run(main())
