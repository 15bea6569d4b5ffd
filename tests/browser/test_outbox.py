"""Mutations that outlive their page in IndexedDB: each reaches the server once, from whichever page is there."""

import json
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error, Page

from browser.site import OTHER_HOST, Site
from browser.tabs import Profile, PythonError, Tab, until
from browser.test_one_per_browser import NO_DATABASE

OPEN = """
from pillion import *
import asyncio
import js
client = Client('/api', outbox='indexeddb')
session = SessionProvider(client, storage='local').install()
calls = []
def add(*texts):
    calls.extend([asyncio.create_task(session.mutation(api.notes.add, text=text)) for text in texts])
"""
KEPT = """() => new Promise((kept, failed) => {
    const opened = indexedDB.open('pillion');
    opened.onerror = failed;
    opened.onsuccess = () => {
        const base = opened.result;
        const asked = base.transaction('sessions').objectStore('sessions').getAllKeys();
        asked.onerror = failed;
        asked.onsuccess = () => { base.close(); kept(asked.result.filter(key => key.startsWith('outbox:')).length) };
    };
})"""
ONLINE = "window.dispatchEvent(new Event('online'))"


class Wire:
    """What the pages of a profile send: the client session ID and number of each mutation."""

    def __init__(self, profile: Profile) -> None:
        self.mutations: list[tuple[str, int]] = []
        profile.context.on("page", lambda page: page.on("websocket", self._on_socket))

    def _on_socket(self, socket: Any) -> None:
        said: list[str] = []

        def on_frame(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "Connect":
                said.append(frame["sessionId"])
            elif frame["type"] == "Mutation":
                self.mutations.append((said[0], frame["requestId"]))

        socket.on("framesent", on_frame)


def kept(page: Page, number: int) -> None:
    """Waits until so many are kept."""
    until(page, lambda: page.evaluate(KEPT) == number)


def crash(page: Page) -> None:
    """Ends a tab without a word to it."""
    with suppress(Error):
        page.goto("chrome://crash")


def notes(tab: Tab) -> Any:
    return tab.run("return await session.query(api.notes.list)")


@pytest.mark.pyodide(end=["reload"])
@pytest.mark.parametrize("end", ["reload", "crash"])
def test_a_page_that_is_there_again_sends_what_was_left(profile: Profile, site: Site, runtime: str, end: str) -> None:
    """In its order, and what it makes itself after that."""
    profile.expect_error("WebSocket")
    site.refuses_sockets = True
    wire = Wire(profile)
    tab = profile.tab(runtime, OPEN)
    tab.run("add('a', 'b')")
    kept(tab.page, 2)
    if end == "reload":
        tab.reload()
    else:
        url = tab.page.url
        crash(tab.page)
        page = profile.context.new_page()
        page.goto(url)
        tab = Tab(page)
    tab.wait_for("client.connection.pending == 2")
    tab.run("add('c')")
    tab.wait_for("client.connection.pending == 3")
    assert wire.mutations == []
    site.refuses_sockets = False
    tab.page.evaluate(ONLINE)
    assert tab.run("return await calls[0]") == 3
    assert notes(tab) == ["a", "b", "c"]
    kept(tab.page, 0)
    tab.wait_for("client.connection.pending == 0")
    assert [number for _, number in wire.mutations] == [0, 1, 0]
    assert site.received == [] or {call.kind for call in site.received} == {"query"}
    assert tab.run("return [client.outbox.kind, client.outbox.persistent, client.outbox.why]") == [
        "indexedDB",
        True,
        "",
    ]


@pytest.mark.pyodide(end=["crash"])
@pytest.mark.parametrize("end", ["close", "crash"])
def test_another_tab_sends_what_is_left(profile: Profile, site: Site, runtime: str, end: str) -> None:
    """One of two, by the lock, with the ID that it was made under."""
    profile.expect_error("WebSocket|ERR_CONNECTION_REFUSED")
    wire = Wire(profile)
    one, *others = profile.tabs(3, runtime, OPEN)
    for tab in (one, *others):
        tab.run("await session.ready()")
    with site.down():
        one.run("add('a', 'b')")
        kept(one.page, 2)
        if end == "close":
            one.page.close()
        else:
            crash(one.page)
        until(others[0].page, lambda: sum(tab.run("return client.connection.pending") for tab in others) == 2)
    for tab in others:
        tab.page.evaluate(ONLINE)
    kept(others[0].page, 0)
    assert notes(others[0]) == ["a", "b"]
    assert [number for _, number in wire.mutations] == [0, 1]


def test_a_page_that_is_put_away_leaves_it_to_others(profile: Profile, site: Site, runtime: str) -> None:
    """Back again, it learns what has become of its own."""
    profile.expect_error("WebSocket|ERR_CONNECTION_REFUSED")
    one, other = profile.tabs(2, runtime, OPEN)
    for tab in (one, other):
        tab.run("await session.ready()")
    with site.down():
        one.run("add('a', 'b')")
        kept(one.page, 2)
        one.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
        other.wait_for("client.connection.pending == 2")
    other.page.evaluate(ONLINE)
    kept(other.page, 0)
    one.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    assert one.run("return [await calls[0], await calls[1]]") == [1, 2]
    assert notes(one) == ["a", "b"]


def test_a_log_out_in_another_tab_leaves_nothing(profile: Profile, site: Site, runtime: str) -> None:
    profile.expect_error("WebSocket")
    site.refuses_sockets = True
    wire = Wire(profile)
    gone, one, other = profile.tabs(3, runtime, OPEN)
    for tab in (gone, one, other):
        tab.run("await session.ready()")
    gone.run("add('a')")
    kept(gone.page, 1)
    gone.page.close()
    until(one.page, lambda: sum(tab.run("return client.connection.pending") for tab in (one, other)) == 1)
    one.begin("await session.mutation(api.notes.add, text='b')")
    kept(one.page, 2)
    other.run("await session.logout()")
    kept(other.page, 0)
    for tab in (one, other):
        tab.wait_for("client.connection.pending == 0")
    with pytest.raises(PythonError, match="NotReadyError: The session has ended before the mutation was sent"):
        one.end()
    site.refuses_sockets = False
    assert one.run("return await session.mutation(api.notes.add, text='c')") == 1
    assert len(wire.mutations) == 1


def test_without_indexed_db_it_works_and_says_so(profile: Profile, site: Site, runtime: str) -> None:
    profile.before_each_page(f"({NO_DATABASE})()")
    tab = profile.tab(runtime, OPEN)
    assert tab.run("return await session.mutation(api.notes.add, text='a')") == 1
    kind, persistent, why = tab.run("return [client.outbox.kind, client.outbox.persistent, client.outbox.why]")
    assert (kind, persistent) == ("memory", False)
    assert "indexedDB can't be used" in why
    assert len([line for line in profile.console if "end with the page" in line]) == 1


def test_without_locks_the_next_page_sends_it(profile: Profile, site: Site, runtime: str) -> None:
    """On plain http."""
    profile.expect_error("WebSocket|ERR_CONNECTION_REFUSED")
    tab = profile.tab(runtime, OPEN, host=OTHER_HOST)
    url = tab.page.url
    with site.down():
        tab.run("add('a')")
        kept(tab.page, 1)
        tab.page.close()
    page = profile.context.new_page()
    page.goto(url)
    tab = Tab(page)
    kept(page, 0)
    assert notes(tab) == ["a"]
