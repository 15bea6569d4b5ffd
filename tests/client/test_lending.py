"""A page lends its session to a worker; test_borrowing.py shows the worker's side, test_workers.py real workers."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

from pillion import Client, SessionProvider, lend
from pillion.lending import BEFORE, CHANGED, REFRESH, REFRESHED, SESSION
from pillion.testing import MockTransport


def lent(sync: Any) -> tuple[Any, Any]:
    """A page's session, lent by `sync`, and what takes it back."""
    session = SessionProvider(Client("/api", MockTransport(lambda call: call.args)), storage="memory").session
    return session, lend(session, sync)


def test_the_worker_is_told_the_id_and_every_change() -> None:
    """As JSON, until the page takes it back."""

    async def main() -> None:
        sync, told = SimpleNamespace(), []
        session, take_back = lent(sync)
        described = json.loads(await getattr(sync, SESSION)())
        assert described == {
            "id": await session.ready(),
            "storage": ["memory", False, ""],
            "origin": "new",
            "parent": None,
            "held": False,
            "page": None,
        }
        setattr(sync, CHANGED, told.append)
        new = await session.refresh()
        take_back()
        await session.refresh()
        assert [json.loads(each) for each in told] == [[new, "refreshed", "here"]]
        assert not hasattr(sync, SESSION)

    asyncio.run(main())


def test_a_refused_callback_leaves_the_old_id_in_force() -> None:
    """The worker says so by False; the page's session stays as it was."""

    async def main() -> None:
        sync = SimpleNamespace()
        session, _ = lent(sync)
        old = await session.ready()

        async def refuse(_new: str) -> str:
            return "false"

        setattr(sync, BEFORE, refuse)
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        setattr(sync, REFRESHED, ended.set_result)
        getattr(sync, REFRESH)("login", 5, True, True, 7)
        told = json.loads(await ended)
        assert (told["id"], told["number"]) == (old, 7)
        assert told["error"]
        assert session.id == old

    asyncio.run(main())


def test_a_worker_that_does_not_listen_harms_nothing() -> None:
    """It asks when it begins."""

    async def main() -> None:
        async def fail(_told: str) -> None:
            raise OSError("no worker")

        session, _ = lent(SimpleNamespace(**{CHANGED: fail}))
        assert await session.refresh() == session.id
        silent, _ = lent(SimpleNamespace())
        assert await silent.refresh() == silent.id

    asyncio.run(main())
