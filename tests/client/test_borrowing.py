"""A worker's session whose owner is the page; one object stands for both ends of PyScript's `sync`."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from pillion import Client, FunctionError, LentStorage, NotReadyError, RefreshError, Session, SessionProvider, api, lend
from pillion.lending import CHANGED, REFRESH, SESSION
from pillion.lending import REFRESHED as DONE
from pillion.testing import Call, MockTransport


def answer(call: Call) -> object:
    """Gives the arguments back; `refuse` fails."""
    if call.path == "a:refuse":
        raise FunctionError({"code": "refused"})
    return call.args


def session(storage: object) -> Session:
    """A session over a mock."""
    return SessionProvider(Client("/api", MockTransport(answer)), storage=storage).session  # type: ignore[arg-type]


def pair() -> tuple[Session, Session, Any]:
    """A page's session, a worker's, and what lends the one to the other."""
    sync = SimpleNamespace()
    page = session("memory")
    return page, session(LentStorage(sync)), lambda: lend(page, sync)


def test_the_worker_has_the_pages_id_whoever_begins() -> None:
    """It waits for a page whose Python starts later."""

    async def main() -> None:
        page, worker, begin = pair()
        call = asyncio.create_task(worker.mutation(api.a.b))
        await asyncio.sleep(0.01)
        assert worker.state == "unknown"
        begin()
        assert (await call)["sessionId"] == page.id == worker.id
        assert (worker.storage.kind, worker.origin, worker.parent) == ("memory", "new", None)

    asyncio.run(main())


def test_a_refresh_of_the_page_reaches_the_worker() -> None:
    """And is told there, once."""

    async def main() -> None:
        page, worker, begin = pair()
        begin()
        await worker.ready()
        told: list[str] = []
        worker.on_change(lambda change: told.append(change.reason))
        new = await page.login(lambda _new: None)
        assert (await worker.query(api.a.b))["sessionId"] == new
        assert told == ["login"]

    asyncio.run(main())


def test_the_workers_refresh_runs_its_callback_under_the_old_id() -> None:
    """The page keeps the new one; calls of the worker wait meanwhile."""

    async def main() -> None:
        page, worker, begin = pair()
        begin()
        old = await worker.ready()
        told: list[str] = []
        worker.on_change(lambda change: told.append(change.origin))
        seen: list[object] = []
        meanwhile: list[asyncio.Task[Any]] = []

        async def before(new: str) -> None:
            meanwhile.append(asyncio.get_running_loop().create_task(elsewhere()))
            seen.append((await worker.mutation(api.a.b, new=new))["sessionId"])
            with pytest.raises(RefreshError, match="inside its own callback"):
                await worker.refresh()

        async def elsewhere() -> Any:
            return await page.query(api.a.b)

        first, second = await asyncio.gather(worker.refresh(before), worker.refresh(before))
        assert seen == [old]
        assert first == second == page.id == worker.id != old
        assert told == ["here"]
        assert (await meanwhile[0])["sessionId"] == first

    asyncio.run(main())


def test_the_workers_own_error_comes_back() -> None:
    """With its data, and nothing has changed; a log-out goes all the same."""

    async def main() -> None:
        page, worker, begin = pair()
        begin()
        old = await worker.ready()
        with pytest.raises(FunctionError) as caught:
            await worker.login(lambda _new: worker.mutation(api.a.refuse))
        assert caught.value.data == {"code": "refused"}
        assert worker.id == page.id == old
        with pytest.raises(FunctionError):
            await worker.logout(lambda: worker.mutation(api.a.refuse))
        assert worker.id == page.id != old

    asyncio.run(main())


def test_a_worker_that_gives_up_has_what_is_in_force_all_the_same() -> None:
    """What the page has told meanwhile; and the late outcome is not taken for the next refresh's."""

    async def main() -> None:
        asked: list[int] = []
        described = {"id": "a" * 20, "storage": ["memory", False, ""], "origin": "new", "parent": None, "held": False}
        sync = SimpleNamespace(
            **{SESSION: lambda: json.dumps(described), REFRESH: lambda *args: asked.append(args[-1])}
        )
        worker = session(LentStorage(sync))
        await worker.ready()
        given_up = asyncio.create_task(worker.refresh())
        await asyncio.sleep(0.01)
        getattr(sync, CHANGED)(json.dumps(["b" * 20, "refreshed", "here"]))
        assert worker.id == "a" * 20
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        assert worker.id == "b" * 20

        following = asyncio.create_task(worker.refresh())
        await asyncio.sleep(0.01)
        for number, new in zip(asked, "bc", strict=True):
            await getattr(sync, DONE)(json.dumps({"id": new * 20, "error": "", "number": number}))
            await asyncio.sleep(0.01)
            assert following.done() is (new == "c")
        assert await following == worker.id == "c" * 20

    asyncio.run(main())


@pytest.mark.parametrize("is_late", [False, True])
def test_calls_of_the_worker_wait_for_the_pages_refresh(is_late: bool) -> None:
    """Also those of one that begins meanwhile; without `hold_calls` they go out under the old ID."""

    async def main() -> None:
        page, worker, begin = pair()
        stop = begin()
        old = await (page if is_late else worker).ready()
        for holds in (True, False):
            over = asyncio.Event()
            refreshed = asyncio.create_task(page.refresh(lambda _new, over=over: over.wait(), hold_calls=holds))
            await asyncio.sleep(0.01)
            call = asyncio.create_task(worker.mutation(api.a.b))
            await asyncio.sleep(0.1)
            assert call.done() is not holds
            over.set()
            assert (await call)["sessionId"] == (await refreshed if holds else old)
            old = await refreshed
        stop()

    asyncio.run(main())


def test_the_workers_refresh_holds_calls_up_or_not_as_it_says() -> None:
    """The page's too."""

    async def main() -> None:
        page, worker, begin = pair()
        begin()
        for holds in (True, False):
            old, over = await worker.ready(), asyncio.Event()
            refreshed = asyncio.create_task(worker.refresh(lambda _new, over=over: over.wait(), hold_calls=holds))
            await asyncio.sleep(0.01)
            calls = [asyncio.create_task(each.query(api.a.b)) for each in (page, worker)]
            await asyncio.sleep(0.1)
            assert [call.done() for call in calls] == [not holds] * 2
            over.set()
            under = await refreshed if holds else old
            assert [(await call)["sessionId"] for call in calls] == [under] * 2
            await refreshed

    asyncio.run(main())


def test_what_waits_in_the_worker_through_a_log_out_of_the_page_is_not_sent() -> None:
    """It belongs to the session that ends."""

    async def main() -> None:
        page, worker, begin = pair()
        begin()
        await worker.ready()
        over = asyncio.Event()
        gone = asyncio.create_task(page.logout(over.wait))
        await asyncio.sleep(0.01)
        call = asyncio.create_task(worker.mutation(api.a.b))
        await asyncio.sleep(0.01)
        over.set()
        with pytest.raises(NotReadyError, match="logged out"):
            await call
        assert (await worker.query(api.a.b))["sessionId"] == await gone

    asyncio.run(main())


def test_a_page_that_lends_no_more_holds_nothing_up() -> None:
    """The worker is told before the telling ends."""

    async def main() -> None:
        page, worker, begin = pair()
        stop = begin()
        await worker.ready()
        over = asyncio.Event()
        refreshed = asyncio.create_task(page.refresh(lambda _new: over.wait()))
        await asyncio.sleep(0.01)
        stop()
        await worker.query(api.a.b)
        over.set()
        await refreshed

    asyncio.run(main())


def test_disposed_it_asks_no_more() -> None:
    """Also when the page never answered."""

    async def main() -> None:
        _, worker, _ = pair()
        call = asyncio.create_task(worker.query(api.a.b))
        await asyncio.sleep(0.01)
        worker.dispose()
        with pytest.raises(NotReadyError, match="closed"):
            await call

    asyncio.run(main())
