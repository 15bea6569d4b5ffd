"""How many people are looking at the shop."""

import asyncio
import time
from collections.abc import Callable

import pytest

from demo.visitor import Visitor
from pillion import api

GONE_SECONDS = 30


def people(visitor: Visitor) -> int:
    """What every page shows: by the client alone, without a session."""
    return int(asyncio.run(visitor.session.client.query(api.presence.people)))


def test_each_session_is_one_however_many_pages_it_has(visitor: Callable[[], Visitor]) -> None:
    """However often they say so, too; the last page to go takes its owner along."""
    ada, bo = visitor(), visitor()
    assert people(ada) == 0
    for page in ("one", "other", "one"):
        ada.mutation(api.presence.here, page=page)
    assert people(bo) == 1
    bo.mutation(api.presence.here, page="one")
    assert people(bo) == 2
    ada.mutation(api.presence.gone, page="one")
    assert people(bo) == 2
    for _ in range(2):
        ada.mutation(api.presence.gone, page="other")
        assert people(bo) == 1


def test_a_user_is_one_on_all_devices(visitor: Callable[[], Visitor]) -> None:
    """From the log-in on, without a gap; after the log-out the pages are nobody's until they say so again."""
    home, work = visitor(), visitor()
    for each in (home, work):
        each.mutation(api.presence.here, page="page")
    home.log_in("Ada")
    assert people(home) == 2
    work.log_in("Ada")
    assert people(home) == 1
    work.mutation(api.presence.gone, page="page")
    assert people(home) == 1
    home.log_out()
    assert people(home) == 0
    home.mutation(api.presence.here, page="other")
    assert people(home) == 1


def test_what_falls_silent_is_taken_out_by_the_others(
    visitor: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After half a minute, not before; and it may come back."""
    ada, bo = visitor(), visitor()
    start = time.time()
    monkeypatch.setattr(time, "time", lambda: start)
    for each in (ada, bo):
        each.mutation(api.presence.here, page="page")
    for later, there in ((GONE_SECONDS - 1, 2), (GONE_SECONDS + 1, 1)):
        monkeypatch.setattr(time, "time", lambda later=later: start + later)
        bo.mutation(api.presence.here, page="page")
        assert people(bo) == there
    ada.mutation(api.presence.here, page="page")
    assert people(bo) == 2


@pytest.mark.parametrize("page", ["", "x" * 41])
def test_names_that_no_page_has(visitor: Callable[[], Visitor], page: str) -> None:
    assert visitor().refused(api.presence.here, page=page) == "page"
