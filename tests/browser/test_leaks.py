"""Who sees the session's ID: every way out of a page, tried on every kind of address, with three servers listening.

The hostile one says yes to every preflight. What it has received in all its life must hold no ID: in no header, body,
query or Referer. The table is in ways.py.
"""

from collections.abc import Iterator

import pytest

from browser.libraries import archive, config
from browser.listening import BEGIN, Listening, listen, tried
from browser.site import EVIL_HOST, IDN_HOST, SUB_HOST, Site
from browser.tabs import Profile, Tab
from browser.ways import ALLOWED, CASES, EVERYWHERE, HOSTILE, INSTALL, OWN, PYODIDE, UNDER, Way, expected
from browser_finder import CHROMIUM, FIREFOX

PLACES = [
    (CHROMIUM, "mpy", False),
    (CHROMIUM, "mpy", True),
    (CHROMIUM, "py", False),
    (CHROMIUM, "py", True),
    (FIREFOX, "mpy", False),
    (FIREFOX, "mpy", True),
    (FIREFOX, "py", False),
    (FIREFOX, "py", True),
]


@pytest.fixture
def listening(site: Site) -> Iterator[Listening]:
    """The three of them."""
    with listen(site, EVIL_HOST, SUB_HOST, IDN_HOST) as listening:
        yield listening


def place_id(place: tuple[str, str, bool]) -> str:
    """As a test's name has it."""
    engine, runtime, in_worker = place
    return f"{engine}-{runtime}{'-worker' if in_worker else ''}"


@pytest.mark.parametrize(
    ("engine", "runtime", "in_worker"), PLACES, ids=map(place_id, PLACES), indirect=["engine", "runtime"]
)
def test_nobody_sees_the_id_but_those_who_may(
    profile: Profile, listening: Listening, engine: str, runtime: str, in_worker: bool
) -> None:
    """Every way, every address; the allowed ones see it exactly once per call."""
    profile.expect_error("")  # the browser itself says what it can't reach, and why
    tab = opened(profile, listening, runtime, in_worker)
    session_id = tab.run("return await session.ready()")
    wrong = []
    under = [] if in_worker or engine == FIREFOX else UNDER  # where the layers are one and the same JavaScript
    for way in EVERYWHERE + under + (PYODIDE if runtime == "py" else []):
        wanted = [expected(way, case, in_worker=in_worker) for case in CASES]
        wrong += [f"{way.name}: {what}" for what in tried(tab, listening, way, session_id, CASES, wanted)]
    assert not wrong, "\n".join(wrong)
    hostile = listening.servers[HOSTILE]
    assert not [request for request in hostile.seen + hostile.preflights if session_id in request.text]
    for host in (EVIL_HOST, SUB_HOST, IDN_HOST, "localhost"):  # it was there to be asked, under each of its names
        names = [request.headers["host"][0].partition(":")[0] for request in hostile.seen]
        assert names.count(host) > len(EVERYWHERE) / 2, host


@pytest.mark.parametrize("runtime", ["mpy", "py"], ids=["MicroPython", "Pyodide"], indirect=True)
def test_a_base_element_leads_the_id_nowhere(profile: Profile, listening: Listening, runtime: str) -> None:
    """What relative addresses are relative to, where a page's `<base>` is the hostile server's."""
    profile.expect_error("")
    tab = opened(profile, listening, runtime, False)
    base = "(href) => { document.head.appendChild(document.createElement('base')).href = href }"
    tab.page.evaluate(base, listening.origins["evil"] + "/")
    session_id = tab.run("return await session.ready()")
    cases = [case for case in CASES if case.is_relative]
    wrong = []
    for way in EVERYWHERE + UNDER + (PYODIDE if runtime == "py" else []):
        wanted = [expected(way, case, has_base=True) for case in cases]
        wrong += [f"{way.name}: {what}" for what in tried(tab, listening, way, session_id, cases, wanted)]
    assert not wrong, "\n".join(wrong)
    assert len(listening.servers[HOSTILE].seen) > 3 * len(cases)


def test_a_careless_way_is_caught(profile: Profile, listening: Listening) -> None:
    """The table would tell: a header by another name, put there by hand, follows redirects, and goes anywhere."""
    profile.expect_error("")
    tab = opened(profile, listening, "mpy", False)
    session_id = tab.run("return await session.ready()")
    careless = Way("", "await pyscript.fetch(url, headers={'X-Session-Id': session.id}).text()", "import pyscript\n")
    wrong = tried(tab, listening, careless, session_id, CASES, [expected(careless, case) for case in CASES])
    for name in ("another host", "another port", "302 to evil", "307 from allowed to evil", "301 to evil and back"):
        assert any(each.startswith(f"{name}: the hostile server has it") for each in wrong), name


REALMS = """async (url) => {
    const frame = document.body.appendChild(document.createElement("iframe"));
    const foreign = new frame.contentWindow.Request(url);
    await fetch(foreign).catch(() => {});
    const Native = window.Request;
    window.Request = class extends Native {};
    const native = new Native(url);
    await fetch(native).catch(() => {});
    window.Request = Native;
    let asked = 0;
    await fetch({ toString: () => asked++ ? url : location.origin + "/any/echo" }).catch(() => {});
    await fetch({ toString: () => url }).catch(() => {});
    const xhr = new XMLHttpRequest();
    const base = document.head.appendChild(document.createElement("base"));
    base.href = new URL("/", url).href;
    xhr.open("GET", new URL(url).pathname + new URL(url).search);
    base.remove();
    await new Promise(done => { xhr.onloadend = done; xhr.send() });
}"""


@pytest.mark.parametrize("name", ["own", "evil"])
def test_javascript_is_judged_by_what_it_really_asks(profile: Profile, listening: Listening, name: str) -> None:
    """A Request of another realm, a Request that has been replaced, an object that says another thing each time."""
    profile.expect_error("")
    tab = opened(profile, listening, "mpy", False)
    tab.run(INSTALL)
    session_id = tab.run("return await session.ready()")
    tab.page.evaluate(REALMS, f"{listening.origins[name]}/any/echo?realms")
    received = {
        server: [each for each in seen if "realms" in each.query] for server, seen in listening.received().items()
    }
    got = received[OWN if name == "own" else HOSTILE]
    assert len(got) == 4
    assert [each.text.count(session_id) for each in got] == [1 if name == "own" else 0] * 4


SLOW = """
class Slow(MemoryStorage):
    may = asyncio.Event()
    async def get(self, key):
        await Slow.may.wait()
        return MemoryStorage.get(self, key)
from pillion import javascript
slow = SessionProvider(Client("/api"), storage=Slow(), storage_key="slow").install()
javascript.install(slow)
"""
WAITING = """(evil) => {
    const base = document.createElement('base');
    base.href = evil;
    const turn = { get method() { document.head.append(base); return 'POST' } };
    const send = (name, init) => fetch('/any/echo?' + name, init).catch(() => {});
    const post = { method: 'POST', body: 'x' };
    window.waiting = [send('plain', post), send('keepalive', { ...post, keepalive: true })];
    const xhr = new XMLHttpRequest();
    xhr.open('GET', '/any/echo?xhr');
    waiting.push(new Promise(done => { xhr.onloadend = done; xhr.send() }));
    waiting.push(send('read', turn));
    base.remove();
    waiting.push(send('keepalive and read', Object.create(turn, { keepalive: { value: true }, body: { value: 'x' } })));
    document.head.append(base);
}"""


@pytest.mark.parametrize("runtime", ["mpy", "py"], ids=["MicroPython", "Pyodide"], indirect=True)
def test_a_base_element_that_comes_while_calls_wait_leads_the_id_nowhere(
    profile: Profile, listening: Listening, runtime: str
) -> None:
    """They go where they were sent when they were sent."""
    profile.expect_error("")
    tab = opened(profile, listening, runtime, False)
    tab.run(f"exec({SLOW!r}, globals())")
    tab.page.evaluate(WAITING, listening.origins["evil"] + "/")
    tab.run("Slow.may.set()")
    session_id = tab.run("return await slow.ready()")
    tab.page.evaluate("async () => void await Promise.all(waiting)")
    received = listening.received()
    got = {name: sorted(each.query for each in seen if session_id in each.text) for name, seen in received.items()}
    names = ["keepalive", "keepalive%20and%20read", "plain", "read", "xhr"]
    assert got == {OWN: names, ALLOWED: [], HOSTILE: []}


def opened(profile: Profile, listening: Listening, runtime: str, in_worker: bool) -> Tab:
    """A page, or its worker, with a session and the libraries."""
    site = listening.site
    code = BEGIN.format(storage="indexeddb" if in_worker else "local", allowed=listening.origins["allowed"])
    path = site.page(runtime, code, worker=in_worker)
    if runtime == "py":
        site.pages["/libraries.zip"], site.pages["/libraries.toml"] = archive(), config()
        site.pages[path] = str(site.pages[path]).replace("./pyscript.toml", "./libraries.toml")
    return Tab(profile.page(path), worker=in_worker)
