"""The main scenarios in WebKit, judged by the IDs that the server received."""

from collections.abc import Callable, Iterator

import pytest

from browser.listening import BEGIN, listen, tried
from browser.site import BLANK, Site
from browser.test_ride import COOKIE, LOCAL, REPORT, SESSION, add, the_id
from browser.ways import CASES, EVERYWHERE, HOSTILE, expected
from browser.webkit import NO_COOKIES, NO_LOCAL_STORAGE, WebKitProfile, display
from browser_finder import MISSING, WEBKIT, find

Open = Callable[..., WebKitProfile]


@pytest.fixture(scope="module")
def webkit() -> Iterator[tuple[dict[str, str], str]]:
    """The programs, and a display for their windows."""
    found = find(WEBKIT)
    if found is None:
        pytest.skip(MISSING[WEBKIT])
    with display(found["display"]) as screen:
        yield found, screen


@pytest.fixture
def opened(webkit: tuple[dict[str, str], str], site: Site) -> Iterator[Open]:
    """Makes profiles, with flags of MiniBrowser's; afterwards their pages are checked."""
    made: list[WebKitProfile] = []

    def make(*flags: str) -> WebKitProfile:
        made.append(WebKitProfile(*webkit, site, flags))
        return made[-1]

    yield make
    try:
        for profile in made:
            profile.check()
    finally:
        for profile in made:
            profile.driver.quit()


def test_a_reload_keeps_the_id_and_a_refresh_replaces_it(opened: Open, site: Site, runtime: str) -> None:
    """One ID before, one after, and the data comes along."""
    tab = opened().tab(runtime, LOCAL)
    assert tab.run(REPORT) == ["localStorage", True, ""]
    assert add(tab) == 1
    tab.reload()
    assert add(tab) == 2
    old = the_id(site)
    assert site.ids() == [old, old]
    tab.run("s = use_session()\nawait s.refresh(lambda new: s.mutation(api.notes.move, new=new))")
    assert add(tab) == 3
    tab.reload()
    assert add(tab) == 4
    assert site.ids("notes:add")[2:] == [the_id(site)] * 2 != [old] * 2


@pytest.mark.parametrize(("code", "kind"), [(LOCAL, "localStorage"), (COOKIE, "cookie")], ids=["local", "cookie"])
def test_tabs_of_a_browser_share_an_id(opened: Open, site: Site, code: str, kind: str) -> None:
    """A second tab, and a reload of it."""
    profile = opened()
    first = profile.tab("mpy", code)
    second = profile.twin(first)
    assert [add(first), add(second)] == [1, 2]
    second.reload()
    assert add(second) == 3
    assert len(set(site.ids())) == 1
    assert first.run(REPORT) == second.run(REPORT) == [kind, True, ""]


def test_each_tab_has_an_id_of_its_own_and_so_has_a_duplicate(opened: Open, site: Site) -> None:
    """A tab, another at its address, and a duplicate that came with a copy of its sessionStorage."""
    profile = opened()
    first = profile.tab("mpy", SESSION)
    add(first)
    tabs = [first, profile.twin(first), profile.duplicate(first)]
    for tab in tabs:
        tab.run("await use_session().ready()")
    for _ in range(2):
        for tab in tabs:
            add(tab)
            tab.reload()
    one, *ids = site.ids()
    assert ids[:3] == ids[3:]
    assert len(set(ids)) == 3
    assert ids[0] == one
    assert tabs[2].run("s = use_session()\nawait s.ready()\nreturn s.origin") == "restored"


def test_a_duplicate_knows_whose_it_is(opened: Open, site: Site) -> None:
    """Its origin, and its parent's ID."""
    profile = opened()
    first = profile.tab("mpy", SESSION)
    add(first)
    second = profile.duplicate(first)
    parent = the_id(site)
    assert second.run("s = use_session()\nawait s.ready()\nreturn [s.origin, s.parent]") == ["duplicate", parent]


def test_a_refresh_and_a_log_in_reach_the_other_tab(opened: Open, site: Site) -> None:
    """It is told once for each, and finds what was moved."""
    profile = opened()
    first = profile.tab("mpy", LOCAL)
    second = profile.twin(first)
    assert [add(first), add(second)] == [1, 2]
    second.run(
        "globals()['changes'] = changes = []\n"
        "use_session().on_change(lambda change: changes.append([change.reason, change.origin]))"
    )
    for number, way in enumerate(("refresh", "login"), 1):
        first.run(f"s = use_session()\nawait s.{way}(lambda new: s.mutation(api.notes.move, new=new))")
        second.script("window.seen = 0")
        second.run(
            f"import js\nwhile len(changes) < {number}:\n    await asyncio.sleep(0.02)\njs.window.seen = len(changes)"
        )
        assert second.script("return window.seen") == number
        assert add(second) == 2 + number
        (*_, move) = [call for call in site.received if call.path == "notes:move"]
        assert the_id(site) == move.args["new"] != move.session_id
    assert [origin for _, origin in second.run("return changes")] == ["elsewhere"] * 2


def test_a_cleared_storage_is_healed(opened: Open, site: Site) -> None:
    """By the tab that has the ID in memory, and after a reload by what knows it besides."""
    tab = opened().tab("mpy", LOCAL)
    add(tab)
    tab.script("localStorage.clear()")
    assert add(tab) == 2
    tab.goto(site.url + BLANK)  # no pillion there to heal it
    tab.script("localStorage.setItem('pillion-session', 'undefined')")
    tab.back()
    assert add(tab) == 3
    tab.reload()
    assert add(tab) == 4
    assert tab.script("return localStorage.getItem('pillion-session')") == the_id(site)
    assert len(set(site.ids())) == 1


def test_back_from_the_cache_a_tab_has_its_id(opened: Open, site: Site) -> None:
    """WebKit gives the lock of a cached page away; a duplicate made meanwhile must not live under its ID."""
    profile = opened()
    tab = profile.tab("mpy", SESSION)
    add(tab)
    tab.script("window.same = true; addEventListener('pageshow', event => { window.persisted = event.persisted })")
    tab.goto(site.url + BLANK)
    tab.back()
    assert tab.script("return [window.same, window.persisted]") == [True, True]
    assert add(tab) == 2
    assert add(profile.duplicate(tab)) == 1
    assert add(tab) == 3
    first, second, third, fourth = site.ids()
    assert first == second == fourth != third


def test_nobody_sees_the_id_but_those_who_may(opened: Open, site: Site) -> None:
    """The table of test_leaks.py. This browser maps no names, so the hostile server is another address and port."""
    here = "127.0.0.1"
    with listen(site, here, here, here) as listening:
        tab = opened().tab("mpy", BEGIN.format(storage="local", allowed=listening.origins["allowed"]))
        session_id = tab.run("return await session.ready()")
        wrong = []
        for way in EVERYWHERE:
            wanted = [expected(way, case) for case in CASES]
            wrong += [f"{way.name}: {what}" for what in tried(tab, listening, way, session_id, CASES, wanted)]
        tab.script("window.errors = []")  # the browser says what it can't reach
        assert not wrong, "\n".join(wrong)
        assert len(listening.servers[HOSTILE].seen) > len(EVERYWHERE) * len(CASES) / 4


@pytest.mark.parametrize(
    ("flag", "code", "kind", "why"),
    [
        (NO_COOKIES, COOKIE, "indexedDB", "cookie can't be used: what is written can't be read again"),
        (NO_LOCAL_STORAGE, LOCAL, "indexedDB", "localStorage is switched off"),
        (NO_LOCAL_STORAGE, SESSION, "sessionStorage", ""),
    ],
    ids=["cookies", "localStorage", "sessionStorage"],
)
def test_what_is_blocked_is_said(opened: Open, site: Site, flag: str, code: str, kind: str, why: str) -> None:
    """The session works; what it is kept in, and why, is what is true."""
    tab = opened(flag).tab("mpy", code)
    assert [add(tab), add(tab)] == [1, 2]
    report = tab.run(REPORT)
    assert report[:2] == [kind, kind != "memory"]
    assert why in report[2]
    assert len(tab.script("return window.warnings")) == (kind == "memory")
    before = the_id(site)
    tab.reload()
    add(tab)
    assert (the_id(site) == before) is report[1]
