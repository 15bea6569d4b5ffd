"""What happens to a tab on its way, and leaves it its ID: downloads, other pages, the back/forward cache."""

from collections.abc import Iterator
from contextlib import nullcontext, suppress

import pytest
from playwright.sync_api import Error

from browser.engines import Engines
from browser.site import BLANK, NOTHING, Site
from browser.tabs import Profile, Tab, until
from browser.test_one_per_tab import STORY, opened, sent
from browser.test_real_duplicates import STORED, copied
from browser.test_ride import LOCAL, SESSION
from browser_finder import FIREFOX

LINK = """([url, download]) => {
    const link = document.createElement('a');
    link.href = url;
    if (download) link.download = 'file';
    document.body.append(link);
    link.click();
}"""
LIVE = LOCAL + "session = use_session()\nnotes = session.subscribe(api.notes.list)\n"
NO_FINALIZERS = "window.FinalizationRegistry = class { register() {} unregister() {} }"
REMEMBER = "() => { window.here = 1; addEventListener('pageshow', event => { window.shown = event.persisted }) }"

pytestmark = pytest.mark.firefox


@pytest.fixture
def cached(engines: Engines, engine: str, site: Site) -> Iterator[Profile]:
    """A profile in a browser with its back/forward cache.

    Chromium evicts a page in which anything runs, and the finalizers of both Pythons run when V8 collects garbage: now
    and then that is while the page is in the cache.
    """
    profile = Profile(engines.caching(engine).new_context(), site)
    profile.before_each_page(NO_FINALIZERS)
    yield profile
    profile.context.close()
    profile.check()


def away(tab: Tab) -> None:
    """Leaves the page, which goes into the cache."""
    tab.page.evaluate(REMEMBER)
    tab.page.goto(tab.page.url.rpartition("/")[0] + BLANK)


def back(tab: Tab) -> None:
    """Comes back to it, out of the cache."""
    travel(tab, -1, "window.shown === true && window.here === 1")


def travel(tab: Tab, steps: int, there: str) -> None:
    """Goes through the tab's history until `there` is true. In Firefox Playwright itself would wait for a load."""
    if tab.page.context.browser.browser_type.name == FIREFOX:
        tab.page.evaluate("steps => void setTimeout(() => history.go(steps), 100)", steps)
    elif steps < 0:
        tab.page.go_back(wait_until="commit")
    else:
        tab.page.go_forward(wait_until="commit")

    def is_there() -> bool:
        with suppress(Error):  # while it is on its way
            return bool(tab.page.evaluate(there))
        return False

    until(tab.page, is_there)


def test_what_does_not_leave_the_page_changes_nothing(profile: Profile, site: Site, runtime: str) -> None:
    """A download, a 204, a `mailto:`: each fires `beforeunload`, and the page stays; then it is loaded again."""
    profile.expect_error("Not allowed to launch 'mailto:")  # no program for it, and no finger on the link
    site.pages["/file.bin"] = b"file"
    tab = profile.tab(runtime, SESSION)
    ids = sent(site, tab)
    for link in (["/file.bin", True], [NOTHING, False], ["mailto:nobody@shop.test", False]):
        with tab.page.expect_download() if link[1] else nullcontext():
            tab.page.evaluate(LINK, link)
        ids += sent(site, tab)
        tab.reload()
        ids += sent(site, tab)
        assert tab.run(STORY)[:2] == ["restored", None]
    assert len(set(ids)) == 1
    assert sent(site, Tab(opened(tab))) != ids[:1]


def test_back_and_forward_between_pages(profile: Profile, site: Site) -> None:
    """Pages of one tab follow each other under one ID."""
    tab = profile.tab("mpy", SESSION)
    ids = sent(site, tab)
    first, second = tab.page.url, site.url + site.page("mpy", SESSION)
    tab.page.goto(second)
    ids += sent(site, Tab(tab.page))
    for _ in range(5):
        for url, steps in ((first, -1), (second, 1)):
            travel(tab, steps, f"location.href === '{url}'")
            ids += sent(site, Tab(tab.page))
    assert len(set(ids)) == 1


def test_a_page_comes_back_from_the_cache_with_its_id(cached: Profile, site: Site, runtime: str) -> None:
    """Pillion does not bar it from there, and the claim is taken again: a duplicate still forks."""
    tab = cached.tab(runtime, SESSION)
    ids = sent(site, tab)
    for _ in range(3):
        away(tab)
        back(tab)
        ids += sent(site, tab)
    assert len(set(ids)) == 1
    assert len({*ids, *sent(site, Tab(opened(tab)))}) == 2


@pytest.mark.chromium(
    "Firefox did not put this page away, whether its socket was closed at pagehide or at beforeunload."
)
def test_a_page_with_live_queries_comes_back_from_the_cache(cached: Profile, runtime: str) -> None:
    """Its socket was closed as it went; it shows what has happened meanwhile."""
    one, other = cached.tabs(2, runtime, LIVE)
    for tab in (one, other):
        tab.wait_for("notes.value == []")
    away(one)
    other.run("await session.mutation(api.notes.add, text='meanwhile')")
    back(one)
    one.wait_for("notes.value == ['meanwhile']")


def test_a_page_in_the_cache_whose_id_was_taken_gets_its_own(cached: Profile, site: Site) -> None:
    """The duplicate claimed it while nobody else did."""
    tab = cached.tab("mpy", SESSION)
    (first,) = sent(site, tab)
    changes = "changes = []\nglobals()['changes'] = changes\n"
    tab.run(changes + "use_session().on_change(lambda change: changes.append([change.reason, change.origin]))")
    url, stored = tab.page.url, tab.page.evaluate(STORED)
    away(tab)
    page = cached.page(BLANK)  # one that the page itself opened would bar it from the cache
    copied(stored, page)
    page.goto(url)
    heir = Tab(page)
    assert sent(site, heir) == [first]
    assert heir.run(STORY)[0] == "restored"
    back(tab)
    (own,) = sent(site, tab)
    assert own != first
    assert tab.run(STORY)[:2] == ["duplicate", first]
    assert tab.run("return changes") == [["duplicate", "here"]]
    assert sent(site, heir, tab) == [first, own]
    tab.reload()
    assert sent(site, tab, heir) == [own, first]


def test_a_page_in_the_cache_learns_of_a_refresh(cached: Profile, site: Site, runtime: str) -> None:
    """Its first call after coming back is under the new ID, and it has been told of the change once."""
    first, second = cached.tabs(2, runtime, LOCAL)
    (old,) = {*sent(site, first, second)}
    changes = "changes = []\nglobals()['changes'] = changes\n"
    first.run(changes + "use_session().on_change(lambda change: changes.append([change.reason, change.origin]))")
    away(first)
    new = second.run("return await use_session().refresh()")
    back(first)
    assert sent(site, first) == [new] != [old]
    assert first.run("return changes") == [["refreshed", "elsewhere"]]
