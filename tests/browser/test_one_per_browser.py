"""Tabs that start at one instant agree on one ID, as the server received it, whatever keeps it."""

import time
from collections.abc import Callable

import pytest

from browser.site import BLANK, OTHER_HOST, Site
from browser.tabs import Profile, Tab, at_one_instant
from browser.test_one_per_tab import sent
from browser.test_ride import INSTALL
from browser_finder import CHROMIUM
from pillion_shared import is_uuid4

MANY = 20
NO_DATABASE = """() => {
    const open = IDBFactory.prototype.open;
    IDBFactory.prototype.open = function(name, ...version) {
        if (name === "pillion") throw new DOMException("blocked", "SecurityError");
        return open.call(this, name, ...version);
    };
}"""
BUSY_LOOK = """() => {
    const get = IDBObjectStore.prototype.get;
    IDBObjectStore.prototype.get = function(key) {
        const answer = get.call(this, key);
        while (!(Date.now() > (window.idle ??= Date.now() + 5000))) ;
        return answer;
    };
}"""
ADD = "return await use_session().mutation(api.notes.add, text='x')"
READY = "import asyncio\nfrom pillion import *\nclient = Client('/api')\n"
ARRIVE = """
provider = SessionProvider(client, storage={storage!r}, storage_key={key!r})
session = provider.install()
await session.mutation(api.notes.add, text="x")
told = [session.storage.kind, session.storage.why]
provider.uninstall()
return told
"""

pytestmark = [pytest.mark.firefox, pytest.mark.kept_pages]


@pytest.fixture
def crowd(profile: Profile) -> Callable[..., list[Tab]]:
    """Makes a crowd of tabs of one new profile, each with pillion loaded and no session yet."""

    def make(number: int, runtime: str, *, host: str = "localhost") -> list[Tab]:
        return profile.tabs(number, runtime, READY, host=host)

    return make


def arrivals(tabs: list[Tab], site: Site, storage: str, rounds: int, keys: str = "round") -> list[list[str]]:
    """In each round all tabs make the session of a new key and call at once; gives the last round's reports."""
    told: list[list[str]] = []
    for number in range(rounds):
        site.received.clear()
        told = at_one_instant(tabs, ARRIVE.format(storage=storage, key=f"{keys}-{number}"))
        assert len(site.ids()) == len(tabs)
        assert len(set(site.ids())) == 1, f"round {number}"
        assert is_uuid4(site.ids()[0])
    return told


def test_twenty_tabs_open_at_one_instant(crowd: Callable[..., list[Tab]], site: Site, engine: str) -> None:
    """One ID in each of many rounds, for each storage that is the browser's; where tabs are slow, in fewer.

    Without IndexedDB a lock and a settling pause are the fall-back, and the doubt is reported.
    """
    tabs = crowd(MANY, "mpy")
    for storage, kind, rounds in (
        ("local", "localStorage", 30 if engine == CHROMIUM else 5),
        ("cookie", "cookie", 3),
        ("indexeddb", "indexedDB", 3),
    ):
        assert arrivals(tabs, site, storage, rounds) == [[kind, ""]] * MANY
    for tab in tabs:
        tab.page.evaluate(NO_DATABASE)
    for storage, kind, rounds in (("local", "localStorage", 5), ("cookie", "cookie", 3)):
        told = arrivals(tabs, site, storage, rounds, "without-indexeddb")
        assert {report[0] for report in told} == {kind}
        assert all("tabs that start at one instant may disagree" in report[1] for report in told)


def test_many_tabs_on_plain_http(crowd: Callable[..., list[Tab]], site: Site, engine: str) -> None:
    """There are no locks, and none are needed. Twenty tabs, or ten where they are slow to open."""
    tabs = crowd(MANY if engine == CHROMIUM else 10, "mpy", host=OTHER_HOST)
    assert arrivals(tabs, site, "local", 5) == [["localStorage", ""]] * len(tabs)


def test_pages_that_load_at_one_instant(profile: Profile, site: Site) -> None:
    """Not only the session but the whole page starts at once."""
    code = READY + "SessionProvider(client, storage='local').install()\n"
    path = site.page("mpy", code)
    pages = [profile.page(BLANK) for _ in range(10)]
    for page in pages:
        page.evaluate("path => setTimeout(() => { location.href = path }, 500)", path)
    for page in pages:
        Tab(page).run("await use_session().mutation(api.notes.add, text='x')")
    assert len(site.ids()) == len(pages)
    assert len(set(site.ids())) == 1


def test_a_tab_that_is_busy_in_the_middle_of_a_look_holds_up_nobody(profile: Profile, site: Site) -> None:
    """It only reads, so others may too, however late it takes the answer."""
    first, second = profile.tabs(2, "mpy", INSTALL.format(storage="local"))
    ids = sent(site, first, second)
    first.page.evaluate(BUSY_LOOK)
    first.begin(ADD, at=time.time() + 0.2)
    second.page.wait_for_timeout(1000)
    ids += sent(site, second)
    now = second.page.evaluate("Date.now()")
    first.end()
    assert now < first.page.evaluate("window.idle")
    assert len(set(ids)) == 1


def test_both_pythons_open_at_one_instant(crowd: Callable[..., list[Tab]], site: Site) -> None:
    """They agree with each other."""
    tabs = crowd(2, "py")
    other = tabs[0].page.context.new_page()
    other.goto(site.url + site.page("mpy", READY))
    tabs.append(Tab(other))
    for storage in ("local", "cookie", "indexeddb"):
        arrivals(tabs, site, storage, 3)
