"""What the session costs on the way out: a call with it against one without it, and what it costs a page's start.

    make bench                                                          all of it: some minutes
    .venv/bin/python benchmarks/ways_out.py --rounds 20 --boots 1       a quick look

One Chromium, which nobody looks into while it runs, loads the pages one after another, and each of them tells its
figures to the server. On a page the calls of a way go out in turn, bare and with the session, the first of a pair
changing from pair to pair; what is printed is the median of the pairs' ratios. All of them are calls of the page's own
origin, of a few bytes.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.libraries import archive, config  # noqa: E402
from browser.site import Site  # noqa: E402
from browser_finder import CHROMIUM, find  # noqa: E402

BOUND = 1.05
"""How much more a call of the page's own origin may take with the session."""

BEGUN = ("session.websocket", "session.events")
"""What is not a call but a connection, begun by Python here and by the page's JavaScript where it is bare."""

NAMES = {"mpy": "MicroPython", "py": "Pyodide"}
PATIENCE = 120
"""Seconds for one page, at most."""

HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>benchmark</title><link rel="icon" href="data:,">
<script type="module" src="./vendor/pyscript/core.js"></script></head>
<body><script type="{runtime}" config="./{config}">
import js, json
def tell(what, figures):
    xhr = js.XMLHttpRequest.new()
    xhr.open("POST", "/any/report?" + what, False)
    xhr.send(json.dumps(figures))
{code}
js.location.href = {following!r}
</script></body></html>
"""

# --- time per call ---------------------------------------------------------------------------------------------------

CALLS = """
import asyncio
import pyscript
from pillion import *
from pillion import javascript
session = SessionProvider(Client("/api"), storage="local").install()
await session.ready()
url = js.location.origin + "/any/echo"
socket_url = "ws" + url[4:-4] + "socket"
now = js.performance.now

def function(body):
    return js.Function.new("url", body)

page_fetch = function("return fetch(url).then(r => r.text())")
page_xhr = function('''return new Promise((done, fail) => {{ const xhr = new XMLHttpRequest(); xhr.open("GET", url);
    xhr.onload = () => done(xhr.responseText); xhr.onerror = fail; xhr.send() }})''')
page_xhr_now = function("const xhr = new XMLHttpRequest(); xhr.open('GET', url, false); xhr.send(); return xhr.responseText")
page_socket = function('''return new Promise((done, fail) => {{ const socket = new WebSocket(url);
    socket.onopen = () => socket.send('{{"sessionId": "00000000-0000-4000-8000-000000000000"}}');
    socket.onmessage = () => {{ socket.close(); done() }}; socket.onerror = fail }})''')
page_events = function('''return new Promise((done, fail) => {{ const events = new EventSource(url + "?count=1&open=1");
    events.onmessage = () => {{ events.close(); done() }}; events.onerror = fail }})''')

async def bare_fetch(): await pyscript.fetch(url).text()
async def our_fetch(): await session.fetch(url).text()
async def bare_post(): await pyscript.fetch(url, method="POST", body='{{"a": 1}}', headers={{"content-type": "application/json"}}).text()
async def our_post(): await session.fetch(url, field="sessionId", json={{"a": 1}}).text()
async def bare_socket(): await page_socket(socket_url)
async def our_socket():
    socket = await session.websocket(socket_url)
    await socket.receive()
    socket.close()
async def bare_events(): await page_events(url[:-4] + "events")
async def our_events():
    events = session.events(url[:-4] + "events?count=1&open=1")
    await events.__anext__()
    events.close()
async def of_page(): await page_fetch(url)
async def of_page_xhr(): await page_xhr(url)
async def of_page_xhr_now(): page_xhr_now(url)
async def bare_headers(): await pyscript.fetch(url).text()
async def our_headers(): await pyscript.fetch(url, headers=session.headers(url)).text()

ways = [
    ("session.fetch", bare_fetch, our_fetch, False),
    ("session.fetch, field=", bare_post, our_post, False),
    ("pyscript.fetch, session.headers", bare_headers, our_headers, False),
    ("session.websocket, to its first answer", bare_socket, our_socket, False),
    ("session.events, to the first event", bare_events, our_events, False),
    ("the page's fetch", of_page, of_page, True),
    ("the page's XMLHttpRequest", of_page_xhr, of_page_xhr, True),
    ("the page's XMLHttpRequest, synchronous", of_page_xhr_now, of_page_xhr_now, True),
]
{more}
async def timed(call):
    begin = now()
    await call()
    return now() - begin

for name, bare, ours, is_installed in ways:
    figures = []
    for number in range({rounds} + 3):
        pair = {{}}
        for wrapped in (False, True) if number % 2 else (True, False):
            undo = javascript.install(session) if is_installed and wrapped else None
            pair[wrapped] = await timed(ours if wrapped else bare)
            if undo is not None:
                undo()
        if number >= 3:  # the first ones warm up
            figures.append([pair[False], pair[True]])
    tell("calls", [{runtime!r}, name, figures])
"""

LIBRARIES = """
import pyodide_http, requests, urllib.request, urllib3
from pyodide.http import pyfetch, pyxhr
pyodide_http.patch_urllib()

async def bare_pyfetch(): await (await pyfetch(url)).string()
async def our_pyfetch(): await (await pyfetch(url, fetcher=session.fetcher)).string()
async def bare_pyxhr(): pyxhr.get(url).text
async def our_pyxhr(): pyxhr.get(url, headers=session.headers(url)).text
async def bare_requests(): requests.get(url).text
async def our_requests(): requests.get(url, auth=session.auth).text
async def bare_urllib3(): urllib3.request("GET", url).data
async def our_urllib3(): urllib3.request("GET", url, headers=session.headers(url)).data
async def bare_urllib(): urllib.request.urlopen(url)
async def our_urllib(): session.urlopen(url)

ways += [
    ("pyfetch", bare_pyfetch, our_pyfetch, False),
    ("pyxhr", bare_pyxhr, our_pyxhr, False),
    ("requests", bare_requests, our_requests, False),
    ("urllib3", bare_urllib3, our_urllib3, False),
    ("urllib", bare_urllib, our_urllib, False),
]
"""

# --- the start of a page ---------------------------------------------------------------------------------------------

BOOTS = {
    "without pillion": "",
    "import pillion": "import pillion\n",
    "a session, ready": "from pillion import *\nawait SessionProvider(Client('/api'), storage='local').install().ready()\n",
    "and javascript.install": "from pillion import *\nfrom pillion import javascript\n"
    "session = SessionProvider(Client('/api'), storage='local').install()\njavascript.install(session)\nawait session.ready()\n",
}
BOOT = "{code}tell('boot', [{runtime!r}, {name!r}, js.performance.now()])\n"


def pages(site: Site, rounds: int, boots: int) -> list[str]:
    """Makes the pages; returns their addresses, in order. The last one leads nowhere."""
    site.pages["/libraries.zip"], site.pages["/libraries.toml"] = archive(), config()
    bare = {"py": "pyscript.toml", "mpy": "micropython.toml"}
    made: list[tuple[str, str, str]] = []
    for runtime, name in bare.items():
        without = (ROOT / name).read_text(encoding="utf-8").partition("[files]")[0]
        site.pages[f"/bare-{runtime}.toml"] = without
        code = CALLS.format(rounds=rounds, runtime=runtime, more=LIBRARIES if runtime == "py" else "")
        made.append((runtime, "libraries.toml" if runtime == "py" else name, code))
        for _ in range(boots + 1):
            for boot, source in BOOTS.items():
                settings = f"bare-{runtime}.toml" if not source else name
                made.append((runtime, settings, BOOT.format(code=source, runtime=runtime, name=boot)))
    paths = [f"/bench-{number}.html" for number in range(len(made))]
    for path, following, (runtime, settings, code) in zip(paths, [*paths[1:], "/blank.html"], made, strict=True):
        site.pages[path] = HEAD.format(runtime=runtime, config=settings, code=code, following=following)
        site.isolated.add(path)  # where clocks are exact to 5 µs
    return paths


def reports(site: Site) -> list[tuple[str, Any]]:
    """What the pages have told so far."""
    told = [seen for seen in list(site.collector.seen) if seen.path == "/any/report"]
    return [(seen.query, json.loads(seen.body)) for seen in told]


def browse(site: Site, first: str, wanted: int, profile: Path) -> list[tuple[str, Any]]:
    """Has a Chromium go through the pages; returns what they told. Raises `TimeoutError`."""
    found = find(CHROMIUM)
    if found is None:
        raise SystemExit("There is no Chromium on this machine.")
    exe = found.get("executable_path") or shutil.which("chromium") or "chromium"
    flags = ["--headless=new", "--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-background-networking"]
    hosts = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    process = subprocess.Popen(
        [exe, *flags, hosts, f"--user-data-dir={profile}", site.url + first], stderr=subprocess.DEVNULL
    )
    try:
        count, since = 0, time.monotonic()
        while count < wanted:
            time.sleep(0.2)
            if len(reports(site)) > count:
                count, since = len(reports(site)), time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise TimeoutError(f"After {count} of {wanted} reports there came no more.")
    finally:
        process.terminate()
        process.wait(20)
    return reports(site)


def tell_calls(told: list[tuple[str, Any]]) -> float:
    """Prints the table; returns the largest ratio of a call."""
    print(f"{'with the session ÷ bare, median of pairs':<46}{'MicroPython':>22}{'Pyodide':>22}")
    table: dict[str, dict[str, str]] = {}
    largest = 0.0
    for what, report in told:
        if what != "calls":
            continue
        runtime, name, pairs = report
        ratio = statistics.median(ours / bare for bare, ours in pairs)
        bare, ours = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
        table.setdefault(name, {})[runtime] = f"{ratio:.2f}  ({bare:.1f}, {ours:.1f} ms)"
        if not name.startswith(BEGUN):
            largest = max(largest, ratio)
    for name, cells in table.items():
        print(f"{name:<46}{cells.get('mpy', ''):>22}{cells.get('py', ''):>22}")
    return largest


def tell_boots(told: list[tuple[str, Any]]) -> None:
    """Prints what a page takes from its navigation to the end of its script; each one's first load is left out."""
    print(f"\n{'from navigation to the end of the script, median':<46}{'MicroPython':>22}{'Pyodide':>22}")
    times: dict[str, dict[str, list[float]]] = {}
    for what, report in told:
        if what == "boot":
            runtime, name, milliseconds = report
            times.setdefault(name, {}).setdefault(runtime, []).append(milliseconds)
    for name, cells in times.items():
        shown = {runtime: f"{statistics.median(values[1:] or values):.0f} ms" for runtime, values in cells.items()}
        print(f"{name:<46}{shown.get('mpy', ''):>22}{shown.get('py', ''):>22}")


def main() -> int:
    """Measures and prints; 1 if a call takes more than `BOUND` times as long."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=200, help="pairs of calls of each way")
    parser.add_argument("--boots", type=int, default=7, help="loads of each page, after a first one")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Site(ROOT / "tests/browser/functions", Path(folder, "d.sqlite3")) as site,
    ):
        paths = pages(site, options.rounds, options.boots)
        wanted = 8 + 13 + 2 * (options.boots + 1) * len(BOOTS)
        told = browse(site, paths[0], wanted, Path(folder, "profile"))
    largest = tell_calls(told)
    tell_boots(told)
    return int(largest > BOUND)


if __name__ == "__main__":
    sys.exit(main())
