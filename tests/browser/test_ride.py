"""A session in a real browser, judged by the IDs that the server received. On both Pythons."""

import json
from collections.abc import Callable
from itertools import count

import pytest

from browser.site import BLANK, MOVED, OTHER_HOST, Site
from browser.tabs import Profile, PythonError, Tab
from browser_finder import CHROMIUM
from pillion_shared import is_token, is_uuid4

INSTALL = 'from pillion import *\nSessionProvider(Client("/api"), storage={storage!r}).install()\n'
SESSION = INSTALL.format(storage="session")
LOCAL = INSTALL.format(storage="local")
COOKIE = INSTALL.format(storage="cookie")
INDEXED = INSTALL.format(storage="indexeddb")
MEMORY = INSTALL.format(storage="memory")
REPORT = "s = use_session()\nawait s.ready()\nreturn [s.storage.kind, s.storage.persistent, s.storage.why]"

DELETE_DATABASE = """new Promise((done, fail) => {
    const request = indexedDB.deleteDatabase('pillion');
    request.onsuccess = done;
    request.onerror = fail;
})"""

pytestmark = [pytest.mark.firefox, pytest.mark.kept_pages]

_numbers = count()


def add(tab: Tab) -> int:
    """Adds a note through the tab's session; returns how many that session has."""
    return int(tab.run(f'return await use_session().mutation(api.notes.add, text="{next(_numbers)}")'))


def wait_until(tab: Tab, condition: str) -> None:
    """Until it is true in the page's Python, within ten seconds."""
    tab.run(f"for _ in range(500):\n    if {condition}:\n        return\n    await asyncio.sleep(0.02)\nassert False")


def _add_under(*keys: str) -> str:
    """A command that adds a note to the session of each key in turn, and returns their counts."""
    return (
        "counts = []\n"
        f"for key in {keys}:\n    counts.append(await use_session(key).mutation(api.notes.add, text='x'))\n"
        "return counts"
    )


def the_id(site: Site) -> str:
    """The ID of the call that the server received last."""
    session_id = site.received[-1].session_id
    assert is_uuid4(session_id)
    return session_id


def test_without_secure_random_bytes_there_is_no_session(profile: Profile, site: Site, runtime: str) -> None:
    """Rather than an ID that can be guessed."""
    tab = profile.tab(runtime, "from pillion import *\n")
    tab.page.evaluate("Object.defineProperty(window, 'crypto', { value: undefined })")
    with pytest.raises(PythonError, match="getRandomValues") as caught:
        tab.run("await SessionProvider(Client('/api')).install().mutation(api.notes.add, text='x')")
    assert caught.value.name == "RandomnessError"
    assert site.received == []


def test_a_token_is_kept_and_sent(profile: Profile, site: Site, runtime: str) -> None:
    """An ID of 256 random bits."""
    tab = profile.tab(runtime, SESSION.replace("storage=", "id_format='token', storage="))
    assert add(tab) == 1
    tab.reload()
    assert add(tab) == 2
    (token,) = set(site.ids())
    assert is_token(token)


@pytest.mark.parametrize("holds", [True, False])
def test_calls_wait_for_a_refresh_or_go_out_under_the_old_id(
    profile: Profile, site: Site, runtime: str, holds: bool
) -> None:
    """As the refresh says."""
    tab = profile.tab(runtime, SESSION)
    add(tab)
    old = the_id(site)
    tab.run("globals()['over'] = asyncio.Event()")
    tab.begin(f"return await use_session().refresh(lambda new: over.wait(), hold_calls={holds})")
    tab.wait_for("use_session().refreshes.is_under_way()")
    site.received.clear()
    tab.run("globals()['call'] = asyncio.create_task(use_session().mutation(api.notes.add, text='x'))")
    tab.page.wait_for_timeout(300)
    assert site.ids() == ([] if holds else [old])
    tab.run("over.set()\nawait call")
    assert site.ids() == [tab.end() if holds else old]


@pytest.mark.firefox("py")
def test_a_reload_keeps_the_id(profile: Profile, site: Site, runtime: str) -> None:
    """The tab's ID survives, and so does what the server knows about it."""
    tab = profile.tab(runtime, SESSION)
    assert add(tab) == 1
    tab.reload()
    assert add(tab) == 2
    assert len(set(site.ids())) == 1
    the_id(site)


@pytest.mark.pyodide(code=[SESSION, LOCAL])  # what differs besides is test_each_storage_does_what_a_session_asks's
@pytest.mark.parametrize(
    ("code", "kind", "shared", "kept"),
    [
        (SESSION, "sessionStorage", False, True),
        (LOCAL, "localStorage", True, True),
        (COOKIE, "cookie", True, True),
        (INDEXED, "indexedDB", True, True),
        (MEMORY, "memory", False, False),
    ],
    ids=["session", "local", "cookie", "indexeddb", "memory"],
)
def test_each_storage_shares_and_keeps_what_it_says(
    profile: Profile, site: Site, runtime: str, code: str, kind: str, shared: bool, kept: bool
) -> None:
    """A second tab, and a reload of the first."""
    first = profile.tab(runtime, code)
    add(first)
    second = profile.twin(first)
    add(second)
    assert (site.ids()[0] == site.ids()[1]) is shared
    assert first.run(REPORT) == second.run(REPORT) == [kind, kept, ""]
    first.reload()
    add(first)
    assert (site.ids()[2] == site.ids()[0]) is kept


@pytest.mark.parametrize(
    "storage",
    ["WebStorage('sessionStorage')", "WebStorage('localStorage')", "CookieStorage()", "IndexedDBStorage()"],
    ids=["session", "local", "cookie", "indexeddb"],
)
def test_each_storage_does_what_a_session_asks(profile: Profile, runtime: str, storage: str) -> None:
    """By the same check that a user's own storage is given."""
    tab = profile.tab(runtime, "from pillion import *\nfrom pillion.testing import check_storage\n")
    tab.run(f"await check_storage({storage})")


def test_another_profile_is_another_session(profiles: Callable[[], Profile], site: Site, runtime: str) -> None:
    """Nothing crosses from one to the other."""
    tabs = [profiles().tab(runtime, LOCAL) for _ in range(2)]
    assert [add(tab) for tab in tabs] == [1, 1]
    assert len(set(site.ids())) == 2


@pytest.mark.firefox("py")
def test_a_refresh_carries_the_data_and_reaches_the_other_tab(profile: Profile, site: Site, runtime: str) -> None:
    """The callback runs under the old ID; afterwards both tabs send the new one, and find what was moved."""
    first = profile.tab(runtime, LOCAL)
    add(first)
    old = the_id(site)
    second = profile.twin(first)
    assert first.run(REPORT) == second.run(REPORT) == ["localStorage", True, ""]
    second.run(
        "changes = []\nglobals()['changes'] = changes\nuse_session().on_change(lambda c: changes.append(c.reason))"
    )
    moved = first.run(
        "session = use_session()\nmoved = []\n"
        "async def before(new):\n    moved.append(await session.mutation(api.notes.move, new=new))\n"
        "await session.refresh(before)\nreturn moved[0]"
    )
    assert moved == 1
    (move,) = [call for call in site.received if call.path == "notes:move"]
    assert move.session_id == old
    new = move.args["new"]
    assert is_uuid4(new)
    assert new != old
    second.wait_for("changes == ['refreshed']")
    assert [add(first), add(second)] == [2, 3]
    assert site.ids("notes:add")[1:] == [new, new]
    second.reload()
    assert add(second) == 4
    assert the_id(site) == new


def test_a_refused_refresh_changes_nothing(profile: Profile, site: Site, runtime: str) -> None:
    """The failed function's data arrives, and the old ID goes on, also after a reload."""
    tab = profile.tab(runtime, SESSION)
    add(tab)
    old = the_id(site)
    with pytest.raises(PythonError) as caught:
        tab.run("s = use_session()\nawait s.refresh(lambda new: s.mutation(api.notes.refuse, new=new))")
    assert (caught.value.name, caught.value.message) == ("FunctionError", "Not this time.")
    assert caught.value.data == {"code": "refused", "message": "Not this time."}
    assert add(tab) == 2
    tab.reload()
    assert add(tab) == 3
    assert set(site.ids()) == {old}


def test_a_cleared_storage_is_healed_and_rubbish_is_never_sent(profile: Profile, site: Site, runtime: str) -> None:
    """While the session lives it puts its ID back; where nothing but rubbish is left, a new one is made."""
    first = profile.tab(runtime, LOCAL)
    add(first)
    old = the_id(site)
    second = profile.twin(first)
    second.run("await use_session().ready()")
    stored = "localStorage.getItem('pillion-session')"
    for spoil in ("clear()", "setItem('pillion-session', 'undefined')", "setItem('pillion-session', 'x'.repeat(1e6))"):
        second.page.evaluate(f"localStorage.{spoil}")  # the first tab hears of it by a storage event
        second.page.wait_for_function(f"{stored} === '{old}'")
    assert [add(first), add(second)] == [2, 3]
    second.page.close()
    address = first.page.url
    first.leave(site.url + BLANK)  # no pillion there to heal it
    first.page.evaluate("localStorage.setItem('pillion-session', '\"undefined\"')")
    first.page.goto(address)
    first.page.wait_for_function("!!window.python")
    assert add(first) == 4
    assert first.page.evaluate(stored) == old

    for what, notes in (("setItem('pillion-session', '\"undefined\"')", 5), ("clear()", 1)):  # at last all is gone
        first.leave(site.url + BLANK)
        first.page.evaluate(f"localStorage.{what}")
        first.page.evaluate(DELETE_DATABASE)
        first.page.goto(address)
        first.page.wait_for_function("!!window.python")
        assert add(first) == notes
    assert set(site.ids()) == {old, the_id(site)} != {old}
    assert first.page.evaluate(stored) == the_id(site)


def test_two_handlers_at_once_wake_the_right_one(profile: Profile, site: Site, runtime: str) -> None:
    """A click while another click's refresh is under way waits for it, and then goes out under the new ID."""
    tab = profile.tab(runtime, SESSION)
    tab.run("globals()['go'] = asyncio.Event()\nglobals()['begun'] = []")
    add(tab)
    tab.page.evaluate(
        """() => {
        window.first = window.python(
            "async def before(new):\\n    begun.append(1)\\n    await go.wait()\\n" +
            "return await use_session().refresh(before)");
        window.second = window.python("return await use_session().mutation(api.notes.add, text='meanwhile')");
        }"""
    )
    tab.wait_for("len(begun) == 1")
    assert len(site.received) == 1
    tab.page.evaluate("void window.python('go.set()')")
    first, second = tab.page.evaluate("Promise.all([window.first, window.second])")
    assert json.loads(second) == {"value": 1}
    assert the_id(site) == json.loads(first)["value"]


def test_two_sessions_live_on_one_page(profile: Profile, site: Site, runtime: str) -> None:
    """Told apart by their storage keys; each is kept."""
    tab = profile.tab(
        runtime,
        "from pillion import *\nclient = Client('/api')\n"
        "SessionProvider(client, storage_key='shop').install()\n"
        "SessionProvider(client, storage='local', storage_key='game').install()\n",
    )
    both = _add_under("shop", "game", "shop")
    assert tab.run(both) == [1, 1, 2]
    shop, game, again = site.ids()
    assert shop == again != game
    tab.reload()
    assert tab.run(both) == [3, 2, 4]


def test_ssr_friendly_skips_queries_and_queues_the_rest_until_the_id_is_there(
    profile: Profile, site: Site, runtime: str
) -> None:
    """With a storage that answers late, nothing leaves before it does; then all of it, in order."""
    tab = profile.tab(
        runtime,
        "import asyncio\nfrom pillion import *\nopen_ = asyncio.Event()\n"
        "class Late(MemoryStorage):\n    async def get(self, key):\n        await open_.wait()\n"
        "        return MemoryStorage.get(self, key)\n"
        "SessionProvider(Client('/api'), storage=Late(), ssr_friendly=True).install()\n",
    )
    assert tab.run("return repr(await use_session().query(api.notes.list))") == "SKIPPED"
    tab.run(
        "import asyncio\n"
        "adds = [asyncio.create_task(use_session().mutation(api.notes.add, text=str(n))) for n in range(9)]\n"
        "globals()['adds'] = adds\nawait asyncio.sleep(0.05)"
    )
    assert (site.received, tab.run("return use_session().state")) == ([], "unknown")
    tab.run("open_.set()\nfor task in adds:\n    await task")
    assert tab.run("return await use_session().query(api.notes.list)") == [str(n) for n in range(9)]
    assert len(set(site.ids())) == 1


def test_the_client_attaches_nothing(profile: Profile, site: Site, runtime: str) -> None:
    """What doesn't depend on the session is asked without it."""
    tab = profile.tab(runtime, SESSION)
    assert tab.run("return await use_session().client.query(api.notes.public)") == "for everyone"
    assert site.ids() == [None]


def test_plain_http_on_another_host(profile: Profile, site: Site, runtime: str) -> None:
    """No secure context, so no randomUUID: the ID still comes from the browser's CSPRNG."""
    tab = profile.tab(runtime, LOCAL, host=OTHER_HOST)
    assert tab.page.evaluate("[isSecureContext, typeof crypto.randomUUID]") == [False, "undefined"]
    assert add(tab) == 1
    tab.reload()
    assert add(tab) == 2
    assert len(set(site.ids())) == 1
    the_id(site)
    assert site.received[-1].headers["host"].startswith(OTHER_HOST)


def test_the_server_goes_and_comes_back(profile: Profile, site: Site, runtime: str) -> None:
    """A call meanwhile is a TransportError that says so; the session goes on as if nothing had been."""
    tab = profile.tab(runtime, SESSION)
    add(tab)
    profile.expect_error("ERR_CONNECTION_REFUSED")
    with site.down(), pytest.raises(PythonError, match=r"can't be reached.*Does the server run") as caught:
        add(tab)
    assert caught.value.name == "TransportError"
    assert add(tab) == 2
    assert len(set(site.ids())) == 1


@pytest.mark.firefox("py")
def test_a_server_that_never_answers_is_given_up(profile: Profile, site: Site, runtime: str) -> None:
    """After the client's timeout, in words; the page is not hung."""
    tab = profile.tab(runtime, SESSION.replace('Client("/api")', 'Client("/api", timeout=0.3)'))
    site.silent = True
    with pytest.raises(PythonError, match=r"gave no answer within 0\.3 s") as caught:
        add(tab)
    assert caught.value.name == "TransportError"


def test_a_refresh_that_takes_too_long_aborts_its_call(profile: Profile, site: Site, runtime: str) -> None:
    """The old ID stays in force, and the call that was under way is not left to succeed behind it."""
    tab = profile.tab(runtime, SESSION)
    add(tab)
    site.silent = True
    with tab.page.expect_event("requestfailed", timeout=10_000) as failed, pytest.raises(PythonError) as caught:
        tab.run("s = use_session()\nawait s.refresh(lambda new: s.mutation(api.notes.move, new=new), timeout=0.3)")
    assert caught.value.name == "RefreshError"
    assert failed.value.failure in {"net::ERR_ABORTED", "NS_BINDING_ABORTED"}
    site.silent = False
    assert add(tab) == 2
    assert len(set(site.ids())) == 1


def test_a_redirect_is_refused_and_carries_nothing_away(profile: Profile, site: Site, runtime: str) -> None:
    """A 307 would send the body, with the ID in it, to wherever it points."""
    tab = profile.tab(runtime, SESSION.replace('"/api"', f'"{MOVED}api"'))
    profile.expect_error("Failed to load resource|Fetch API cannot load")
    with pytest.raises(PythonError, match="can't be reached") as caught:
        add(tab)
    assert caught.value.name == "TransportError"
    assert site.received == []


def test_a_base_element_diverts_no_call(profile: Profile, site: Site) -> None:
    """Relative addresses are the page's, not the document's base, which markup can move elsewhere."""
    tab = profile.tab("mpy", SESSION)
    tab.page.evaluate(
        "() => { const base = document.createElement('base'); base.href = 'http://127.0.0.1:9/';"
        " document.head.append(base) }"
    )
    assert add(tab) == 1
    the_id(site)


def test_a_cookie_is_set_with_its_attributes(profile: Profile, site: Site, engine: str, runtime: str) -> None:
    """As the browser's own cookie jar shows them."""
    tab = profile.tab(
        runtime,
        "from pillion import *\n"
        "client = Client('/api')\n"
        "SessionProvider(client, storage='cookie', storage_key='plain').install()\n"
        "SessionProvider(client, storage_key='strict', storage=CookieStorage(path='/', same_site='Strict', max_age=60,"
        " domain='localhost')).install()\n"
        "SessionProvider(client, storage_key='apart', storage=CookieStorage(same_site='None', secure=True,"
        " partitioned=True)).install()\n",
    )
    keys = ("plain", "strict", "apart")
    assert tab.run(_add_under(*keys)) == [1, 1, 1]
    assert tab.run(f"return [use_session(key).storage.kind for key in {keys}]") == ["cookie"] * 3
    cookies = {cookie["name"]: cookie for cookie in profile.context.cookies()}
    assert [cookies[key]["value"] for key in keys] == site.ids()
    assert [cookies[key]["sameSite"] for key in keys] == ["Lax", "Strict", "None"]
    assert [cookies[key]["secure"] for key in keys] == [False, False, True]
    now = tab.page.evaluate("Date.now() / 1000")
    days = [round((cookies[key]["expires"] - now) / 86400, 2) for key in keys]
    assert days == [400, 0, 400]
    if engine == CHROMIUM:  # through Playwright, Firefox's jar doesn't tell
        assert cookies["apart"].get("partitionKey")
    assert not cookies["plain"].get("partitionKey")
