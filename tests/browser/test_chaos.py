"""Live queries and mutations of two tabs over connections that are lost all the time.

PILLION_ROUNDS=100 in the environment tries many more than the few of every day.
"""

import os
from collections.abc import Iterator

import pytest

from browser.chaos import ChaosProxy
from browser.site import Site
from browser.tabs import Profile, Tab

pytestmark = pytest.mark.firefox

NUMBER = 20
"""How many mutations a tab makes in a round."""

ROUNDS = int(os.environ.get("PILLION_ROUNDS", "6"))

CALM = 0.4
"""Seconds between two moments at which the page hears that the network is back."""

PAGE = """
from pillion import *
import asyncio
import js
session = SessionProvider(Client("http://localhost:{port}/api"), storage="local").install()
told = []
notes = session.subscribe(api.notes.list, told.append)
pages = session.paginate(api.notes.page, lambda pages: pages.load_more(), first=4)
"""
ADD = """
async def add(number):
    await asyncio.sleep(number * {apart})
    return await session.mutation(api.notes.add, text="{name} " + str(number))

calls = []
for number in range({number}):
    calls.append(asyncio.create_task(add(number)))
answers = []
for call in calls:
    answers.append(await call)
    assert len(notes.value) >= answers[-1]
return answers
"""


@pytest.fixture
def proxy(site: Site) -> Iterator[ChaosProxy]:
    """What the pages see of the server."""
    proxy = ChaosProxy(site.port)
    yield proxy
    proxy.close()


def test_nothing_is_lost_doubled_or_reordered(profile: Profile, proxy: ChaosProxy, runtime: str) -> None:
    """By what the server holds, and each answer; what the tabs show is always what was there at one moment."""
    profile.expect_error("WebSocket|ERR_|can’t establish a connection|was interrupted")
    tabs = profile.tabs(2, runtime, PAGE.format(port=proxy.port))
    for tab in tabs:
        tab.wait_for("notes.value == [] and pages.status == 'exhausted'")
    expected = 0
    for seed in range(ROUNDS if runtime == "mpy" else 1):
        answers = a_round(tabs, proxy, seed)
        there = tabs[0].run("return await session.query(api.notes.list)")
        for place in range(len(tabs)):
            own = [f"{seed}-{place} {number}" for number in range(NUMBER)]
            assert [text for text in there[expected:] if text in own] == own
            assert [there[answer - 1] for answer in answers[place]] == own
        expected += len(tabs) * NUMBER
        assert len(there) == expected
        for tab in tabs:
            tab.wait_for(f"len(notes.value) == {expected} and len(pages.items) == {expected}")
            assert tab.run("return notes.value") == tab.run("return pages.items") == there
            assert tab.run("return session.client.connection.pending") == 0
            told = tab.run("return [len(value) for value in told]")
            assert told == sorted(told)
            assert tab.run("return [value for value in told if value != notes.value[:len(value)]]") == []
    assert proxy.cuts > 2 * (seed + 1)


def a_round(tabs: list[Tab], proxy: ChaosProxy, seed: int) -> list[list[int]]:
    """What the mutations of each tab have returned, of which most were made while the connections were lost."""
    proxy.rage(seed)
    for place, tab in enumerate(tabs):
        tab.begin(ADD.format(name=f"{seed}-{place}", number=NUMBER, apart=0.1))
    for _ in range(6):
        for tab in tabs:
            tab.page.wait_for_timeout(CALM / len(tabs) * 1000)
            hurry(tab)
    proxy.calm()
    for tab in tabs:
        hurry(tab)
    return [tab.end() for tab in tabs]


def hurry(tab: Tab) -> None:
    """Tells a page that the network is back, so that it doesn't wait for long."""
    tab.page.evaluate("window.dispatchEvent(new Event('online'))")
