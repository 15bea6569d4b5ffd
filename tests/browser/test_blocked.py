"""A browser that blocks storage: the page works, from memory, and says so once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext

from browser.engines import STORAGE, Engines
from browser.site import Site
from browser.tabs import Profile, Tab
from browser.test_ride import COOKIE, INSTALL, LOCAL, REPORT, SESSION, add, the_id
from browser_finder import FIREFOX


@pytest.fixture
def blocked(engines: Engines, engine: str, site: Site) -> Iterator[Profile]:
    """A profile in it."""
    yield from _used(engines.blocked(engine), site)


@pytest.fixture
def storageless(engines: Engines, site: Site) -> Iterator[Profile]:
    """A Firefox without the two Storages."""
    yield from _used(engines.blocked(FIREFOX, STORAGE), site)


def _used(context: BrowserContext, site: Site) -> Iterator[Profile]:
    profile = Profile(context, site)
    yield profile
    for page in context.pages[1:]:
        page.close()
    profile.check()


@pytest.mark.firefox("py")
@pytest.mark.parametrize("code", [SESSION, LOCAL, COOKIE], ids=["session", "local", "cookie"])
def test_with_storage_blocked_the_session_lives_in_memory(
    blocked: Profile, site: Site, runtime: str, code: str
) -> None:
    """One ID for this page load, an honest report, one warning on the console."""
    tab = blocked.tab(runtime, code)
    assert (
        tab.page.evaluate("(() => { try { return !!localStorage } catch (e) { return e.name } })()") == "SecurityError"
    )
    assert [add(tab), add(tab)] == [1, 2]
    first = the_id(site)
    assert site.ids() == [first, first]
    report = tab.run(REPORT)
    assert report[:2] == ["memory", False]
    assert "can't be used" in report[2]
    warnings = [text for text in blocked.console if "kept in memory" in text]
    assert len(warnings) == 1
    tab.run("await use_session().refresh()")
    assert add(tab) == 1
    assert the_id(site) != first
    assert len([text for text in blocked.console if "kept in memory" in text]) == 1


@pytest.mark.parametrize(
    ("code", "name"), [(SESSION, "sessionStorage"), (LOCAL, "localStorage")], ids=["session", "local"]
)
def test_where_a_storage_is_null_the_session_says_so(storageless: Profile, site: Site, code: str, name: str) -> None:
    """As Firefox has it with `dom.storage.enabled` off: nothing throws, there is just nothing."""
    tab = storageless.tab("mpy", code)
    assert tab.page.evaluate(name) is None
    assert [add(tab), add(tab)] == [1, 2]
    assert len(set(site.ids())) == 1
    report = tab.run("s = use_session().storage\nreturn [s.kind, s.persistent]")
    assert report == (["memory", False] if code is SESSION else ["indexedDB", True])
    assert f"{name} is switched off" in tab.run("return use_session().storage.why")
    before = the_id(site)
    tab.reload()
    add(tab)
    assert report[1] is (the_id(site) == before)


@pytest.mark.firefox
def test_in_a_sandboxed_frame_the_session_lives_in_memory(profile: Profile, site: Site) -> None:
    """Every storage throws there, document.cookie too."""
    for storage in ("session", "local", "cookie"):
        tab = _sandboxed(profile, INSTALL.format(storage=storage).replace("/api", site.url + "/api"))
        tab.run("await use_session().ready()")
        assert tab.run("return use_session().storage.kind") == "memory"
        assert "SecurityError" in tab.run("return use_session().storage.why")


def _sandboxed(profile: Profile, code: str) -> Tab:
    path = profile.site.page("mpy", code)
    profile.site.sandboxed.add(path)
    return Tab(profile.page(path))
