"""A refresh among many tabs: it happens once, dies with its tab, and is known everywhere before the next call."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page

from browser.site import Site
from browser.tabs import Profile, Tab, at_one_instant, until
from browser.test_one_per_browser import NO_DATABASE
from browser.test_ride import COOKIE, INSTALL, LOCAL, REPORT, add, the_id
from browser_finder import CHROMIUM

MANY = 20
ADD = "return await use_session().mutation(api.notes.add, text='x')"
MOVE = "session = use_session()\nreturn await session.refresh(lambda new: session.mutation(api.notes.move, new=new))"
TOGETHER = """
import js
session = use_session()

async def before(new):
    while js.heard.count < {others}:
        await asyncio.sleep(0.01)
    await session.mutation(api.notes.move, new=new)

refreshing = asyncio.create_task(session.refresh(before))
while not session.refreshes.is_under_way():
    await asyncio.sleep(0)
js.heard.all.postMessage("I have begun")
return await refreshing
"""
"""`MOVE`, whose callback waits until all others have begun: one that came later would refresh again, by rights."""

HEAR = """() => {
    window.heard ??= { all: new BroadcastChannel('all') };
    heard.all.onmessage = () => { heard.count += 1 };
    heard.count = 0;
}"""
HANG = """
session = use_session()
async def before(new):
    await session.mutation(api.notes.move, new=session.id)
    await asyncio.Event().wait()
await session.refresh(before)
"""
CHANGES = """
changes = []
globals()["changes"] = changes
use_session().on_change(lambda change: changes.append([change.reason, change.origin]))
"""
MUTE = "BroadcastChannel.prototype.postMessage = () => {};"
TARGETS = {"visibilitychange": "document", "resume": "document", "change": "cookieStore"}
"""Where events happen that don't happen to the window."""

pytestmark = [pytest.mark.firefox, pytest.mark.kept_pages]


def refreshes(tabs: list[Tab], site: Site, rounds: int) -> None:
    """All tabs refresh at one instant: it is done once, all agree, and the data has come along."""
    add(tabs[0])
    for tab in tabs:
        tab.run(CHANGES)
    notes = 1
    for number in range(rounds):
        old = tabs[0].run("return use_session().id")
        for tab in tabs:
            tab.page.evaluate(HEAR)
        site.received.clear()
        told = at_one_instant(tabs, TOGETHER.format(others=len(tabs) - 1))
        (move,) = site.received
        assert move.session_id == old, f"round {number}"
        new = move.args["new"]
        assert set(told) == {new} != {old}
        site.received.clear()
        at_one_instant(tabs, ADD)
        notes += len(tabs)
        assert set(site.ids()) == {new}
    assert add(tabs[0]) == notes + 1
    changes = [tab.run("return changes") for tab in tabs]
    assert sum(change == ["refreshed", "here"] for each in changes for change in each) == rounds
    assert sum(change == ["refreshed", "elsewhere"] for each in changes for change in each) == rounds * (len(tabs) - 1)
    assert {len(each) for each in changes} == {rounds}
    for tab in tabs:
        tab.page.evaluate("() => heard.all.close()")


@pytest.mark.parametrize("storage", ["local", "cookie", "indexeddb"])
def test_twenty_tabs_refresh_at_one_instant(profile: Profile, site: Site, engine: str, storage: str) -> None:
    """The callback runs once in each round, as the server sees it; each tab hears of each change once."""
    tabs = profile.tabs(MANY, "mpy", INSTALL.format(storage=storage))
    refreshes(tabs, site, 10 if (engine, storage) == (CHROMIUM, "local") else 3)


@pytest.mark.fresh_pages("they have no IndexedDB from the start")
def test_tabs_without_indexed_db_refresh_at_one_instant(profile: Profile, site: Site) -> None:
    """The fall-back's lock does as well."""
    profile.before_each_page(f"({NO_DATABASE})()")
    refreshes(profile.tabs(10, "mpy", LOCAL), site, 3)


def test_both_pythons_refresh_at_one_instant(profile: Profile, site: Site) -> None:
    """They do it once between them."""
    tabs = profile.tabs(2, "py", LOCAL)
    refreshes([*tabs, *profile.tabs(2, "mpy", LOCAL)], site, 3)


def test_a_tab_that_is_closed_in_its_callback_leaves_the_old_id(profile: Profile, site: Site, runtime: str) -> None:
    """The next one takes over at once, and the old ID has been in force all the time."""
    dies_in_its_callback(profile, site, runtime, lambda page: page.close())


@pytest.mark.fresh_pages("a crash may take others along")
@pytest.mark.chromium("Firefox lets no test of Playwright's crash a page.")
def test_a_tab_that_crashes_in_its_callback_leaves_the_old_id(profile: Profile, site: Site, runtime: str) -> None:
    """Then too."""

    def crash(page: Page) -> None:
        with suppress(Error):
            page.goto("chrome://crash", timeout=3000, wait_until="commit")

    dies_in_its_callback(profile, site, runtime, crash)


def dies_in_its_callback(profile: Profile, site: Site, runtime: str, die: Callable[[Page], None]) -> None:
    """One tab dies there, and another one's refresh waits for that."""
    dying = profile.tab(runtime, LOCAL)
    add(dying)
    old = the_id(site)
    other = profile.twin(dying)
    dying.begin(HANG)
    other.run("await use_session().ready()")
    until(other.page, lambda: bool(site.ids("notes:move")))
    other.begin(MOVE)
    site.received.clear()
    die(dying.page)
    new = other.end()
    (move,) = site.received
    assert (move.session_id, move.args["new"]) == (old, new)
    assert add(other) == 2
    assert the_id(site) == new
    third = profile.twin(other)
    assert add(third) == 3


@pytest.mark.parametrize("code", [LOCAL, COOKIE, INSTALL.format(storage="session")], ids=["local", "cookie", "session"])
def test_a_storage_that_fails_after_the_callback(profile: Profile, site: Site, code: str) -> None:
    """The data has moved, so the new ID is in force, in memory; the report and one warning say so."""
    tab = profile.tab("mpy", code)
    add(tab)
    tab.run(
        "import js\nsession = use_session()\nasync def before(new):\n"
        "    await session.mutation(api.notes.move, new=new)\n    js.spoil()\n"
        "globals()['before'] = before"
    )
    tab.page.evaluate(
        """() => { window.spoil = () => {
            IDBFactory.prototype.open = () => { throw new DOMException("gone", "UnknownError") };
            Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError") };
            Object.defineProperty(document, "cookie", { get: () => "", set: () => {} });
        } }"""
    )
    new = tab.run("return await use_session().refresh(before)")
    assert [add(tab), add(tab)] == [2, 3]
    assert the_id(site) == new
    report = tab.run(REPORT)
    assert report[:2] == ["memory", False]
    assert report[2]
    assert new not in report[2]
    assert len([text for text in profile.console if "kept in memory" in text]) == 1


def test_the_first_call_after_another_tabs_refresh_is_under_the_new_id(profile: Profile, site: Site) -> None:
    """However soon it comes: the other page is told nothing that it could wait for."""
    first, second = profile.tabs(2, "mpy", LOCAL)
    add(first)
    add(second)
    for _ in range(20):
        new = first.run("return await use_session().refresh()")
        add(second)
        assert the_id(site) == new


@pytest.mark.fresh_pages("they hear nothing of each other from the start")
@pytest.mark.parametrize(
    ("storage", "events"),
    [
        ("indexeddb", ["focus", "storage", "pageshow", "visibilitychange", "resume", "change"]),
        ("local", [""]),
        ("cookie", [""]),
    ],
    ids=["by an event", "by a write to localStorage", "by a write to a cookie"],
)
def test_a_page_that_is_woken_looks_by_itself(profile: Profile, site: Site, storage: str, events: list[str]) -> None:
    """By each event that there is, where nothing is heard from the other tab: no call is needed."""
    profile.before_each_page(MUTE)
    first, second = profile.tabs(2, "mpy", INSTALL.format(storage=storage))
    add(first)
    add(second)
    first.run(CHANGES)
    for number, event in enumerate(events):
        new = second.run("return await use_session().refresh()")
        if event:
            first.page.wait_for_timeout(100)
            assert first.run("return len(changes)") == number, "it has heard of it already"
            kind = "PageTransitionEvent" if event == "pageshow" else "Event"
            first.page.evaluate(f"{TARGETS.get(event, 'window')}.dispatchEvent(new {kind}({event!r}))")
        first.wait_for(f"len(changes) == {number + 1}")
        assert first.run("return use_session().id") == new
