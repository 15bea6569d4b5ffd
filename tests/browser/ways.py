"""The ways out of a page, and the addresses that they are tried on: the table of test_leaks.py.

Every way is a line of Python that sends something to `url`; every case an address, and who may see the ID there.
"""

import re
from dataclasses import dataclass, replace

from browser.collector import ANY, Seen

OWN, ALLOWED, HOSTILE = "own", "allowed", "hostile"
_CASE = re.compile(r"(?:^|&)case=(\d+)")
STATUSES = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class Case:
    """An address. `{own}` and the like in it are origins, `{n}` is its number, by which the servers tell the cases apart.

    ours: the servers that must see the ID in exactly one request each; nobody else may. hops: whether it leads through
    redirects. is_relative: whether it means something only on a page. is_double: whether some read our server in it
    and others the hostile one; then ours may see the ID.
    """

    name: str
    url: str
    ours: tuple[str, ...] = ()
    hops: bool = False
    is_relative: bool = False
    is_double: bool = False


ECHO = ANY + "echo?case={n}"


def _moved(first: str, status: int, *then: str) -> str:
    """An address that leads from one origin to others, one after another."""
    to = then[-1] + ECHO
    for origin in (*reversed(then[:-1]), first):
        to = f"{origin}{ANY}moved/{status}?case={{n}}&to={_quoted(to)}"
    return to


def _quoted(url: str) -> str:
    return url.replace("%", "%25").replace("&", "%26").replace("?", "%3F").replace("#", "%23")


CASES = [
    Case("own, absolute", "{own}" + ECHO, (OWN,)),
    Case("own, from the root", ECHO, (OWN,), is_relative=True),
    Case("own, relative", "." + ECHO, (OWN,), is_relative=True),
    Case("own, in capitals", "{OWN}" + ECHO, (OWN,)),
    Case("own, the hostile host in the query", "{own}" + ECHO + "&next={evil}/", (OWN,)),
    Case("allowed", "{allowed}" + ECHO, (ALLOWED,)),
    Case("allowed, in capitals", "{ALLOWED}" + ECHO, (ALLOWED,)),
    Case("another port", "{port}" + ECHO),
    Case("another host", "{evil}" + ECHO),
    Case("another host, in capitals", "{EVIL}" + ECHO),
    Case("a host that begins like ours", "{sub}" + ECHO),
    Case("an international name", "{idn}" + ECHO),
    Case("//evil", "//{evil_host}" + ECHO, is_relative=True),
    Case(r"\\evil", r"\\{evil_host}" + ECHO, is_relative=True),
    Case(r"http:\\evil", r"http:\\{evil_host}" + ECHO),
    Case(r"own\@evil", r"{own}\@{evil_host}" + ECHO, is_double=True),
    Case("a user at evil", "http://shop.test@{evil_host}" + ECHO),
    Case("own@evil", "{own}@{evil_host}" + ECHO),
    Case("our host in the query of evil", "{evil}" + ECHO + "&{own}/"),
    Case("our host after a #", "{evil}" + ECHO + "#@{own_host}/"),
    Case("a tab in the scheme", "ht\ttp://{evil_host}" + ECHO),
    Case("a space before it", " {evil}" + ECHO),
    Case("data:", "data:application/json,{{}}"),
    Case("blob:", "{blob}"),
    *[Case(f"{status} from own to own", _moved("{own}", status, "{own}"), (OWN, OWN), hops=True) for status in STATUSES],
    *[Case(f"{status} to allowed", _moved("{own}", status, "{allowed}"), (OWN,), hops=True) for status in STATUSES],
    *[Case(f"{status} to another port", _moved("{own}", status, "{port}"), (OWN,), hops=True) for status in STATUSES],
    *[Case(f"{status} to evil", _moved("{own}", status, "{evil}"), (OWN,), hops=True) for status in STATUSES],
    *[Case(f"{status} from allowed to evil", _moved("{allowed}", status, "{evil}"), (ALLOWED,), hops=True) for status in STATUSES],
    *[Case(f"{status} from evil to own", _moved("{evil}", status, "{own}"), hops=True) for status in STATUSES],
    *[Case(f"{status} to evil and back", _moved("{own}", status, "{evil}", "{own}"), (OWN,), hops=True) for status in STATUSES],
]  # fmt: skip


@dataclass(frozen=True)
class Way:
    """A way out.

    code: the body of an async function of `url` and `session`. setup: what it needs before. follows: whether the ID
    follows a redirect within its origin. needs: what else an address must be for it: `WHOLE`; `PAGE`: whole in a worker,
    and else the browser resolves it, with the page's `<base>`; `ROOTED`: that, and begin with a slash. lanes: how many
    addresses are tried at a time.
    """

    name: str
    code: str
    setup: str = ""
    follows: bool = True
    needs: str = ""
    lanes: int = 4


WHOLE, PAGE, ROOTED = "a whole address", "a whole address in a worker", "one that is whole or begins with a slash"
INSTALL = "from pillion import javascript\njavascript.install(session)\n"
XHR = """const x = new XMLHttpRequest(); x.open('GET', url, {}); const over = new Promise((y, n) => {{
x.onload = () => y(x.responseText); x.onerror = () => n(new Error('network')) }}); x.send(); return over"""


def _javascript(body: str) -> str:
    """Runs a function of JavaScript's inside a promise, so that MicroPython survives what it throws."""
    return f"await js.Promise.resolve(url).then(js.Function.new('url', {body!r}))"


EVENTS = """
events = session.events(url, retry=60{})
next_one = asyncio.create_task(events.__anext__())
while not next_one.done() and events.error is None:
    await asyncio.sleep(0.005)
events.close()
await next_one"""

EVERYWHERE = [
    Way("session.fetch", "await session.fetch(url).text()"),
    Way("session.fetch of a Request", f"request = {_javascript('return new Request(url)')}\nawait session.fetch(request).text()", needs=PAGE),
    Way("session.fetch of a POST", "await session.fetch(url, method='POST', body=b'12').text()"),
    Way("session.fetch, keepalive", "await session.fetch(url, method='POST', body='x', keepalive=True).text()"),
    Way("session.fetch of a Request, header=", f"request = {_javascript('return new Request(url)')}\nawait session.fetch(request, header='X-Session-Id').text()", follows=False, needs=PAGE),
    Way("session.fetch, header=", "await session.fetch(url, header='X-Session-Id').text()", follows=False),
    Way("session.fetch, field= of JSON", "await session.fetch(url, field='sessionId', json={'a': 1}).text()", follows=False),
    Way("session.fetch, field= of a form", "form = js.FormData.new()\nform.append('a', 'b')\nawait session.fetch(url, field='sid', body=form).text()", follows=False),
    Way("session.events", EVENTS.format("")),
    Way("session.events, header=", EVENTS.format(", header='X-Session-Id'"), follows=False),
    Way("session.beacon, header=", "session.beacon(url, json={'a': 1}, header='X-Session-Id')\nawait asyncio.sleep(0.02)", follows=False),
    Way("session.beacon", "session.beacon(url, json={'a': 1})\nawait asyncio.sleep(0.02)"),
    Way("session.beacon, field=", "session.beacon(url, json={'a': 1}, field='sessionId')\nawait asyncio.sleep(0.02)", follows=False),
    Way("session.websocket", "socket = await session.websocket(url, timeout=20)\nsocket.send('x')\nawait socket.receive()\nsocket.close()", follows=False),
    Way("fetch of the page", _javascript("return fetch(url).then(r => r.text())"), INSTALL, needs=PAGE),
    Way("fetch of a Request of the page", _javascript("return fetch(new Request(url)).then(r => r.text())"), INSTALL, needs=PAGE),
    Way("fetch with a Request as its options", _javascript("return fetch(url, new Request(url)).then(r => r.text())"), INSTALL, needs=PAGE),
    Way("XMLHttpRequest", _javascript(XHR.format("true")), INSTALL, needs=PAGE),
    Way("XMLHttpRequest, synchronous", _javascript(XHR.format("false")), INSTALL, needs=PAGE),
    Way("pyscript.fetch", "await pyscript.fetch(url).text()", INSTALL + "import pyscript\n", needs=PAGE),
    Way("fetch of the page, keepalive", _javascript("return fetch(url, { keepalive: true, method: 'POST', body: 'x' }).then(r => r.text())"), INSTALL, needs=PAGE),
]  # fmt: skip
"""Those of both Pythons."""

UNDER = [replace(way, name=f"{way.name}, over the page's layers", setup=INSTALL) for way in EVERYWHERE if not way.setup]
"""Those of the session's own once more, when the page's JavaScript carries the ID as well."""

ALONE = "from pillion import javascript\njavascript.install(session)()\n"
"""Takes the layers off that are on."""

_PYODIDE = [
    Way("pyfetch", "await (await pyfetch(url, fetcher=session.fetcher)).string()", ALONE + "from pyodide.http import pyfetch\n", needs=PAGE),
    Way("pyxhr", "pyxhr.get(url, headers=session.headers(url))", ALONE + "from pyodide.http import pyxhr\n", needs=ROOTED),
    Way("requests", "requests.get(url, auth=session.auth)", ALONE + "import requests\n", needs=WHOLE),
    Way("a Session of requests", "with requests.Session() as http:\n    http.auth = session.auth\n    http.post(url, data={'a': 1})", ALONE + "import requests\n", needs=WHOLE),
    Way("urllib3", "urllib3.request('GET', url, headers=session.headers(url))", ALONE + "import urllib3\n", needs=WHOLE),
    Way("urllib", "session.urlopen(url, data=b'12').read()", ALONE + "import pyodide_http\npyodide_http.patch_urllib()\n", needs=WHOLE),
    Way("requests, patched", "requests.get(url, auth=session.auth)", ALONE + "import pyodide_http, requests\npyodide_http.patch_requests()\n", needs=WHOLE),
]  # fmt: skip
PYODIDE = [replace(way, lanes=1) for way in _PYODIDE]
"""Those of Pyodide alone, in this order, because what is patched stays so. What blocks is done one after another."""


def expected(way: Way, case: Case, *, in_worker: bool = False, has_base: bool = False) -> tuple[str, ...]:
    """The servers that must see the ID, one request each. has_base: whether the page's `<base>` is the hostile one."""
    if in_worker and case.url.startswith("."):  # a worker can't see where its page is
        return ()
    if case.is_relative and way.needs:
        by_browser = way.needs == PAGE or (way.needs == ROOTED and case.url.startswith("/"))
        if in_worker or has_base or not by_browser:
            return ()
    return case.ours if way.follows or not case.hops else case.ours[:1]


def faults(
    received: dict[str, list[Seen]],
    session_id: str,
    wanted: list[tuple[str, ...]],
    outcomes: list[str],
    cases: list[Case] = CASES,
) -> list[str]:
    """What is not as it should be. received: by server. wanted, outcomes: of each case, who must see the ID, what came."""
    wrong: list[str] = []
    seen: dict[int, list[str]] = {}
    for server, requests in received.items():
        for request in requests:
            found = _CASE.search(request.query)
            number = int(found[1]) if found else None
            name = "nothing that was tried" if number is None else cases[number].name
            times = request.text.count(session_id)
            if times and (server == HOSTILE or number is None):
                wrong.append(f"{name}: the {server} server has it, of {request.method} {request.path}")
            elif times > 1:
                wrong.append(f"{name}: the {server} server has it {times} times in one request")
            elif times and number is not None and not (cases[number].is_double and server == OWN):
                seen.setdefault(number, []).append(server)
    for number, (case, outcome) in enumerate(zip(cases, outcomes, strict=True)):
        if sorted(seen.get(number, [])) != sorted(wanted[number]):
            wrong.append(f"{case.name}: not {wanted[number]} but {seen.get(number, [])} ({outcome})")
    return wrong
