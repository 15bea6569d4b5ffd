"""Refreshes under way; test_identity.py and test_session.py show them at work."""

import asyncio

import pytest

from pillion import NotReadyError, RefreshError
from pillion.record import LOGIN, LOGOUT, REFRESHED
from pillion.refreshing import Refresh, Refreshes
from pillion_shared import SessionId

NEW = SessionId("n" * 20)


def test_all_who_wait_get_its_outcome() -> None:
    """An ID, an error, or that it was cancelled; also those who come late."""

    async def outcomes(session_id: SessionId | None, error: Exception | None) -> list[object]:
        refresh = Refresh(REFRESHED)
        waiting = [asyncio.create_task(refresh.outcome()) for _ in range(2)]
        await asyncio.sleep(0)
        refresh.end(session_id, error)
        late = refresh.outcome()
        return list(await asyncio.gather(*waiting, late, return_exceptions=True))

    assert asyncio.run(outcomes(NEW, None)) == [NEW] * 3
    error = PermissionError("no")
    assert asyncio.run(outcomes(None, error)) == [error] * 3
    cancelled = asyncio.run(outcomes(None, None))
    assert [str(each)[:40] for each in cancelled] == ["The refresh that this call joined was ca"] * 3


def test_its_own_tasks_are_inside_and_others_are_not() -> None:
    """Those that its callback creates included; waiting for itself is refused."""

    async def main() -> None:
        refresh = Refresh(REFRESHED)
        entered = asyncio.Event()

        async def callback() -> bool:
            refresh.enter()
            entered.set()
            with pytest.raises(RefreshError, match="inside its own callback"):
                await refresh.outcome()
            return await asyncio.create_task(inside())

        async def inside() -> bool:
            return refresh.contains_caller()

        task = asyncio.create_task(callback())
        await entered.wait()
        assert not refresh.contains_caller()
        assert await task

    asyncio.run(main())


@pytest.mark.parametrize(
    ("under_way", "comes", "joins"),
    [
        (REFRESHED, REFRESHED, True),
        (LOGIN, REFRESHED, True),
        (LOGOUT, REFRESHED, True),
        (LOGIN, LOGIN, True),
        (LOGOUT, LOGOUT, True),
        (REFRESHED, LOGIN, False),
        (REFRESHED, LOGOUT, False),
        (LOGIN, LOGOUT, False),
        (LOGOUT, LOGIN, False),
    ],
)
def test_one_joins_its_like_and_follows_others(under_way: str, comes: str, joins: bool) -> None:
    """Either way it waits for the one under way."""

    async def main() -> None:
        refreshes = Refreshes()
        assert await refreshes.joined(comes) is None
        refresh = refreshes.begin(under_way, holds_calls=True)
        second = asyncio.create_task(refreshes.joined(comes))
        await asyncio.sleep(0)
        assert not second.done()
        refreshes.end(refresh, NEW, None)
        assert await second == (NEW if joins else None)
        assert not refreshes.is_under_way()

    asyncio.run(main())


def test_calls_are_held_up_unless_they_are_part_of_it() -> None:
    """Or the refresh lets them go."""

    async def main() -> None:
        refreshes = Refreshes()
        assert not refreshes.hold_up()
        refresh = refreshes.begin(REFRESHED, holds_calls=False)
        assert not refreshes.hold_up()
        refreshes.end(refresh, None, None)
        refresh = refreshes.begin(REFRESHED, holds_calls=True)
        assert refreshes.hold_up()

        async def callback() -> None:
            refresh.enter()
            assert not refreshes.hold_up()
            assert refreshes.contains_caller()
            with pytest.raises(RefreshError, match="inside its own callback"):
                refreshes.refuse_inside()

        await asyncio.create_task(callback())
        refreshes.refuse_inside()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("reason", "session_id", "severs"), [(LOGOUT, NEW, True), (LOGOUT, None, False), (REFRESHED, NEW, False)]
)
def test_who_waits_through_a_log_out_belongs_to_what_ended(
    reason: str, session_id: SessionId | None, severs: bool
) -> None:
    """One that has come into force."""

    async def main() -> None:
        refreshes = Refreshes()
        refresh = refreshes.begin(reason, holds_calls=True)
        severed = refreshes.severed
        waits = asyncio.create_task(refreshes.over())
        await asyncio.sleep(0)
        refreshes.end(refresh, session_id, None)
        await waits
        if severs:
            with pytest.raises(NotReadyError, match="logged out before"):
                refreshes.check(severed)
        else:
            refreshes.check(severed)
        refreshes.check(refreshes.severed)
        await refreshes.over()

    asyncio.run(main())


def test_one_that_was_given_up_and_ends_late_ends_no_other() -> None:
    """Its callback would not be cancelled."""

    async def main() -> None:
        refreshes = Refreshes()
        first = refreshes.begin(REFRESHED, holds_calls=True)
        refreshes.end(first, None, None)
        second = refreshes.begin(REFRESHED, holds_calls=True)
        refreshes.end(first, None, None)
        assert refreshes.current is second

    asyncio.run(main())
