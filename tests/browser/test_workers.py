"""The same runtime in a worker: no storage of its own, no relative addresses, no document."""

import pytest

from browser.site import AGENT, IN_PAGE, IN_WORKER, Site
from browser.tabs import Profile, PythonError, Tab, until
from browser.test_ride import LOCAL, MEMORY, SESSION, add, the_id

PAIR = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>pair</title><link rel="icon" href="data:,">
<script type="module" src="./vendor/pyscript/core.js"></script></head><body>
<script type="{type}" config="./{config}">
{page}
</script>
<script type="{type}" config="./{config}" worker>
{worker}
</script></body></html>
"""
BORROWED = """
from pillion import *
from pyscript import sync
import asyncio
import js
borrowed = SessionProvider(Client("/api"), storage=LentStorage(sync)).install()
await asyncio.sleep(0.2)
js.console.log("has asked", borrowed.storage.why)
await borrowed.ready(60)
"""
"""It obeys only once it has the session: MicroPython can't be called while it stands still in a call of its page."""

ADD = "return await use_session().mutation(api.notes.add, text='x')"
LEND = "from js import document\nlend(use_session(), document.querySelector('script[worker]').xworker.sync)"

pytestmark = pytest.mark.firefox


def test_in_a_worker_calls_carry_the_id(profile: Profile, site: Site, runtime: str) -> None:
    """Relative addresses are those of the page; a refresh is followed."""
    tab = profile.tab(runtime, MEMORY, worker=True)
    assert [add(tab), add(tab)] == [1, 2]
    first = the_id(site)
    tab.run("await use_session().refresh()")
    assert add(tab) == 1
    assert the_id(site) != first
    assert site.ids() == [first, first, the_id(site)]


def test_in_a_worker_a_browser_wide_session_is_the_pages(profile: Profile, site: Site) -> None:
    """A worker has no localStorage, but the database that decides; the report says so, and a page has the same ID."""
    tab = profile.tab("mpy", LOCAL, worker=True)
    assert add(tab) == 1
    assert tab.run("return use_session().storage.kind") == "indexedDB"
    assert "a worker has none" in tab.run("return use_session().storage.why")
    assert add(profile.tab("mpy", LOCAL)) == 2
    assert len(set(site.ids())) == 1


@pytest.mark.parametrize("is_isolated", [False, True], ids=["plain", "isolated"])
def test_a_page_hands_its_session_to_its_worker(profile: Profile, site: Site, runtime: str, is_isolated: bool) -> None:
    """With and without COOP and COEP: one ID, and a refresh reaches the other, whichever of them begins it."""
    page, worker = pair(profile, site, runtime, is_isolated)
    assert page.page.evaluate("crossOriginIsolated") is is_isolated
    assert [add(page), add(worker)] == [1, 2]
    old = the_id(site)
    assert worker.run("return (await use_session().fetch('any/echo')).url") == f"{site.url}/any/echo"
    worker.run("globals()['told'] = []\nuse_session().on_change(lambda change: told.append(change.reason))")

    page.run("s = use_session()\nawait s.login(lambda new: s.mutation(api.notes.move, new=new))")
    assert worker.run("while not told:\n    await asyncio.sleep(0.01)\nreturn told") == ["login"]
    assert [add(worker), add(page)] == [3, 4]
    second = the_id(site)
    assert second != old

    worker.run("s = use_session()\nawait s.refresh(lambda new: s.mutation(api.notes.move, new=new))")
    assert [add(page), add(worker)] == [5, 6]
    moves = [call for call in site.received if call.path == "notes:move"]
    assert [(call.session_id, call.args["new"]) for call in moves] == [(old, second), (second, the_id(site))]
    assert worker.run("return use_session().storage.kind") == "sessionStorage"

    with pytest.raises(PythonError, match="Not this time"):
        worker.run("s = use_session()\nawait s.refresh(lambda new: s.mutation(api.notes.refuse, new=new))")
    assert add(worker) == 7


@pytest.mark.parametrize("is_isolated", [False, True], ids=["plain", "isolated"])
def test_calls_of_a_worker_wait_for_its_pages_refresh(
    profile: Profile, site: Site, runtime: str, is_isolated: bool
) -> None:
    """They go out under the new ID; those that must not wait, under the old one."""
    page, worker = pair(profile, site, runtime, is_isolated)
    for holds in (True, False):
        add(page)
        old = the_id(site)
        page.run("globals()['over'] = asyncio.Event()")
        refresh = f"use_session().refresh(lambda new: over.wait(), hold_calls={holds})"
        page.run(f"globals()['refreshing'] = asyncio.create_task({refresh})")
        page.wait_for("use_session().refreshes.is_under_way()")
        if holds:
            worker.wait_for("not use_session()._identity.is_sure()")
        site.received.clear()
        worker.begin(ADD)
        if not holds:
            worker.end()
        page.page.wait_for_timeout(200)
        assert site.ids() == ([] if holds else [old])
        new = page.run("over.set()\nreturn await refreshing")
        if holds:
            worker.end()
        assert site.ids() == [new if holds else old]


def pair(profile: Profile, site: Site, runtime: str, is_isolated: bool) -> tuple[Tab, Tab]:
    """A page, and its worker, which has asked already when the page lends."""
    path = f"/pair-{len(site.pages)}.html"
    config = "pyscript.toml" if runtime == "py" else "micropython.toml"
    scripts = {"page": SESSION + AGENT + IN_PAGE, "worker": BORROWED + AGENT + IN_WORKER}
    site.pages[path] = PAIR.format(type=runtime, config=config, **scripts)
    if is_isolated:
        site.isolated.add(path)
    opened = profile.page(path)
    page = Tab(opened)
    until(opened, lambda: any("has asked the page has not lent" in text for text in profile.console))
    page.run(LEND)
    return page, Tab(opened, worker=True)
