"""A session that nobody uses ends, for all tabs at once, and what follows is one session again."""

import pytest

from browser.site import Site
from browser.tabs import Profile
from browser.test_one_per_tab import sent

IDLE = "from pillion import *\nSessionProvider(Client('/api'), storage='local', idle_timeout=6).install()\n"
CHANGES = """
changes = []
globals()["changes"] = changes
use_session().on_change(lambda change: changes.append([change.reason, change.origin]))
"""

pytestmark = pytest.mark.firefox


def test_after_its_absolute_time_a_session_ends_however_it_is_used(profile: Profile, site: Site) -> None:
    """And not before, whatever its clock says meanwhile: one that is set back expires nothing."""
    tab = profile.tab("mpy", IDLE.replace("idle_timeout", "absolute_timeout"))
    (old,) = set(sent(site, tab, tab))
    tab.run(CHANGES)
    set_back = "() => { const now = Date.now; window.now = now; Date.now = () => now() - 3600000 }"
    tab.page.evaluate(set_back)
    assert sent(site, tab) == [old]
    tab.page.wait_for_timeout(7000)
    assert sent(site, tab) == [old]
    tab.page.evaluate("() => { Date.now = window.now }")
    (new,) = set(sent(site, tab, tab))
    assert new != old
    assert tab.run("return changes") == [["expired", "here"]]


def test_after_its_idle_time_all_tabs_go_on_under_one_new_id(profile: Profile, site: Site, runtime: str) -> None:
    """One of them has replaced it, and the others adopt that."""
    tabs = profile.tabs(2, runtime, IDLE)
    old = sent(site, *tabs)
    for tab in tabs:
        tab.run(CHANGES)
    for tab in tabs:
        tab.wait_for("changes")
    new = sent(site, *tabs)
    assert len(set(new)) == 1
    assert new[0] not in old
    changes = [tab.run("return changes") for tab in tabs]
    assert {reason for each in changes for reason, _ in each} == {"expired"}
