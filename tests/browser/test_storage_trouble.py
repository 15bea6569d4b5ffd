"""A storage that is blocked, broken, full, wiped or somebody else's: the session goes on and says how."""

from pathlib import Path

import pytest

from browser.site import BLANK, Site
from browser.tabs import Profile, Tab
from browser.test_one_per_tab import framed, sent
from browser.test_ride import COOKIE, DELETE_DATABASE, INDEXED, INSTALL, LOCAL, REPORT, SESSION, add, the_id
from browser_finder import FIREFOX

HELD = """() => new Promise(done => {
    const request = indexedDB.open('pillion');
    request.onupgradeneeded = () => request.result.createObjectStore('sessions');
    request.onsuccess = () => {
        window.held = request.result;  // no versionchange handler: whoever wants another version waits
        indexedDB.deleteDatabase('pillion');
        setTimeout(done, 100);
    };
})"""
FOREIGN = """() => new Promise(done => {
    const request = indexedDB.open('pillion', 7);
    request.onupgradeneeded = () => request.result.createObjectStore('theirs');
    request.onsuccess = () => { request.result.close(); done() };
})"""
FILL = """storage => {
    for (const size of [1 << 20, 1 << 14, 1 << 8, 1])
        try { for (let n = 0; ; n++) window[storage].setItem(`${size}-${n}`, 'x'.repeat(size)) } catch {}
}"""

pytestmark = [pytest.mark.firefox, pytest.mark.kept_pages]


def test_indexed_db_is_blocked_by_another_page(profile: Profile, site: Site, runtime: str) -> None:
    """A request for another version waits for ever, and all that come after it; then the fall-back is told of."""
    other = profile.page(BLANK)
    other.evaluate(HELD)
    tabs = profile.tabs(3 if runtime == "mpy" else 2, runtime, LOCAL)
    assert len(set(sent(site, *tabs))) == 1
    for tab in tabs:
        kind, persistent, why = tab.run(REPORT)
        assert (kind, persistent) == ("localStorage", True)
        assert "IndexedDB can't be used (it did not answer within 5 s)" in why
    ids = sent(site, *tabs)
    new = tabs[0].run("return await use_session().refresh()")
    assert sent(site, *tabs) == [new] * len(tabs) != ids
    other.close()
    tabs[0].reload()
    assert sent(site, tabs[0]) == [new]
    late = "new Promise(late => setTimeout(late, 5000, 'an open connection is in the way'))"
    deleted = f"Promise.race([{DELETE_DATABASE}.then(() => 'deleted'), {late}])"
    assert profile.page(BLANK).evaluate(deleted) == "deleted"


def test_indexed_db_is_somebody_elses(profile: Profile, site: Site, runtime: str) -> None:
    """Another app's database has our name: it is left as it is."""
    profile.page(BLANK).evaluate(FOREIGN)
    tab = profile.tab(runtime, LOCAL)
    (first,) = sent(site, tab)
    assert "is somebody else's" in tab.run(REPORT)[2]
    twin = profile.twin(tab)
    assert sent(site, twin) == [first]
    assert tab.page.evaluate("indexedDB.databases().then(all => all.find(one => one.name == 'pillion').version)") == 7
    memory = profile.tab(runtime, INDEXED)
    assert memory.run(REPORT)[:2] == ["memory", False]


@pytest.mark.parametrize("code", [LOCAL, COOKIE, INDEXED], ids=["local", "cookie", "indexeddb"])
def test_indexed_db_is_deleted_meanwhile(profile: Profile, site: Site, code: str) -> None:
    """A page that lives puts it back; what comes later finds it."""
    first, second = profile.tabs(2, "mpy", code)
    (old,) = {*sent(site, first, second)}
    first.page.evaluate(DELETE_DATABASE)
    assert sent(site, first, second, profile.twin(first)) == [old] * 3
    new = first.run("return await use_session().refresh()")
    first.page.evaluate(DELETE_DATABASE)
    if code == INDEXED:
        sent(site, first)  # nothing else has kept it
    second.reload()
    assert sent(site, second, first) == [new, new]


@pytest.mark.pyodide(code=[LOCAL])
@pytest.mark.parametrize("code", [LOCAL, COOKIE], ids=["local", "cookie"])
def test_indexed_db_fails_in_one_tab_for_a_while(profile: Profile, site: Site, runtime: str, code: str) -> None:
    """What it does meanwhile is known to the others, and what they do to it; nothing comes back afterwards."""
    fails, works = profile.tabs(2, runtime, code)
    (old,) = {*sent(site, fails, works)}
    fails.page.evaluate("() => { IDBFactory.prototype.open = () => { throw new DOMException('gone') } }")
    second = fails.run("return await use_session().logout()")
    assert sent(site, works, fails) == [second] * 2
    third = works.run("return await use_session().logout()")
    assert sent(site, fails, works) == [third] * 2
    fourth = fails.run("return await use_session().refresh()")
    assert fails.run(REPORT)[:2] == [("cookie" if code == COOKIE else "localStorage"), True]
    works.page.close()
    fails.reload()
    assert sent(site, fails, profile.twin(fails)) == [fourth] * 2
    assert fails.run(REPORT)[2] == ""
    assert len({old, second, third, fourth}) == 4


@pytest.mark.fresh_pages("one of them is another site's")
def test_two_origins_that_share_a_cookie_have_one_session(profile: Profile, site: Site, elsewhere: Site) -> None:
    """As two ports of a host do: each has an IndexedDB of its own, and neither writes over the other for ever."""
    here, there = profile.tab("mpy", COOKIE), Profile(profile.context, elsewhere).tab("mpy", COOKIE)
    ids = [*sent(site, here), *sent(elsewhere, there), *sent(site, here)]
    assert len(set(ids)) == 1
    new = there.run("return await use_session().refresh()")
    assert [*sent(site, here), *sent(elsewhere, there), *sent(site, here)] == [new] * 3


@pytest.mark.parametrize("code", [SESSION, LOCAL, COOKIE, INDEXED], ids=["session", "local", "cookie", "indexeddb"])
def test_a_storage_wiped_all_the_time_mints_nothing(profile: Profile, site: Site, code: str) -> None:
    """Each second for five, as some ad blockers do: the page's ID heals it, in all tabs the same."""
    profile.page(BLANK)
    tabs = profile.tabs(1 if code == SESSION else 3, "mpy", code)
    wipe = """() => window.wiping = setInterval(async () => {
        sessionStorage.clear();
        localStorage.clear();
        for (const { name } of await cookieStore.getAll()) await cookieStore.delete(name);
        indexedDB.deleteDatabase('pillion');
    }, 1000)"""
    tabs[0].page.evaluate(wipe)
    ids: list[str] = []
    try:
        for _ in range(10):
            ids += sent(site, *tabs)
            tabs[0].page.wait_for_timeout(500)
    finally:
        tabs[0].page.evaluate("() => clearInterval(wiping)")
    if code in (LOCAL, COOKIE):  # a deleted database tells nobody, so a new tab may come before it is healed
        ids += sent(site, profile.twin(tabs[0]))
    assert len(set(ids)) == 1


@pytest.mark.pyodide(code=[LOCAL])
@pytest.mark.parametrize(("code", "storage"), [(SESSION, "sessionStorage"), (LOCAL, "localStorage")])
def test_the_quota_is_full(profile: Profile, site: Site, runtime: str, code: str, storage: str) -> None:
    """What has room for nothing more keeps nothing new; what is kept already stays."""
    page = profile.page(BLANK)
    page.evaluate(FILL, storage)
    path = profile.site.page(runtime, code)
    page.goto(site.url + path)
    tab = Tab(page)
    first = sent(site, tab)
    kind, persistent, why = tab.run(REPORT)
    assert "QuotaExceededError" in why
    assert (kind, persistent) == (("memory", False) if code == SESSION else ("indexedDB", True))
    tab.reload()
    assert (sent(site, tab) == first) is persistent
    page.evaluate(f"{storage}.clear()")
    tab.reload()
    second = sent(site, tab)
    page.evaluate(FILL, storage)
    tab.run("use_session().dispose()")
    tab.reload()
    if code == LOCAL:
        assert sent(site, tab) == second == first


def test_a_third_party_frame(profile: Profile, site: Site, engine: str, runtime: str) -> None:
    """Its storage is blocked, or in Firefox its own; the session works there, and reports what is so."""
    path = site.page(runtime, INSTALL.format(storage="local"))
    page = profile.page(BLANK)
    tab = Tab(framed(page, f"http://127.0.0.1:{site.port}{path}"))
    ids = sent(site, tab, tab)
    assert len(set(ids)) == 1
    kind, persistent, why = tab.run(REPORT)
    if engine == FIREFOX:
        assert (kind, persistent, why) == ("localStorage", True, "")
        assert sent(site, profile.tab(runtime, INSTALL.format(storage="local"), host="127.0.0.1")) != ids[:1]
    else:
        assert (kind, persistent) == ("memory", False)
        assert "SecurityError" in why
    tab.run("await use_session().refresh()")
    add(tab)
    assert the_id(site) not in ids


def test_a_sandboxed_frame(profile: Profile, site: Site, tmp_path: Path) -> None:
    """Every storage throws there; one ID for this load goes out all the same, to a server that lets it in."""
    page = profile.page(BLANK)
    with Site(site.functions, tmp_path / "data.sqlite3", allow_origins=("*",)) as open_site:
        path = open_site.page("mpy", SESSION.replace("/api", open_site.url + "/api"))
        tab = Tab(framed(page, open_site.url + path, sandbox="allow-scripts"))
        assert tab.run(REPORT)[:2] == ["memory", False]
        ids = sent(open_site, tab, tab)
        assert len(set(ids)) == 1
        new = tab.run("return await use_session().refresh()")
        assert sent(open_site, tab) == [new] != ids[:1]
