"""The ways out of a page besides calls of functions: what they send, wait for and say. Who sees it is test_leaks.py's."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from browser.collector import Seen
from browser.libraries import archive, config
from browser.site import ANY, BLANK, EVIL_HOST, Site
from browser.tabs import BOUND, Profile, PythonError, Tab, until
from pillion_shared import is_uuid4

INSTALL = "from pillion import *\nimport js\nsession = SessionProvider(Client('/api'), storage={storage!r}).install()\n"
LOCAL = INSTALL.format(storage="local")
JAVASCRIPT = LOCAL + "from pillion import javascript\nundo = javascript.install(session)\n"
SLOW = LOCAL.replace("storage='local'", "storage=Slow()").replace("session =", """class Slow(MemoryStorage):
    may = asyncio.Event()
    async def get(self, key):
        await Slow.may.wait()
        return MemoryStorage.get(self, key)

session =""").replace("import js", "import asyncio\nimport js")  # fmt: skip
ECHO = f"{ANY}echo"

pytestmark = [pytest.mark.firefox, pytest.mark.kept_pages]


@pytest.fixture(autouse=True)
def fresh(site: Site) -> None:
    """Nothing has come yet."""
    site.collector.clear()


def the_request(site: Site) -> Seen:
    """The only one that has come."""
    (request,) = site.collector.seen
    return request


def carried(request: Seen) -> str:
    """The ID that it carries as it should."""
    (value,) = request.headers["authorization"]
    scheme, _, session_id = value.partition(" ")
    assert scheme == "Session"
    assert is_uuid4(session_id)
    return session_id


def soon(true: Callable[[], bool]) -> None:
    """Waits until something is true, whatever has become of the page."""
    end = time.monotonic() + BOUND / 1000
    while not true():
        assert time.monotonic() < end, "It did not come true."
        time.sleep(0.02)


# --- fetch -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("worker", [False, True], ids=["page", "worker"])
def test_fetch_has_the_shape_of_pyscripts(profile: Profile, site: Site, runtime: str, worker: bool) -> None:
    """Chained or not, every way of reading the body, relative addresses in workers too."""
    tab = profile.tab(runtime, LOCAL if not worker else INSTALL.format(storage="indexeddb"), worker=worker)
    told = tab.run(f"""
response = await session.fetch({ECHO!r}, method="PUT", headers={{"X-A": "b"}}, body="é")
again = await response.json()
return [
    response.ok, response.status, response.headers.get("content-type"), response.url, again["method"],
    again["headers"]["x-a"], (await session.fetch({ECHO!r}).json())["method"], await session.fetch({BLANK!r}).text(),
    list(await session.fetch({BLANK!r}).bytearray())[:3], list(await session.fetch({BLANK!r}).arrayBuffer())[:3],
    (await session.fetch({BLANK!r}).blob()).size,
]""")
    page = str(site.pages[BLANK])
    octets = list(page.encode()[:3])
    assert told == [True, 200, "application/json", site.url + ECHO, "PUT", "b", "GET", page, octets, octets, len(page)]
    assert {carried(request) for request in site.collector.seen} == {tab.run("return session.id")}


BODIES = [
    ("body='é'", b"\xc3\xa9", "text/plain;charset=UTF-8"),
    ("body=b'\\x00\\xff'", b"\x00\xff", None),
    ("body=bytearray(b'\\x00\\xff')", b"\x00\xff", None),
    ("body=js.Blob.new(js.Array.of('a'))", b"a", None),
    ("body=js.URLSearchParams.new('a=b')", b"a=b", "application/x-www-form-urlencoded;charset=UTF-8"),
    ("json={'a': [1, None]}", b'{"a": [1, null]}', "application/json"),
    ("json=None", b"null", "application/json"),
    ("json=[1], headers={'content-type': 'text/x'}", b"[1]", "text/x"),
    ("body='a=b', headers=js.Headers.new(js.Object.entries(js.JSON.parse('{\"Content-Type\": \"x/y\"}')))", b"a=b", "x/y"),
]  # fmt: skip


def test_fetch_sends_every_kind_of_body(profile: Profile, site: Site, runtime: str) -> None:
    """As the browser does, by POST unless it is told otherwise."""
    tab = profile.tab(runtime, LOCAL)
    for options, octets, kind in BODIES:
        site.collector.clear()
        tab.run(f"await session.fetch({ECHO!r}, {options})")
        request = the_request(site)
        assert (request.method, request.body) == ("POST", octets), options
        assert request.headers.get("content-type", [None]) == [kind], options
        carried(request)


def test_fetch_sends_forms(profile: Profile, site: Site, runtime: str) -> None:
    """With files; and with the ID as a field, which the caller's own form does not keep."""
    tab = profile.tab(runtime, LOCAL)
    keys = tab.run(f"""
form = js.FormData.new()
form.append("a", "b")
form.append("file", js.Blob.new(js.Array.of("inside")), "name.txt")
await session.fetch({ECHO!r}, body=form, field="sid")
return str(js.JSON.stringify(js.Array.from_(form.keys()) if hasattr(js.Array, "from_") else getattr(js.Array, "from")(form.keys())))
""")
    assert json.loads(keys) == ["a", "file"]
    body = the_request(site).body.decode()
    session_id = tab.run("return session.id")
    assert re.findall(r'name="(\w+)"', body) == ["a", "file", "sid"]
    assert 'filename="name.txt"' in body
    assert body.count(session_id) == 1
    assert "authorization" not in the_request(site).headers


def test_fetch_gives_a_body_as_it_arrives(profile: Profile, site: Site, runtime: str) -> None:
    """While it is still under way; closing it ends the transfer."""
    tab = profile.tab(runtime, LOCAL)
    started = time.monotonic()
    first = tab.run(f"""
response = await session.fetch("{ANY}events?count=1&open=30")
chunks = response.chunks()
read = b""
async for chunk in chunks:
    read += chunk
    if read.endswith(b"\\n\\n"):
        break
chunks.close()
return read.decode()
""")
    assert first == "id: 1\nretry: 20\ndata: event 1 é\n\n"
    assert time.monotonic() - started < 25
    empty = (
        f"chunks = (await session.fetch('{ANY}status?204')).chunks()\nasync for chunk in chunks:\n    return len(chunk)"
    )
    assert tab.run(empty) is None
    with pytest.raises(PythonError) as caught:
        tab.run(
            f"response = await session.fetch({BLANK!r})\nawait response.text()\nawait response.chunks().__anext__()"
        )
    assert caught.value.name == "TransportError"


def test_a_timeout_is_for_the_answer_to_begin(profile: Profile, runtime: str) -> None:
    """Its body takes as long as it takes; so do events, which are the same fetch."""
    tab = profile.tab(runtime, LOCAL)
    body = tab.run(f"return await session.fetch('{ANY}events?count=1&open=2', timeout=1).text()")
    assert body == "id: 1\nretry: 20\ndata: event 1 é\n\n"


def test_a_call_of_a_function_is_bounded_as_a_whole(profile: Profile, runtime: str) -> None:
    """Also where its answer begins and never ends."""
    tab = profile.tab(runtime, LOCAL)
    post = f"await _web.post(str(js.location.origin) + '{ANY}events?count=1&open=30', {{}}, '{{}}', 1)"
    with pytest.raises(PythonError, match="no answer within 1 s"):
        tab.run("from pillion import _web\n" + post)


def test_a_request_keeps_its_signal_and_is_not_sent_twice(profile: Profile, runtime: str) -> None:
    """What JavaScript throws of it is an error of Python's."""
    tab = profile.tab(runtime, LOCAL)
    with pytest.raises(PythonError, match="was aborted"):
        tab.run(f"""
aborter = js.AbortController.new()
options = js.Object.new()
options.signal = aborter.signal
request = js.Request.new("{ANY}events?count=0&late=20", options)
task = asyncio.create_task(session.fetch(request).text())
await asyncio.sleep(0.3)
aborter.abort()
await task
""")
    with pytest.raises(PythonError) as caught:
        tab.run(f"""
options = js.Object.new()
options.method, options.body = "POST", "x"
request = js.Request.new({ECHO!r}, options)
await session.fetch(request)
await session.fetch(request)
""")
    assert caught.value.name in ("ValueError", "TransportError")
    assert tab.run(f"return await session.fetch({ECHO!r}).json()")["method"] == "GET"


def test_fetch_says_what_went_wrong(profile: Profile, site: Site, runtime: str) -> None:
    """Aborted, too late, not there, not allowed: errors of pillion's."""
    tab = profile.tab(runtime, LOCAL)
    profile.expect_error("net::ERR|NS_ERROR|refused|blocked|CORS")
    with pytest.raises(PythonError, match="was aborted"):
        tab.run(
            f"aborter = js.AbortController.new()\naborter.abort()\nawait session.fetch({ECHO!r}, signal=aborter.signal)"
        )
    with pytest.raises(PythonError, match="no answer within 1 s"):
        tab.run(f"await session.fetch('{ANY}events?count=0&late=20', timeout=1).text()")
    with pytest.raises(PythonError, match="can't be reached"):
        tab.run("await session.fetch('http://localhost:1/')")
    with pytest.raises(PythonError, match="is not an address"):
        tab.run("await session.fetch('http://[')")
    with pytest.raises(PythonError, match="at most 65536 bytes"):
        tab.run(f"session.beacon({ECHO!r}, 'x' * 70000)")
    with pytest.raises(PythonError) as caught:
        tab.run(f"await session.fetch({ECHO!r}, json={{'a': object()}})")
    assert caught.value.name == "TypeError"
    for wrong in ("json=1, body='x'", "body={'a': 1}", "field='a'", "header='a', field='b'"):
        with pytest.raises(PythonError) as caught:
            tab.run(f"await session.fetch({ECHO!r}, {wrong})")
        assert caught.value.name in ("ValueError", "TypeError")


def test_a_fetch_takes_what_the_browsers_takes(profile: Profile, site: Site, runtime: str) -> None:
    """A URL, headers of three shapes; a reason to abort that is no Error; and mistakes are the caller's, not the network's."""
    tab = profile.tab(runtime, LOCAL)
    profile.expect_error("net::ERR|NS_ERROR|refused|blocked|CORS")
    tab.run(f"""
url = js.URL.new({ECHO!r}, js.location.href)
pairs = js.JSON.parse('{{"x-mine": "1"}}')
for headers in (pairs, js.Headers.new(pairs), [["x-mine", "1"]]):
    await session.fetch(url, headers=headers)
""")
    assert [request.headers["x-mine"] for request in site.collector.seen] == [["1"]] * 3
    with pytest.raises(PythonError, match="was aborted"):
        tab.run(
            f"aborter = js.AbortController.new()\naborter.abort('enough')\nawait session.fetch({ECHO!r}, signal=aborter.signal)"
        )
    with pytest.raises(PythonError, match="or redirects"):
        tab.run(f"await session.fetch('{ANY}moved/302?to={ECHO}', header='x-mine')")
    for wrong in ("headers={'a b': 'c'}", "method='GET', body='x'"):
        with pytest.raises(PythonError, match="can't be fetched so") as caught:
            tab.run(f"await session.fetch({ECHO!r}, {wrong})")
        assert caught.value.name == "ValueError"
    for body in ("'é' * 40000", "bytearray(70000)", "js.Blob.new(js.Array.of('x' * 70000))"):
        with pytest.raises(PythonError, match="at most 65536 bytes"):
            tab.run(f"session.beacon({ECHO!r}, {body})")


TOLD = """
async def told(awaitable):
    try:
        return await awaitable
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""


def test_a_signal_counts_while_the_id_is_waited_for(profile: Profile, site: Site, runtime: str) -> None:
    """Used before the call, or meanwhile: nothing is sent."""
    tab = profile.tab(runtime, SLOW)
    said = tab.run(f"""{TOLD}
aborter = js.AbortController.new()
waiting = asyncio.create_task(told(session.fetch({ECHO!r}, signal=aborter.signal).text()))
await asyncio.sleep(0.1)
aborter.abort()
return [await waiting, await told(session.fetch({ECHO!r}, signal=aborter.signal).text())]
""")
    assert all("was not sent" in each for each in said)
    assert site.collector.seen == []


def test_who_stops_reading_ends_the_transfer(profile: Profile, site: Site, runtime: str) -> None:
    """The server sees its caller go: of a body in pieces, and of events that are being connected, by a signal."""
    tab = profile.tab(runtime, LOCAL)
    tab.run(f"""{TOLD}
chunks = (await session.fetch("{ANY}events?count=1&open=60")).chunks()
await chunks.__anext__()
reading = asyncio.create_task(chunks.__anext__())
await asyncio.sleep(0.1)
reading.cancel()
globals()["aborter"] = js.AbortController.new()
globals()["events"] = session.events("{ANY}events?late=60", signal=aborter.signal)
globals()["next"] = asyncio.create_task(told(events.__anext__()))
""")
    until(tab.page, lambda: len(site.collector.gone) == 1 and len(site.collector.seen) == 2)
    assert tab.run("aborter.abort()\nreturn await next").startswith("StopAsyncIteration")


def test_a_cancelled_fetch_is_aborted(profile: Profile, site: Site, runtime: str) -> None:
    """The server sees its caller go."""
    tab = profile.tab(runtime, LOCAL)
    tab.run(f"globals()['task'] = asyncio.create_task(session.fetch('{ANY}events?count=0&late=20').text())")
    until(tab.page, lambda: len(site.collector.seen) == 1)
    tab.run("task.cancel()")
    until(tab.page, lambda: len(site.collector.gone) == 1)


def test_what_is_awaited_waits_and_the_rest_says_so(profile: Profile, site: Site, runtime: str) -> None:
    """Before the ID is there."""
    tab = profile.tab(runtime, SLOW)
    tab.run(
        f"globals()['waiting'] = [asyncio.create_task(each.text()) for each in (session.fetch({ECHO!r}), session.fetch(js.Request.new({ECHO!r})))]"
    )
    for call in (f"session.headers({ECHO!r})", f"session.beacon({ECHO!r})"):
        with pytest.raises(PythonError, match=r"await session\.ready\(\)") as caught:
            tab.run(call)
        assert caught.value.name == "NotReadyError"
    assert site.collector.seen == []
    tab.run("Slow.may.set()\nfor task in waiting:\n    await task")
    assert [carried(request) for request in site.collector.seen] == [tab.run("return session.id")] * 2


def test_a_refresh_is_waited_for_and_followed(profile: Profile, site: Site, runtime: str) -> None:
    """In this tab and in another one."""
    tab = profile.tab(runtime, LOCAL)
    other = profile.twin(tab)
    old = tab.run(f"await session.fetch({ECHO!r})\nreturn session.id")
    tab.run(
        "globals()['over'] = asyncio.Event()\nglobals()['refreshing'] = asyncio.create_task(session.refresh(lambda new: over.wait()))"
    )
    tab.wait_for("session.refreshes.is_under_way()")
    tab.run(f"globals()['call'] = asyncio.create_task(session.fetch({ECHO!r}).text())")
    with pytest.raises(PythonError, match="being replaced"):
        tab.run(f"session.headers({ECHO!r})")
    tab.page.wait_for_timeout(200)
    assert len(site.collector.seen) == 1
    new = tab.run("over.set()\nawait call\nreturn await refreshing")
    other.run(f"await session.fetch({ECHO!r})")
    assert [carried(request) for request in site.collector.seen] == [old, new, new]
    assert new != old


@pytest.mark.parametrize("mine", ["Authorization", "authorization"])
def test_a_header_of_the_callers_own_wins(profile: Profile, site: Site, runtime: str, mine: str) -> None:
    """Whatever its case, also in a Request."""
    tab = profile.tab(runtime, JAVASCRIPT)
    headers = f"headers={{'{mine}': 'Basic mine'}}"
    tab.run(f"await session.fetch({ECHO!r}, {headers})\nsession.beacon({ECHO!r}, {headers})")
    tab.page.evaluate(f"""async () => {{
        await fetch('{ECHO}', {{ headers: {{ '{mine}': 'Basic mine' }} }});
        await fetch(new Request('{ECHO}', {{ headers: [['{mine}', 'Basic mine']] }}));
        const xhr = new XMLHttpRequest();
        xhr.open('GET', '{ECHO}');
        xhr.setRequestHeader('{mine}', 'Basic mine');
        await new Promise(done => {{ xhr.onload = done; xhr.send() }});
    }}""")
    until(tab.page, lambda: len(site.collector.seen) == 5)
    assert [request.headers["authorization"] for request in site.collector.seen] == [["Basic mine"]] * 5


# --- WebSocket, events, beacon ---------------------------------------------------------------------------------------


def test_a_websocket_says_whose_it_is_first(profile: Profile, site: Site, runtime: str) -> None:
    """Then it sends and receives text and bytes, in order, until either end closes it."""
    tab = profile.tab(runtime, LOCAL)
    told = tab.run(f"""
socket = await session.websocket("{ANY}socket", field="sid")
for number in range(5):
    socket.send(str(number))
socket.send(b"\\x00\\xff")
told = []
async for message in socket:
    told.append(message if isinstance(message, str) else list(message))
    if len(told) == 7:
        socket.close(3000, "enough")
told.append([socket.code, socket.reason, await socket.receive()])
try:
    socket.send("x")
except TransportError as error:
    told.append(str(error))
return told[1:]
""")
    assert told == ["0", "1", "2", "3", "4", [0, 255], [3000, "enough", None], "The WebSocket is closed."]
    first = next(seen for seen in site.collector.seen if seen.method == "MESSAGE")
    assert json.loads(first.body) == {"sid": tab.run("return session.id")}


def test_a_websocket_ends_with_its_id(profile: Profile, site: Site, runtime: str) -> None:
    """What opens it again is the new session's; to others, and to nobody, there is none."""
    tab = profile.tab(runtime, LOCAL)
    profile.expect_error("WebSocket|establish|connect")
    ids = tab.run(f"""
globals()["socket"] = await session.websocket("{ANY}socket")
old = session.id
await session.logout()
while await socket.receive() is not None:
    pass
await session.websocket("{ANY}socket")
return [old, session.id, socket.code, socket.reason]
""")
    until(tab.page, lambda: len(site.collector.seen) == 4)
    said = [json.loads(seen.body)["sessionId"] for seen in site.collector.seen if seen.method == "MESSAGE"]
    assert said == ids[:2]
    assert ids[2:] == [1000, "another session"]
    with pytest.raises(PythonError, match="allow_origins"):
        tab.run(f"await session.websocket('ws://{EVIL_HOST}:{site.port}/')")
    with pytest.raises(PythonError, match="can't be reached"):
        tab.run("await session.websocket('/nothing/here')")
    with pytest.raises(PythonError) as caught:
        tab.run(f"await session.websocket('{ANY}socket', ['a', 'a'])")
    assert caught.value.name == "ValueError"


def test_events_go_on_after_the_last_one(profile: Profile, site: Site, runtime: str) -> None:
    """Over connections that end, with the ID that is in force then, until the server says that there are no more."""
    tab = profile.tab(runtime, LOCAL)
    told = tab.run(f"""
told = []
async for event in session.events("{ANY}events?count=2&last=6"):
    told.append([event.event, event.id, event.data])
    if len(told) == 3:
        await session.refresh()
return told
""")
    assert told == [["message", str(number), f"event {number} é"] for number in range(1, 7)]
    asked = [request.headers.get("last-event-id", [""])[0] for request in site.collector.seen]
    assert asked[0] == ""
    assert asked[-1] == "6"
    ids = [carried(request) for request in site.collector.seen]
    assert len(set(ids)) == 2
    assert ids[-1] == tab.run("return session.id") != ids[0]


def test_events_outlive_a_log_out(profile: Profile, site: Site, runtime: str) -> None:
    """Whose callback the server answers by ending the stream: they begin anew, as nobody's but the new session's."""
    tab = profile.tab(runtime, LOCAL)
    tab.run(f"globals()['events'] = session.events('{ANY}events?count=1', retry=0.05)\nawait events.__anext__()")
    tab.run(
        "globals()['over'] = asyncio.Event()\nglobals()['leaving'] = asyncio.create_task(session.logout(lambda: over.wait()))"
    )
    tab.wait_for("session.refreshes.is_under_way()")
    tab.run("globals()['next'] = asyncio.create_task(events.__anext__())")
    tab.wait_for("events.error is not None or not events.connected")
    tab.page.wait_for_timeout(300)
    new = tab.run("over.set()\nreturn await leaving")
    assert tab.run("return (await next).id") == "1"
    assert "last-event-id" not in site.collector.seen[-1].headers
    assert carried(site.collector.seen[-1]) == new
    tab.run("events.close()")


def test_events_outlive_the_server(profile: Profile, site: Site, runtime: str) -> None:
    """When it is back, they go on where they were."""
    tab = profile.tab(runtime, LOCAL)
    profile.expect_error("net::ERR|NS_ERROR|refused")
    tab.run(
        f"globals()['events'] = session.events('{ANY}events?count=1&open=60', retry=0.1)\nreturn (await events.__anext__()).id"
    )
    with site.down():
        tab.run("globals()['next'] = asyncio.create_task(events.__anext__())")
        tab.wait_for("events.error is not None")
        assert tab.run("return events.connected") is False
    assert tab.run("return (await next).id") == "2"
    tab.run("events.close()")


@pytest.mark.fresh_pages("its script waits, and the page goes")
@pytest.mark.parametrize("how", ["closed", "left"])
def test_the_last_word_of_a_closing_page_arrives(profile: Profile, site: Site, runtime: str, how: str) -> None:
    """A beacon sent as the page is hidden for good, with the ID."""
    tab = profile.tab(runtime, LOCAL + """
from pyscript.ffi import create_proxy
def last_word(event):
    session.beacon("/any/bye", json={"last": "word"})
await session.ready()
js.window.addEventListener("pagehide", create_proxy(last_word))
""")  # fmt: skip
    session_id = tab.run("return session.id")
    if how == "closed":
        tab.page.close(run_before_unload=True)
    else:
        tab.page.goto(site.url + BLANK)
    soon(lambda: any(request.path == "/any/bye" for request in site.collector.seen))
    request = next(request for request in site.collector.seen if request.path == "/any/bye")
    assert carried(request) == session_id
    assert json.loads(request.body) == {"last": "word"}


# --- the page's own JavaScript ---------------------------------------------------------------------------------------

STACKED = """() => {
    const below = window.fetch;
    window.fetch = (...args) => below(...args);
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (...args) { return send.apply(this, args) };
}"""
AGAIN = {
    "as they are": "(...args) => below(...args)",
    "later": "async (...args) => { await 0; return below(...args) }",
    "later, with a copy of the options": "async (url, init) => { await 0; return below(url, { ...init, cache: 'no-store' }) }",
    "later, as a new Request": "async (...args) => { const made = new Request(...args); await 0; return below(made.clone()) }",
    "after a call of the page's own": "(...args) => { below('/any/echo?page'); return below(...args) }",
}
"""How others' layers pass calls on, and by which the session's own must be known again."""

BOTH = f"""async () => {{
    await fetch('{ECHO}');
    const xhr = new XMLHttpRequest();
    xhr.open('GET', '{ECHO}');
    await new Promise(done => {{ xhr.onload = done; xhr.send() }});
}}"""


def test_javascript_carries_it_once_however_many_layers_there_are(profile: Profile, site: Site, runtime: str) -> None:
    """Installed twice, with others' layers between, and what Python sends through them."""
    tab = profile.tab(runtime, JAVASCRIPT)
    tab.page.evaluate(STACKED)
    tab.run("assert javascript.install(session) is undo")
    tab.page.evaluate(BOTH)
    tab.run(f"import pyscript\nawait pyscript.fetch({ECHO!r}).text()\nawait session.fetch({ECHO!r})")
    session_id = tab.run("return session.id")
    assert [carried(request) for request in site.collector.seen] == [session_id] * 4
    assert [request.text.count(session_id) for request in site.collector.seen] == [1] * 4


def test_what_is_the_sessions_own_is_known_however_late_it_comes(profile: Profile, site: Site, runtime: str) -> None:
    """By what it is, through layers that others have laid later, which pass it on in their own way and time."""
    tab = profile.tab(runtime, JAVASCRIPT)
    session_id = tab.run("return await session.ready()")
    for how, layer in AGAIN.items():
        site.collector.clear()
        site.received.clear()
        tab.page.evaluate(f"() => {{ const below = window.below ??= window.fetch; window.fetch = {layer} }}")
        tab.run(f"""
await session.fetch("{ECHO}?header", header="X-Session-Id")
await session.fetch("{ECHO}?field", field="sid", json={{}})
await session.fetch(js.Request.new("{ECHO}?request"), header="X-Session-Id")
await session.fetch("{ECHO}?plain")
session.beacon("{ECHO}?beacon", field="sid", json={{}})
await session.mutation(api.notes.add, text="x")
await js.fetch("{ECHO}?page")
""")
        until(tab.page, lambda: "beacon" in [request.query for request in site.collector.seen])
        names = {request.query for request in site.collector.seen}
        assert names == {"header", "field", "request", "plain", "beacon", "page"}, how
        for request in site.collector.seen:
            times = request.text.count(session_id)
            assert times == 1, (how, request.query)
            assert ("authorization" in request.headers) == (request.query in ("plain", "page")), (how, request.query)
        assert ["authorization" in call.headers for call in site.received] == [False], how


def test_javascript_is_as_it_was_when_it_is_removed(profile: Profile, site: Site, runtime: str) -> None:
    """The very functions; under the layers of others, it sleeps, and wakes when it is installed again."""
    tab = profile.tab(runtime, LOCAL)
    those = "[fetch, Request, Request.prototype.clone, ...['open', 'send', 'setRequestHeader', 'abort'].map(name => XMLHttpRequest.prototype[name])]"
    remember = f"() => {{ window.were = {those}; window.pillion = 'mine' }}"
    compare = f"() => window.were.every((each, place) => each === {those}[place]) && window.pillion"
    tab.page.evaluate(remember)
    tab.run(
        "from pillion import javascript\nglobals()['javascript'] = javascript\nglobals()['undo'] = javascript.install(session)"
    )
    assert tab.page.evaluate(compare) is False
    tab.run("undo()\nundo()")
    assert tab.page.evaluate(compare) == "mine"
    tab.page.evaluate(BOTH)
    assert all("authorization" not in request.headers for request in site.collector.seen)

    tab.run("globals()['undo'] = javascript.install(session)")
    tab.page.evaluate(STACKED)
    tab.run("undo()")
    tab.page.evaluate(BOTH)
    assert all("authorization" not in request.headers for request in site.collector.seen)
    site.collector.clear()
    tab.run("await session.ready()\njavascript.install(session)")
    tab.page.evaluate(BOTH)
    session_id = tab.run("return session.id")
    assert [request.text.count(session_id) for request in site.collector.seen] == [1, 1]


@pytest.mark.chromium("the mechanism is the same JavaScript in Firefox")
def test_javascript_is_laid_again_where_others_have_taken_it_off(profile: Profile, site: Site, runtime: str) -> None:
    """Who puts back what was there before; whether it is undone in between or not, and under others' layers."""
    tab = profile.tab(runtime, LOCAL + "from pillion import javascript\n")
    session_id = tab.run("return await session.ready()")
    install = "globals()['undo'] = javascript.install(session)"
    tab.page.evaluate("() => { window.below = fetch }")
    carrying = "async () => 'authorization' in (await (await fetch('/any/echo')).json()).headers"
    tab.run(install)
    assert tab.page.evaluate(carrying)
    for code in (install, f"undo()\n{install}"):
        tab.page.evaluate("() => { window.fetch = below }")
        assert not tab.page.evaluate(carrying)
        tab.run(code)
        assert tab.page.evaluate(carrying)
    tab.page.evaluate(STACKED)
    tab.run(install)
    site.collector.clear()
    tab.page.evaluate(BOTH)
    assert [request.text.count(session_id) for request in site.collector.seen] == [1, 1]
    assert tab.page.evaluate("async () => { window.fetch = below; return fetch === below }")
    tab.run("undo()")
    assert not tab.page.evaluate(carrying)


@pytest.mark.chromium("as above")
def test_javascript_has_the_session_under_every_name_it_is_given(profile: Profile, site: Site, runtime: str) -> None:
    """Each is undone by itself, and the calls carry the ID until the last one is."""
    tab = profile.tab(runtime, JAVASCRIPT)
    names = "() => [typeof pillion, typeof ours]"
    tab.run("await session.ready()\nglobals()['other'] = javascript.install(session, 'ours')\nassert other is not undo")
    assert tab.page.evaluate(names) == ["object", "object"]
    tab.run("undo()")
    assert tab.page.evaluate(names) == ["undefined", "object"]
    tab.page.evaluate(BOTH)
    assert [carried(request) for request in site.collector.seen] == [tab.page.evaluate("ours.id")] * 2
    tab.run("other()")
    assert tab.page.evaluate(names) == ["undefined", "undefined"]
    site.collector.clear()
    tab.page.evaluate(BOTH)
    assert ["authorization" in request.headers for request in site.collector.seen] == [False, False]


def test_javascript_waits_or_is_told(profile: Profile, site: Site, runtime: str) -> None:
    """Before the ID is there: what is asynchronous waits, unless it is aborted; what isn't, raises."""
    tab = profile.tab(runtime, SLOW + "from pillion import javascript\nundo = javascript.install(session)\n")
    told = tab.page.evaluate(f"""() => {{
        window.told = [];
        const ask = (name) => {{
            const xhr = new XMLHttpRequest();
            xhr.open('GET', '{ECHO}?' + name);
            for (const event of ['load', 'error', 'abort', 'loadend']) xhr['on' + event] = () => told.push(name + ' ' + event);
            xhr.send();
            return xhr;
        }};
        window.waiting = [fetch('{ECHO}?fetch'), new Promise(done => ask('kept').onloadend = done)];
        ask('aborted').abort();
        ask('again').open('GET', '{ECHO}?again');
        const twice = ask('twice');
        try {{ twice.send() }} catch (error) {{ told.push(error.name) }}
        const now = new XMLHttpRequest();
        now.open('GET', '{ECHO}', false);
        try {{ now.send() }} catch (error) {{ told.push(error.message) }}
        waiting.push(new Promise(done => twice.onloadend = done));
        return [told, pillion.id, pillion.state];
    }}""")
    assert told[0][:3] == ["aborted abort", "aborted loadend", "InvalidStateError"]
    assert "await session.ready()" in told[0][3]
    assert told[1:] == [None, "unknown"]
    assert site.collector.seen == []
    tab.run("Slow.may.set()")
    session_id = tab.page.evaluate("async () => { await Promise.all(waiting); return await pillion.ready() }")
    assert {request.query for request in site.collector.seen} == {"fetch", "kept", "twice"}
    assert {carried(request) for request in site.collector.seen} == {session_id} == {tab.run("return session.id")}
    assert tab.page.evaluate("[pillion.id, pillion.state]") == [session_id, "present"]


def test_javascript_is_left_alone_when_the_session_ends(profile: Profile, site: Site, runtime: str) -> None:
    """Its calls go out as they would without it; what has kept the object learns that it is over."""
    tab = profile.tab(runtime, JAVASCRIPT)
    tab.page.evaluate("() => { window.kept = pillion }")
    tab.run("await session.ready()\nsession.dispose()")
    tab.page.evaluate(BOTH)
    assert ["authorization" in request.headers for request in site.collector.seen] == [False, False]
    ended = "async () => [typeof pillion, kept.id, kept.state, await kept.ready().catch(error => error.name)]"
    assert tab.page.evaluate(ended) == ["undefined", None, "unknown", "NotReadyError"]


def test_javascript_adds_nothing_to_what_is_the_sessions_already(profile: Profile, site: Site, runtime: str) -> None:
    """Calls of functions carry it among their arguments, and not once more."""
    tab = profile.tab(runtime, JAVASCRIPT + "undo\n")
    tab.run("await session.mutation(api.notes.add, text='x')\nawait session.client.query(api.notes.public)")
    assert ["authorization" in call.headers for call in site.received] == [False, False]
    tab.page.evaluate(BOTH)
    assert [carried(request) for request in site.collector.seen] == [site.received[0].session_id] * 2


@pytest.mark.fresh_pages("the page goes")
@pytest.mark.parametrize("how", ["closed", "left"])
def test_javascripts_last_word_arrives(profile: Profile, site: Site, runtime: str, how: str) -> None:
    """A fetch with `keepalive` is sent at once, also long after the last call."""
    tab = profile.tab(runtime, JAVASCRIPT)
    session_id = tab.run("return await session.ready()")
    tab.page.evaluate(
        "() => addEventListener('pagehide', () => fetch('/any/bye', { method: 'POST', keepalive: true, body: 'last' }))"
    )
    if how == "closed":
        tab.page.close(run_before_unload=True)
    else:
        tab.page.goto(site.url + BLANK)
    soon(lambda: any(request.path == "/any/bye" for request in site.collector.seen))
    request = next(request for request in site.collector.seen if request.path == "/any/bye")
    assert carried(request) == session_id
    assert request.body == b"last"


def test_javascript_sends_what_it_was_given_when_it_was_given(profile: Profile, site: Site, runtime: str) -> None:
    """Although it waits: bodies, options that are inherited, the signal, the policy of a Request."""
    tab = profile.tab(runtime, SLOW + "from pillion import javascript\nundo = javascript.install(session)\n")
    tab.page.evaluate(f"""() => {{
        const form = new FormData();
        form.append('a', 'first');
        const options = Object.create({{ method: 'PUT', body: form }});
        window.waiting = [fetch('{ECHO}?form', options)];
        form.append('file', new Blob(['inside']), 'name.txt');
        const last = {{ method: 'POST', keepalive: true, body: form, headers: {{ 'X-A': 'first' }} }};
        waiting.push(fetch('{ECHO}?last', last));
        for (const [name, body] of [['xhr', form], ['query', new URLSearchParams('a=first')], ['octets', new TextEncoder().encode('first')]]) {{
            const xhr = new XMLHttpRequest();
            xhr.open('POST', '{ECHO}?' + name);
            xhr.send(body);
            waiting.push(new Promise(done => xhr.onload = done));
            body.fill?.(0);
            body.set(...(body.fill ? [[1]] : ['a', 'second']));
        }}
        Object.assign(last, {{ method: 'PUT', body: 'second', headers: {{ 'X-A': 'second' }} }});
        const aborter = new AbortController();
        window.aborted = fetch('{ECHO}?aborted', {{ signal: aborter.signal }}).catch(error => error.name);
        aborter.abort();
        const before = fetch('{ECHO}?aborted', {{ signal: aborter.signal }}).catch(error => error.name);
        window.before = Promise.race([before, new Promise(done => setTimeout(done, 1000, 'it waits'))]);
        waiting.push(fetch(new Request('{ECHO}?quiet', {{ referrerPolicy: 'no-referrer' }})));
        const xhr = new XMLHttpRequest();
        xhr.open('GET', '{ECHO}?late');
        xhr.send();
        try {{ xhr.setRequestHeader('Authorization', 'x') }} catch (error) {{ window.late = error.name }}
        waiting.push(new Promise(done => xhr.onload = done));
    }}""")
    assert tab.page.evaluate("Promise.all([aborted, before, late])") == ["AbortError"] * 2 + ["InvalidStateError"]
    tab.run("Slow.may.set()")
    tab.page.evaluate("async () => void await Promise.all(waiting)")
    seen = {request.query: request for request in site.collector.seen}
    assert set(seen) == {"form", "last", "xhr", "query", "octets", "quiet", "late"}
    assert seen["form"].method == "PUT"
    assert (seen["last"].method, seen["last"].headers["x-a"]) == ("POST", ["first"])
    for name in ("form", "last", "xhr", "query", "octets"):
        assert b"first" in seen[name].body, name
        assert b"second" not in seen[name].body, name
    for name in ("last", "xhr"):
        (kind,) = seen[name].headers["content-type"]
        boundary = kind.partition("multipart/form-data; boundary=")[2].encode()
        assert seen[name].body.startswith(b"--" + boundary), name
        assert b'filename="name.txt"' in seen[name].body, name
    assert "referer" not in seen["quiet"].headers
    for request in seen.values():
        carried(request)


def test_the_time_that_javascript_waits_counts(profile: Profile, site: Site, runtime: str) -> None:
    """Towards the `timeout` of an XMLHttpRequest, which it has again when it is over."""
    tab = profile.tab(runtime, SLOW + "from pillion import javascript\nundo = javascript.install(session)\n")
    told = tab.page.evaluate(f"""async () => {{
        const xhr = new XMLHttpRequest();
        const told = [];
        for (const event of ['load', 'error', 'timeout', 'loadend']) xhr['on' + event] = () => told.push(event);
        xhr.open('GET', '{ECHO}?never');
        xhr.timeout = 200;
        const over = new Promise(done => xhr.addEventListener('loadend', done));
        xhr.send();
        await over;
        told.push(xhr.readyState, xhr.status);

        window.begin = performance.now();
        window.slow = new XMLHttpRequest();
        slow.open('GET', '{ANY}events?count=0&late=20');
        slow.timeout = 3000;
        window.over = new Promise(done => slow.onloadend = ({{ timeStamp }}) => done(timeStamp - begin));
        slow.ontimeout = () => window.isLate = true;
        slow.send();
        return told;
    }}""")
    assert told == ["timeout", "loadend", 4, 0]
    tab.page.wait_for_timeout(1500)
    tab.run("Slow.may.set()\nawait session.ready()")
    assert 2900 < tab.page.evaluate("over") < 4300
    assert tab.page.evaluate("[isLate, slow.timeout]") == [True, 3000]
    assert [request.query for request in site.collector.seen] == ["count=0&late=20"]


def test_two_sessions_stand_on_window_one_over_the_other(profile: Profile, runtime: str) -> None:
    """In whichever order they are removed; a name that the page keeps to itself is refused."""
    tab = profile.tab(runtime, JAVASCRIPT)
    tab.run(
        "await session.ready()\nglobals()['second'] = SessionProvider(Client('/api'), storage='memory', storage_key='second').install()\nawait second.ready()\nglobals()['other'] = javascript.install(second)"
    )
    first, second = tab.run("return [session.id, second.id]")
    assert tab.page.evaluate("pillion.id") == second
    tab.run("undo()")
    assert tab.page.evaluate("pillion.id") == second
    tab.run("globals()['undo'] = javascript.install(session)\nother()")
    assert tab.page.evaluate("pillion.id") == first
    tab.run("undo()")
    assert tab.page.evaluate("typeof pillion") == "undefined"
    tab.page.evaluate("() => void Object.defineProperty(window, 'mine', { value: 1 })")
    with pytest.raises(PythonError, match="can't be replaced") as caught:
        tab.run("javascript.install(session, 'mine')")
    assert caught.value.name == "SessionError"


def test_javascript_that_is_wrong_is_told_by_the_browser(profile: Profile, runtime: str) -> None:
    """The page sees the browser's own errors, and Python goes on."""
    tab = profile.tab(runtime, JAVASCRIPT)
    profile.expect_error("net::ERR|NS_ERROR|CORS|refused")
    told = tab.page.evaluate("""async () => {
        const attempt = (what) => { try { return String(what()) } catch (error) { return error.constructor.name + ' ' + error.name } };
        return [
            await fetch('http://[').catch(error => error.name), await fetch(Symbol()).catch(error => error.name),
            await fetch('/any/echo', { headers: [['a b', 'c']] }).catch(error => error.name),
            attempt(() => new XMLHttpRequest().send()), attempt(() => new XMLHttpRequest().open('A B', '/')),
            attempt(() => XMLHttpRequest.prototype.open.call({}, 'GET', '/')),
            attempt(() => { const xhr = new XMLHttpRequest(); xhr.open('GET', 'http://localhost:1/', false); xhr.send() }),
        ];
    }""")
    invalid = "DOMException InvalidStateError"
    assert told == ["TypeError"] * 3 + [
        invalid,
        "DOMException SyntaxError",
        "TypeError TypeError",
        "DOMException NetworkError",
    ]
    for _ in range(50):
        tab.page.evaluate("() => { try { new XMLHttpRequest().send() } catch { } }")
    assert tab.run("def f(n):\n    return f(n - 1) if n else 'fine'\nreturn f(30)") == "fine"


# --- the libraries of Pyodide ----------------------------------------------------------------------------------------


def library_tab(profile: Profile, site: Site, code: str, *, worker: bool = False) -> Tab:
    """A page of Pyodide with HTTP libraries."""
    path = site.page("py", code, worker=worker)
    site.pages["/libraries.zip"], site.pages["/libraries.toml"] = archive(), config()
    site.pages[path] = str(site.pages[path]).replace("./pyscript.toml", "./libraries.toml")
    return Tab(profile.page(path), worker=worker)


URL = "str(js.location.origin) + '/any/echo'"
SYNCHRONOUS = {
    "requests": f"import requests\nrequests.get({URL}, auth=session.auth)",
    "urllib3": f"import urllib3\nurllib3.request('GET', {URL}, headers=session.headers({URL}))",
    "urllib": f"import pyodide_http\npyodide_http.patch_urllib()\nsession.urlopen({URL})",
    "pyxhr": f"from pyodide.http import pyxhr\npyxhr.get({URL}, headers=session.headers({URL}))",
}


@pytest.mark.chromium(
    "the libraries' own ways through the browser are the same in Firefox, where test_leaks.py has them"
)
@pytest.mark.parametrize("worker", [False, True], ids=["page", "worker"])
def test_synchronous_libraries_are_told_to_wait_and_follow(profile: Profile, site: Site, worker: bool) -> None:
    """Before the ID, with it, and after a refresh; pyfetch, which is awaited, waits."""
    tab = library_tab(profile, site, SLOW, worker=worker)
    for name, call in SYNCHRONOUS.items():
        with pytest.raises(PythonError, match=r"await session\.ready\(\)"):
            tab.run(call)
        assert site.collector.seen == [], name
    tab.run(
        f"from pyodide.http import pyfetch\nglobals()['pyfetch'] = pyfetch\nglobals()['waiting'] = asyncio.create_task(pyfetch({URL}, fetcher=session.fetcher))"
    )
    tab.run("Slow.may.set()\nassert (await waiting).ok")
    for _ in range(2):
        session_id = tab.run("return await session.refresh()")
        site.collector.clear()
        for call in SYNCHRONOUS.values():
            tab.run(call)
        tab.run(f"await pyfetch({URL}, fetcher=session.fetcher, method='POST', headers={{'X-A': 'b'}}, body='x')")
        assert [carried(request) for request in site.collector.seen] == [session_id] * 5
        assert (site.collector.seen[-1].body, site.collector.seen[-1].headers["x-a"]) == (b"x", ["b"])


@pytest.mark.chromium("as above")
def test_the_faults_of_pyodide_http_do_not_bite(profile: Profile, site: Site) -> None:
    """It drops `data`, and answers 404 like any page; without it, urllib can't work, and the error says what to do."""
    tab = library_tab(profile, site, LOCAL + "await session.ready()\n")
    profile.expect_error("404")
    with pytest.raises(PythonError, match=r"pyodide_http\.patch_urllib\(\)"):
        tab.run(f"session.urlopen({URL})")
    told: Any = tab.run(f"""
import pyodide_http, urllib.request, urllib.error
pyodide_http.patch_urllib()
with session.urlopen({URL}, data=b"a=1") as response:
    told = [response.status]
    assert b"a=1" in response.read()
request = urllib.request.Request({URL}, data=b"b=2", method="PUT", headers={{"X-A": "b"}})
told.append(session.urlopen(request).status)
told.append(request.has_header("Authorization"))
try:
    session.urlopen(str(js.location.origin) + "/any/status?404")
except urllib.error.HTTPError as error:
    told.append(error.code)
return told
""")
    assert told == [200, 200, False, 404]
    post, put, _ = site.collector.seen
    assert (post.method, post.body) == ("POST", b"a=1")
    assert (put.method, put.body, put.headers["x-a"]) == ("PUT", b"b=2", ["b"])
    assert carried(post) == carried(put)
