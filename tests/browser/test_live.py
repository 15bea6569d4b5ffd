"""Live queries of pages, on a real server that goes away and comes back."""

from browser.site import Site
from browser.tabs import Profile, until
from browser.test_dispose import objects

LOCAL = "from pillion import *\nimport js\nsession = SessionProvider(Client('/api'), storage='local').install()\n"
SHOWN = "told = []\nnotes = session.subscribe(api.notes.list, told.append)\n"
SHARE = LOCAL + SHOWN
PAGES = """
globals()["pages"] = session.paginate(api.notes.page, lambda pages: told.append(len(pages.items)), first=3)
"""
COUNT = """
window.sockets = new Set();
window.WebSocket = class extends WebSocket {
    constructor(...all) {
        super(...all);
        window.sockets.add(this);
        this.addEventListener('close', () => window.sockets.delete(this));
    }
};
window.listening = 0;
const { addEventListener, removeEventListener } = EventTarget.prototype;
EventTarget.prototype.addEventListener = function(...all) {
    if (this === window || this === document) window.listening += 1;
    return addEventListener.apply(this, all);
};
EventTarget.prototype.removeEventListener = function(...all) {
    if (this === window || this === document) window.listening -= 1;
    return removeEventListener.apply(this, all);
};
"""
ROUNDS = """
import asyncio
for n in range({rounds}):
    client = Client("/api")
    query, values = client.subscribe(api.notes.public), client.watch(api.notes.public)
    await values.__anext__()
    await session.mutation(api.notes.add, text="again")
    client.close()
"""


def test_a_tab_shows_what_another_one_does(profile: Profile, site: Site, runtime: str) -> None:
    """Both ways; each mutation ends with its effect in sight, over the socket and not over HTTP."""
    one, other = profile.tabs(2, runtime, SHARE)
    for tab in (one, other):
        tab.wait_for("notes.value == []")
    assert one.run("n = await session.mutation(api.notes.add, text='tea')\nreturn [n, notes.value]") == [1, ["tea"]]
    other.wait_for("notes.value == ['tea']")
    assert other.run("n = await session.mutation(api.notes.add, text='é')\nreturn [n, notes.value]") == [
        2,
        ["tea", "é"],
    ]
    one.wait_for("notes.value == ['tea', 'é']")
    assert one.run("return told") == other.run("return told") == [[], ["tea"], ["tea", "é"]]
    assert site.received == []


def test_a_worker_has_live_queries(profile: Profile, runtime: str) -> None:
    page = profile.tab(runtime, SHARE.replace("'local'", "'indexeddb'"))
    worker = profile.tab(runtime, SHARE.replace("'local'", "'indexeddb'"), worker=True)
    assert page.run("return await session.mutation(api.notes.add, text='tea')") == 1
    worker.wait_for("notes.value == ['tea']")
    assert worker.run("await session.mutation(api.notes.add, text='honey')\nreturn notes.value") == ["tea", "honey"]
    page.wait_for("notes.value == ['tea', 'honey']")


def test_the_server_goes_away_and_comes_back(profile: Profile, site: Site, runtime: str) -> None:
    """What was done meanwhile arrives, once, and is shown at once; the last value stays in sight."""
    profile.expect_error("WebSocket|ERR_CONNECTION_REFUSED")
    one, other = profile.tabs(2, runtime, SHARE)
    one.run("await session.mutation(api.notes.add, text='before')")
    for tab in (one, other):
        tab.wait_for("notes.value == ['before']")
    with site.down():
        one.wait_for("session.client.connection.state == 'waiting'")
        one.run("""
import asyncio
def optimistic(store):
    store.set(api.notes.list, store.get(api.notes.list) + ["offline"])
globals()["calls"] = [asyncio.create_task(session.mutation(api.notes.add, text="offline", optimistic=optimistic))]
""")
        one.wait_for("notes.value == ['before', 'offline']")
        connection = one.run(
            "c = session.client.connection\nreturn [c.state != 'open', c.pending, c.oldest_pending >= 0]"
        )
        assert connection == [True, 1, True]
        assert other.run("return notes.value") == ["before"]
    one.page.evaluate("window.dispatchEvent(new Event('online'))")
    assert one.run("return await calls[0]") == 2
    for tab in (one, other):
        tab.wait_for("notes.value == ['before', 'offline']")
    assert one.run("return session.client.connection.pending") == 0


def test_a_refresh_is_followed_and_a_log_out_hides_what_was(profile: Profile, runtime: str) -> None:
    one, other = profile.tabs(2, runtime, SHARE)
    one.run("await session.mutation(api.notes.add, text='tea')")
    for tab in (one, other):
        tab.wait_for("notes.value == ['tea']")
    one.run("await session.refresh(lambda new: session.mutation(api.notes.move, new=new))")
    one.run("await session.mutation(api.notes.add, text='honey')")
    for tab in (one, other):
        tab.wait_for("notes.value == ['tea', 'honey']")
        assert tab.run("return told[-2:]") == [["tea"], ["tea", "honey"]]
    assert one.run("await session.logout()\nreturn notes.value is PENDING or notes.value == []")
    for tab in (one, other):
        tab.wait_for("notes.value == []")
        assert tab.run("return told[-2] is PENDING")


def test_a_list_is_loaded_piece_by_piece_and_kept_up_to_date(profile: Profile, runtime: str) -> None:
    """Growth, removal and splits of what is shown; a refresh keeps it, a log-out does not."""
    one, other = profile.tabs(2, runtime, LOCAL + "told = []\n")
    one.run("for n in range(9): await session.mutation(api.notes.add, text=str(n))")
    for tab in (one, other):
        tab.run(PAGES)
        tab.wait_for("pages.items == ['0', '1', '2'] and pages.status == 'can-load-more'")
    assert one.run("pages.load_more(4)\npages.load_more(4)\nreturn pages.status") == "loading-more"
    one.wait_for("pages.items == [str(n) for n in range(7)] and pages.status == 'can-load-more'")
    other.run("await session.mutation(api.notes.remove, text='2')\nreturn pages.items == ['0', '1']")
    one.wait_for("pages.items == ['0', '1', '3', '4', '5', '6']")
    one.run("pages.load_more(20)")
    one.wait_for("pages.status == 'exhausted'")
    other.run("for n in range(50): await session.mutation(api.notes.add, text=str(9 + n))")
    one.wait_for("pages.items == ['0', '1'] + [str(n) for n in range(3, 59)]")
    one.run("told.clear()\nawait session.refresh(lambda new: session.mutation(api.notes.move, new=new))")
    one.run("await session.mutation(api.notes.add, text='last')")
    one.wait_for("len(pages.items) == 59 and pages.items[-1] == 'last'")
    assert one.run("return [each for each in told if each not in (0, 58, 59)]") == []  # 0 when all was moved away
    one.run("await session.logout()")
    for tab in (one, other):
        tab.wait_for("pages.items == [] and pages.status == 'exhausted'")
    one.run("pages.close()\nsession.dispose()")


def test_a_page_that_is_put_away_has_no_socket(profile: Profile, runtime: str) -> None:
    """So that the back/forward cache takes it; back again, it shows what has happened meanwhile."""
    profile.before_each_page(COUNT)
    one, other = profile.tabs(2, runtime, SHARE)
    for tab in (one, other):
        tab.wait_for("notes.value == []")
    one.page.evaluate("() => { window.same = true; dispatchEvent(new PageTransitionEvent('pagehide')) }")
    assert one.run("return session.client.connection.state") == "waiting"
    until(one.page, lambda: one.page.evaluate("sockets.size") == 0)
    other.run("await session.mutation(api.notes.add, text='meanwhile')")
    one.page.evaluate("dispatchEvent(new Event('online'))")
    assert one.page.evaluate("sockets.size") == 0
    one.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    one.wait_for("notes.value == ['meanwhile']")


def test_what_is_closed_leaves_nothing(profile: Profile, runtime: str) -> None:
    """No socket, no listener, no proxy; nor does a session that is disposed of, once its queries have been dropped."""
    profile.before_each_page(COUNT)
    tab = profile.tab(runtime, LOCAL)
    tab.run("await session.ready()")
    listening = tab.page.evaluate("listening")
    tab.run(ROUNDS.format(rounds=10))
    few = objects(tab) + 25  # one object of each round would be more
    for _ in range(2):
        tab.run(ROUNDS.format(rounds=25))
    until(tab.page, lambda: objects(tab) < few)
    until(tab.page, lambda: tab.page.evaluate("[listening, sockets.size]") == [listening, 0])

    tab.run(f"exec({SHOWN!r}, globals())")
    tab.wait_for("session.client.connection.state == 'open'")
    tab.run("session.dispose()")
    until(tab.page, lambda: tab.page.evaluate("sockets.size") == 0)
    assert tab.run("return session.client.connection.state") == "idle"
    assert tab.page.evaluate("listening") < listening
