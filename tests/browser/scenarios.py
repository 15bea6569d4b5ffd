"""What is measured: the rows of the README's table, each judged by the IDs that the server received."""

import time
from collections.abc import Callable

from browser.contenders import BROWSER, MOVE, TAB, Broke, Rider, at_one_instant
from browser.site import OTHER_HOST
from browser.stage import Scenario, Stage
from browser.table import Cell, bad, good, judged
from pillion_shared import is_uuid4

TABS = 10
LOADS = 4
ROUNDS = [f"round-{number}" for number in range(5)]
"""Keys of sessions, a new one for each round."""

SOON = 2.0
"""Seconds that what another tab did may take to be known."""

SHORT = 3000
"""Milliseconds, far more than a call takes."""

RUBBISH = (
    ("“undefined”", "'undefined'"),
    ("a megabyte", "'x'.repeat(1e6)"),
    ("a megabyte", "JSON.stringify('x'.repeat(1e6))"),  # as `useLocalStorage` writes
)
"""What is found in a storage: in words, and as JavaScript."""

SCENARIOS: list[Scenario] = []


Play = Callable[[Stage], Cell]


def scenario(name: str, scope: str | None = None, *, blocked: bool = False) -> Callable[[Play], None]:
    """Makes a row of what it decorates."""
    return lambda play: SCENARIOS.append(Scenario(name, play, scope, blocked))


@scenario("Ten tabs open at one instant", BROWSER)
def _opened_at_once(stage: Stage) -> Cell:
    tabs = stage.tabs(TABS)
    most = 0
    for key in ROUNDS:
        at_one_instant(tabs, "arrive", key)
        most = max(most, len(set(stage.ids())))
    return judged(most == 1, f"one ID in each of {len(ROUNDS)} rounds", f"up to {most} IDs in a round")


@scenario("A tab is duplicated", TAB)
def _duplicated(stage: Stage) -> Cell:
    first = stage.tab()
    first.do("arrive")
    second = first.duplicate()
    second.do("arrive")
    first.do("add")
    second.reload()
    second.do("arrive")
    one, other, same, again = stage.ids()
    return judged(one == same != other == again, "an ID of its own", "both go on with one ID")


@scenario("The page is loaded again")
def _reloaded(stage: Stage) -> Cell:
    tab = stage.tab()
    tab.do("arrive")
    tab.reload()
    tab.do("arrive")
    return judged(len(set(stage.ids())) == 1, "the same ID", "another ID")


@scenario("A handler awaits `refresh()` and then calls")
def _refreshed_and_called(stage: Stage) -> Cell:
    tab = stage.tab()
    tab.do("arrive")
    notes = tab.do("handler")
    (new,) = [call.args["new"] for call in stage.site.received if call.path == MOVE]
    return judged(stage.ids()[-1] == new and notes == 2, "under the new ID", "under the old ID, its data lost")


@scenario("Two refreshes at once on a page")
def _refreshed_twice(stage: Stage) -> Cell:
    tab = stage.tab()
    tab.do("arrive")
    tab.do("logins")
    ran = len(stage.site.ids(MOVE))
    kept = tab.do("add") == 2
    times = {1: "once", 2: "twice"}.get(ran, f"{ran} times")
    phrase = f"the callback runs {times}, the data {'comes along' if kept else 'is lost'}"
    return judged(ran == 1 and kept, phrase, phrase)


@scenario("Two tabs refresh at one instant", BROWSER)
def _refreshed_in_two_tabs(stage: Stage) -> Cell:
    tabs = stage.tabs(2)
    apart = lost = 0
    for key in ROUNDS:
        for tab in tabs:
            tab.do("start", key)
        tabs[0].do("add", key)
        stage.ids()
        at_one_instant(tabs, "login", key)
        ids, notes = _added_until_agreed(stage, tabs, key)
        apart += ids[-1] != ids[-2]
        lost += notes != 1 + ids.count(ids[-1])
    if apart:
        return bad(f"the tabs disagree after {apart} of {len(ROUNDS)} rounds")
    return judged(not lost, "they agree, the data comes along", f"the data is lost in {lost} of {len(ROUNDS)} rounds")


def _added_until_agreed(stage: Stage, tabs: list[Rider], key: str) -> tuple[list[str | None], int]:
    """Adds from all tabs until that is soon one session's: the IDs, and the notes that the last one has."""
    ids: list[str | None] = []
    until = time.monotonic() + SOON
    while True:
        notes = [tab.do("add", key) for tab in tabs]
        now = stage.ids()
        ids += now
        if len(set(now)) == 1 or time.monotonic() > until:
            return ids, notes[-1]


@scenario("A call while a refresh's callback runs")
def _called_meanwhile(stage: Stage) -> Cell:
    tab = stage.tab()
    tab.do("arrive")
    tab.begin("held")
    _wait(lambda: bool(stage.site.ids(MOVE)))
    tab.begin("add")
    _wait(lambda: len(stage.site.received) == 3, 0.3)  # a call that waits for the refresh can't be waited for
    tab.do("release")
    tab.end("held")
    tab.end("add")
    return judged(tab.do("add") == 3, "under the new ID", "under the old ID, its data lost")


@scenario("A refresh's callback never returns")
def _never_returning(stage: Stage) -> Cell:
    tab = stage.tab()
    tab.do("arrive")
    tab.begin("endless")
    tab.do("add")
    try:
        tab.end("endless", within=SHORT)
    except Broke as broken:
        if not broken.hangs:
            return good("given up after its timeout, calls go on")
    return bad(f"calls go on, `refresh()` still hangs after {SHORT // 1000} s")


@scenario("A refresh in another tab", BROWSER)
def _refreshed_elsewhere(stage: Stage) -> Cell:
    first, second = stage.tabs(2)
    first.do("arrive")
    second.do("arrive")
    first.do("login")
    (new,) = [call.args["new"] for call in stage.site.received if call.path == MOVE]

    def follows() -> bool:
        second.do("add")
        return stage.ids() == [new]

    return judged(_wait(follows), "calls follow", f"calls under the old ID, still after {SOON:g} s")


@scenario("The storage is cleared under a page")
def _cleared(stage: Stage) -> Cell:
    tab = stage.tab()
    tab.do("arrive")
    tab.page.evaluate("() => { localStorage.clear(); sessionStorage.clear() }")
    tab.do("add")
    tab.reload()
    tab.do("arrive")
    _, after, loaded = stage.ids()
    return judged(after == loaded, "call and reload agree", "what is then saved is lost by a reload")


@scenario("Rubbish is stored: “undefined”, a megabyte")
def _rubbish(stage: Stage) -> Cell:
    tab = stage.tab()
    done: dict[str, list[str]] = {"sends": [], "breaks on": []}
    for key, (name, value) in enumerate(RUBBISH):
        store = f"s.setItem({str(key)!r}, {value})"
        tab.page.evaluate(f"() => {{ for (const s of [localStorage, sessionStorage]) {store} }}")
        broke = False
        try:
            tab.do("arrive", str(key))
        except Broke:
            broke = True
        sent = not all(is_uuid4(session_id) for session_id in stage.ids())
        verb = "sends" if sent else "breaks on" if broke else None
        if verb and name not in done[verb]:
            done[verb].append(name)
    parts = [f"{verb} {' and '.join(names)}" for verb, names in done.items() if names]
    return judged(not parts, "replaced, never sent", ", ".join(parts))


@scenario("Cookies are blocked", blocked=True)
def _blocked(stage: Stage) -> Cell:
    tab = stage.tab()
    tab.do("arrive")
    tab.do("login")
    tab.do("add")
    one, other = stage.ids()
    return judged(one != other, "works for this page load", "calls work, a refresh changes nothing, its data lost")


@scenario("Plain http, not on localhost")
def _plain_http(stage: Stage) -> Cell:
    tab = stage.tab(host=OTHER_HOST)
    tab.do("arrive")
    tab.reload()
    tab.do("arrive")
    return judged(len(set(stage.ids())) == 1, "works", "another ID after a reload")


@scenario("As rendered on a server: the storage is read late")
def _ssr(stage: Stage) -> Cell:
    tab = stage.tab(ssr=True)
    tab.do("arrive")
    for _ in range(LOADS - 1):
        tab.reload()
        tab.do("arrive")
    made = len(set(stage.ids()))
    return judged(made == 1, f"one ID in {LOADS} loads", f"{made} IDs in {LOADS} loads")


def _wait(for_: Callable[[], bool], seconds: float = SOON) -> bool:
    """Whether it came true in time."""
    until = time.monotonic() + seconds
    while not for_():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
