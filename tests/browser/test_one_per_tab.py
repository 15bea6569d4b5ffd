"""A duplicate of a tab gets an ID of its own, and nothing else is taken for one."""

from typing import Any

import pytest
from playwright.sync_api import Frame, Page

from browser.site import BLANK, OTHER_HOST, Site
from browser.tabs import Profile, Tab
from browser.test_ride import INSTALL, REPORT, SESSION, add, the_id
from browser_finder import CHROMIUM

WITH_OPENER = "() => void open(location.href)"
NO_OPENER = "() => { const tab = open('about:blank'); tab.opener = null; tab.location.href = location.href }"
BUSY = """
const request = self.LockManager?.prototype.request;
if (request) LockManager.prototype.request = function(name, ...rest) {
    const answer = request.call(this, name, ...rest);
    for (const begun = performance.now(); performance.now() - begun < 600;) ;
    return answer;
};
"""
FRAMED = """([url, root, sandbox]) => {
    const frame = document.createElement('iframe');
    if (sandbox) frame.sandbox = sandbox;
    frame.src = url;
    eval(root).append(frame);
}"""
STORY = "s = use_session()\nawait s.ready()\nreturn [s.origin, s.parent, s.storage.why]"

pytestmark = pytest.mark.firefox


def opened(tab: Tab, how: str = NO_OPENER) -> Page:
    """The page that a script of the tab opens, with a copy of its sessionStorage."""
    tab.run("await use_session().ready()")
    with tab.page.context.expect_page() as page:
        tab.page.evaluate(how)
    return page.value


def framed(page: Page, url: str, root: str = "document.body", sandbox: str = "") -> Frame:
    """A new frame of the page, in a node of it."""
    with page.expect_event("frameattached") as attached:
        page.evaluate(FRAMED, [url, root, sandbox])
    return attached.value


def sent(site: Site, *tabs: Tab) -> list[str]:
    """The IDs under which the server receives a call of each."""
    ids = []
    for tab in tabs:
        add(tab)
        ids.append(the_id(site))
    return ids


@pytest.mark.pyodide(engine=[CHROMIUM])
@pytest.mark.parametrize(
    ("runtime", "how"),
    [("mpy", WITH_OPENER), ("mpy", NO_OPENER), ("py", NO_OPENER)],
    ids=["MicroPython, opener", "MicroPython", "Pyodide"],
)
def test_an_opened_copy_forks(profile: Profile, site: Site, runtime: str, how: str) -> None:
    """It knows its parent; each keeps its own ID through reloads; a duplicate of the duplicate is a third."""
    first = profile.tab(runtime, SESSION)
    second = Tab(opened(first, how))
    third = Tab(opened(second, how))
    tabs = [first, second, third]
    ids = sent(site, *tabs)
    assert len(set(ids)) == 3
    assert [tab.run(STORY) for tab in tabs] == [["new", None, ""], ["duplicate", ids[0], ""], ["duplicate", ids[1], ""]]
    for tab in reversed(tabs):
        tab.reload()
    assert sent(site, *tabs) == ids
    assert [tab.run(STORY)[0] for tab in tabs] == ["restored"] * 3


def test_ten_duplicates_at_once(profile: Profile, site: Site, engine: str) -> None:
    """Eleven tabs, eleven IDs, in each of three rounds; in one round where tabs are slow to open."""
    for _ in range(3 if engine == CHROMIUM else 1):
        first = profile.tab("mpy", SESSION)
        first.run("await use_session().ready()")
        before = len(profile.context.pages)
        first.page.evaluate(f"() => {{ for (let n = 0; n < 10; n++) ({NO_OPENER})() }}")
        while len(profile.context.pages) < before + 10:
            first.page.wait_for_timeout(20)
        tabs = [first, *map(Tab, profile.context.pages[before:])]
        ids = sent(site, *tabs)
        assert len(set(ids)) == 11
        assert sent(site, *tabs) == ids
        assert {tab.run(STORY)[1] for tab in tabs[1:]} == {ids[0]}
        for tab in tabs:
            tab.page.close()


@pytest.mark.parametrize("policy", ["share", "callback", "async callback"])
def test_the_policy_decides(profile: Profile, site: Site, policy: str) -> None:
    """A duplicate shares by its policy's word, which a function of the copied ID may say."""
    given = {
        "share": "'share'",
        "callback": "lambda parent: asked.append(parent) or 'share'",
        "async callback": "later",
    }[policy]
    code = (
        "import asyncio\nfrom pillion import *\nasked = []\n"
        "async def later(parent):\n    asked.append(parent)\n    await asyncio.sleep(0)\n    return 'fork'\n"
        f"SessionProvider(Client('/api'), duplicate={given}).install()\n"
    )
    first = profile.tab("mpy", code)
    second = Tab(opened(first))
    one, other = sent(site, first, second)
    assert (one == other) is (policy != "async callback")
    assert second.run(STORY)[:2] == ["duplicate", one]
    assert second.run("return asked") == ([] if policy == "share" else [one])
    first.page.close()
    second.reload()
    assert sent(site, second) == [other]


def test_frames_of_a_tab_share_its_id(profile: Profile, site: Site) -> None:
    """They share its sessionStorage; so does a frame in a frame, and one that is loaded again."""
    tab = profile.tab("mpy", SESSION)
    (first,) = sent(site, tab)
    frames: list[Any] = [tab.page.main_frame]
    for _ in range(2):
        frames[-1].evaluate(
            "url => new Promise(done => { const frame = document.createElement('iframe'); frame.src = url;"
            " frame.onload = done; document.body.append(frame) })",
            tab.page.url + "?frame",
        )
        frames.append(frames[-1].child_frames[-1])
    inner = [Tab(frame) for frame in frames[1:]]
    assert sent(site, *inner) == [first, first]
    assert {one.run(STORY)[0] for one in inner} == {"restored"}
    frames[1].evaluate("location.reload()")
    tab.page.wait_for_function("frames.length == 1 && frames[0].frames.length == 0")
    assert sent(site, Tab(tab.page.main_frame.child_frames[0]), tab) == [first, first]
    other = Tab(opened(tab))
    assert sent(site, other) != [first]


@pytest.mark.firefox("py")
def test_frames_in_a_page_of_another_origin_share_the_id(
    profile: Profile, site: Site, elsewhere: Site, runtime: str
) -> None:
    """They find each other through that page, and neither takes the other for a duplicate, however often it looks."""
    url = site.url + site.page(runtime, SESSION)
    page = profile.page(BLANK)
    page.goto(elsewhere.url + BLANK)
    frames = [Tab(framed(page, url)) for _ in range(2)]
    ids = sent(site, *frames, *frames)
    assert len(set(ids)) == 1
    with page.expect_event("framenavigated"):
        frames[0].page.evaluate("location.reload()")
    frames[0] = Tab(page.main_frame.child_frames[0])
    assert sent(site, *frames) == ids[:2]
    new = frames[1].run("return await use_session().refresh()")
    assert sent(site, *frames, *frames) == [new] * 4
    assert [frame.run(STORY)[:2] for frame in frames] == [["restored", None]] * 2


def test_a_frame_in_a_shadow_tree_shares_the_id(profile: Profile, site: Site) -> None:
    """Nobody finds it, but what it has written into the storage of the tab can only be the tab's."""
    tab = profile.tab("mpy", SESSION)
    ids = sent(site, tab)
    frame = Tab(framed(tab.page, tab.page.url + "?frame", "document.body.attachShadow({ mode: 'closed' })"))
    assert sent(site, frame, tab) == ids * 2
    new = frame.run("return await use_session().refresh()")
    assert sent(site, tab, frame, tab, frame) == [new] * 4


def test_copies_of_the_library_share_the_tab(profile: Profile, site: Site) -> None:
    """Two providers on a page, one after the other and both at once; and Pyodide beside MicroPython."""
    tab = profile.tab("mpy", SESSION)
    (first,) = sent(site, tab)
    again = "globals()['p'] = p = SessionProvider(Client('/api'))\n"
    call = "return await p.session.mutation(api.notes.add, text='x')"
    tab.run(again + call)
    assert the_id(site) == first
    assert tab.run("return [p.session.origin, p.session.parent]") == ["restored", None]
    tab.run("use_session().dispose()\n" + again + call)
    assert the_id(site) == first

    both = site.page("py", SESSION)
    site.pages[both] = str(site.pages[both]).replace(
        "</body>",
        '<script type="mpy" config="./micropython.toml">' + SESSION + "import js\njs.window.beside = "
        "lambda: use_session().mutation(api.notes.add, text='x')\n</script></body>",
    )
    page = profile.page(both)
    pyodide = Tab(page)
    page.wait_for_function("!!window.beside")
    (here,) = sent(site, pyodide)
    page.evaluate("window.beside()")
    assert the_id(site) == here


def test_one_per_tab_and_one_per_browser_on_a_page(profile: Profile, site: Site, runtime: str) -> None:
    """Under one key: each is found by its scope, and a refresh of the one leaves the other alone."""
    tab = profile.tab(runtime, SESSION + INSTALL.format(storage="local"))
    twin = profile.twin(tab)
    call = "return await use_session(scope={!r}).mutation(api.notes.add, text='x')"
    ids = []
    for scope in ("tab", "browser"):
        for each in (tab, twin):
            each.run(call.format(scope))
            ids.append(the_id(site))
    of_tab, of_twin, of_browser, same = ids
    assert len({*ids}) == 3
    assert of_browser == same
    new = tab.run("return await use_session(scope='browser').refresh()")
    assert twin.run("await use_session(scope='browser').mutation(api.notes.add, text='x')") is None
    assert the_id(site) == new
    for each, own in ((tab, of_tab), (twin, of_twin)):
        each.reload()
        each.run(call.format("tab"))
        assert the_id(site) == own


def test_plain_http_asks_the_other_tabs(profile: Profile, site: Site) -> None:
    """Without locks a duplicate is found by asking; that a busy tab may miss the question is reported."""
    first = profile.tab("mpy", SESSION, host=OTHER_HOST)
    first.run("await use_session().ready()")  # one that is still loading is missed, too
    second = Tab(opened(first))
    ids = sent(site, first, second)
    assert len(set(ids)) == 2
    for tab in (first, second):
        tab.reload()
    assert sent(site, first, second) == ids
    report = second.run(REPORT)
    assert report[:2] == ["sessionStorage", True]
    assert "no Web Locks" in report[2]
    local = profile.tab("mpy", INSTALL.format(storage="local"), host=OTHER_HOST)
    assert local.run(STORY)[2] == ""


def test_a_page_that_is_busy_at_its_start_is_no_duplicate(profile: Profile, site: Site) -> None:
    """Its answer may be there long before it can be read; that says nothing about other tabs."""
    profile.before_each_page(BUSY)
    tab = profile.tab("mpy", SESSION)
    ids = sent(site, tab)
    assert tab.run(STORY) == ["new", None, ""]
    for _ in range(5):
        tab.reload()
        ids += sent(site, tab)
        assert tab.run(STORY) == ["restored", None, ""]
    assert len(set(ids)) == 1


def test_many_reloads_are_no_duplicates(profile: Profile, site: Site, engine: str) -> None:
    """Not one in thirty; nor one in ten where they are slow."""
    tab = profile.tab("mpy", SESSION)
    ids = sent(site, tab)
    for _ in range(30 if engine == CHROMIUM else 10):
        tab.reload()
        ids += sent(site, tab)
    assert len(set(ids)) == 1
