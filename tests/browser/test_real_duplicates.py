"""Duplicates as browsers make them, and an owner that may not answer."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from browser.engines import Engines
from browser.site import BLANK, Site
from browser.tab_menu import duplicated, reopened
from browser.tabs import BOUND, Profile, Tab
from browser.test_one_per_tab import STORY, sent
from browser.test_ride import LOCAL, SESSION

STORED = "JSON.stringify(sessionStorage)"
BUSY = "const until = Date.now() + 10000; while (Date.now() < until);"


@pytest.fixture
def extended(engines: Engines, engine: str, site: Site) -> Iterator[Profile]:
    """A profile in a browser that duplicates tabs."""
    context = engines.extended(engine)
    profile = Profile(context, site)
    yield profile
    profile.leave()
    for page in context.pages[1:]:
        page.close()
    context.pages[0].goto("about:blank")
    profile.check()


def copied(stored: str, page: Page) -> None:
    """Leaves in another process what "Duplicate tab" leaves: a duplicate itself may share its owner's."""
    page.evaluate("stored => Object.assign(sessionStorage, JSON.parse(stored))", stored)


@pytest.mark.firefox
def test_duplicate_tab(extended: Profile, site: Site, runtime: str) -> None:
    """A tab, its duplicate, and the duplicate's duplicate have three IDs, and keep them."""
    first = extended.tab(runtime, SESSION)
    sent(site, first)
    second = Tab(duplicated(first))
    assert second.page.evaluate("performance.getEntriesByType('navigation')[0].type") == "back_forward"
    tabs = [first, second]
    ids = sent(site, *tabs)
    assert second.run(STORY)[:2] == ["duplicate", ids[0]]
    second.page.evaluate("history.replaceState(null, '', '?second')")
    tabs.append(Tab(duplicated(second)))
    assert sent(site, *tabs)[:2] == ids
    assert tabs[2].run(STORY)[:2] == ["duplicate", ids[1]]
    assert len(set(sent(site, *tabs))) == 3
    for tab in tabs:
        tab.reload()
    assert len({*ids, *sent(site, *tabs)}) == 3


@pytest.mark.firefox
def test_a_tab_that_is_closed_and_reopened(extended: Profile, site: Site) -> None:
    """It has its ID again, which nobody lives under; its duplicate gets one of its own."""
    beside = extended.page(BLANK)
    tab = extended.tab("mpy", SESSION)
    ids = sent(site, tab)
    for _ in range(3):
        tab = Tab(reopened(tab, beside))
        ids += sent(site, tab)
        assert tab.run(STORY)[:2] == ["restored", None]
    assert len(set(ids)) == 1
    assert len({*ids, *sent(site, Tab(duplicated(tab)), tab)}) == 2


@pytest.mark.firefox
def test_the_owner_is_busy(profile: Profile, site: Site) -> None:
    """Python on its main thread answers nobody for seconds; its lock does."""
    owner = profile.tab("mpy", SESSION)
    ids = sent(site, owner)
    copy = profile.page(BLANK)
    copied(owner.page.evaluate(STORED), copy)
    owner.page.evaluate(f"() => void setTimeout(() => {{ {BUSY} window.idle = Date.now() }}, 50)")
    copy.goto(owner.page.url)
    second = Tab(copy)
    ids += sent(site, second)
    now = second.page.evaluate("Date.now()")
    owner.page.wait_for_function("!!window.idle", timeout=BOUND)
    assert now < owner.page.evaluate("window.idle")
    assert len({*ids, *sent(site, owner, second)}) == 2


@pytest.fixture
def real(playwright: Playwright, launch_args: dict[str, Any], site: Site, tmp_path: Path) -> Iterator[Profile]:
    """A Chromium started by hand, in which tabs are really hidden and frozen."""
    exe = launch_args.get("executable_path") or playwright.chromium.executable_path
    flags = [*launch_args["args"], "--headless=new", "--no-sandbox", "--remote-debugging-port=0"]
    process = subprocess.Popen([exe, *flags, f"--user-data-dir={tmp_path}", "about:blank"], stderr=subprocess.DEVNULL)
    try:
        port = tmp_path / "DevToolsActivePort"
        until = time.monotonic() + 60
        while not port.exists() or not port.read_text().count("\n"):
            assert time.monotonic() < until
            time.sleep(0.05)
        number, path = port.read_text().split("\n")[:2]
        browser = playwright.chromium.connect_over_cdp(f"ws://127.0.0.1:{number}{path}", no_defaults=True)
        profile = Profile(browser.contexts[0], site)
        yield profile
        browser.close()
        profile.check()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(tmp_path, ignore_errors=True)


def frozen(tab: Tab, state: str) -> None:
    """Freezes a hidden tab, or wakes it."""
    tab.page.context.new_cdp_session(tab.page).send("Page.setWebLifecycleState", {"state": state})


def test_a_frozen_tab(real: Profile, site: Site) -> None:
    """Its first call after waking is under the ID of a refresh that it slept through, and it keeps its tab's."""
    first = real.tab("mpy", LOCAL + SESSION.splitlines()[1].replace("storage=", "storage_key='mine', storage=") + "\n")
    second = real.twin(first)
    (old,) = {*sent_by("pillion-session", site, first, second)}
    (own,) = sent_by("mine", site, first)
    first.page.evaluate("document.addEventListener('freeze', () => { window.froze = true })")
    stored = first.page.evaluate(STORED)
    second.page.bring_to_front()
    first.page.wait_for_function("document.visibilityState == 'hidden'")
    for state in ("hidden", "frozen"):
        if state == "frozen":
            frozen(first, "frozen")
        (new,) = {second.run("return await use_session('pillion-session').refresh()")}
        if state == "frozen":
            copy = real.page(BLANK)
            copied(stored, copy)
            copy.goto(first.page.url)
            assert sent_by("mine", site, Tab(copy)) != [own]
            frozen(first, "active")
        assert sent_by("pillion-session", site, first, second) == [new, new] != [old, old]
    assert first.page.evaluate("window.froze")
    assert sent_by("mine", site, first) == [own]


def sent_by(key: str, site: Site, *tabs: Tab) -> list[str | None]:
    """The IDs under which the server receives a call of each tab's session of that key."""
    site.received.clear()
    for tab in tabs:
        tab.run(f"await use_session({key!r}).mutation(api.notes.add, text='x')")
    return site.ids()
