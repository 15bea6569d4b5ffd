"""Who sees the session's ID: every way out of a page, tried on every kind of address, with three servers listening.

The hostile one says yes to every preflight. What it has received in all its life must hold no ID: in no header, body,
query or Referer. The table is in ways.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from browser.collector import Collector, Seen
from browser.libraries import archive, config
from browser.serving import Served
from browser.site import EVIL_HOST, IDN_HOST, SUB_HOST, Site
from browser.tabs import Profile, Tab
from browser.ways import ALLOWED, CASES, EVERYWHERE, HOSTILE, OWN, PYODIDE, Case, Way, expected, faults
from browser_finder import CHROMIUM, FIREFOX

BEGIN = """
import asyncio
import js
from pillion import *
from pillion._aio import bounded
session = SessionProvider(Client("/api"), storage={storage!r}, allow_origins=[{allowed!r}]).install()

async def try_all(way, urls):
    outcomes = []
    for url in urls:
        try:
            await bounded(way(url), 5, TransportError("it hangs"))
            outcomes.append("")
        except Exception as error:
            outcomes.append(type(error).__name__ + ": " + str(error)[:200])
    return outcomes
"""
LATE = 100
"""Milliseconds in which what nobody waits for has arrived."""

PLACES = [
    (CHROMIUM, "mpy", False),
    (CHROMIUM, "mpy", True),
    (CHROMIUM, "py", False),
    (CHROMIUM, "py", True),
    (FIREFOX, "mpy", False),
    (FIREFOX, "py", False),
]


@dataclass
class Listening:
    """The servers, and what each of them has received."""

    site: Site
    servers: dict[str, Collector]
    origins: dict[str, str]

    def address(self, case: Case, number: int, blob: str) -> str:
        """The address of a case."""
        return case.url.format(n=number, blob=blob, **self.origins)

    def clear(self) -> None:
        """Forgets what came."""
        for server in self.servers.values():
            server.clear()

    def received(self) -> dict[str, list[Seen]]:
        """All of it, by server."""
        return {name: server.seen + server.preflights for name, server in self.servers.items()}


@pytest.fixture
def listening(site: Site) -> Iterator[Listening]:
    """Our own server, one that we allow, and one that we don't."""
    site.collector.clear()
    servers = {OWN: site.collector, ALLOWED: Collector(), HOSTILE: Collector()}
    allowed, hostile = Served(servers[ALLOWED]), Served(servers[HOSTILE])
    allowed.start()
    hostile.start()
    origins = {
        "own": f"http://localhost:{site.port}",
        "own_host": f"localhost:{site.port}",
        "allowed": f"http://127.0.0.1:{allowed.port}",
        "port": f"http://localhost:{hostile.port}",
        "evil": f"http://{EVIL_HOST}:{hostile.port}",
        "evil_host": f"{EVIL_HOST}:{hostile.port}",
        "sub": f"http://{SUB_HOST}:{hostile.port}",
        "idn": f"http://{IDN_HOST.encode().decode('idna')}:{hostile.port}",
    }
    origins.update({name.upper(): origins[name].upper() for name in ("own", "allowed", "evil")})
    yield Listening(site, servers, origins)
    for server in (allowed, hostile):
        server.stop()
        server.give_back()


def place_id(place: tuple[str, str, bool]) -> str:
    """As a test's name has it."""
    engine, runtime, in_worker = place
    return f"{engine}-{runtime}{'-worker' if in_worker else ''}"


@pytest.mark.parametrize(
    ("engine", "runtime", "in_worker"), PLACES, ids=map(place_id, PLACES), indirect=["engine", "runtime"]
)
def test_nobody_sees_the_id_but_those_who_may(
    profile: Profile, listening: Listening, runtime: str, in_worker: bool
) -> None:
    """Every way, every address; the allowed ones see it exactly once per call."""
    profile.expect_error("")  # the browser itself says what it can't reach, and why
    tab = opened(profile, listening, runtime, in_worker)
    session_id = tab.run("return await session.ready()")
    wrong = []
    for way in EVERYWHERE + (PYODIDE if runtime == "py" else []):
        wrong += [f"{way.name}: {what}" for what in tried(tab, listening, way, session_id, in_worker=in_worker)]
    assert not wrong, "\n".join(wrong)


def opened(profile: Profile, listening: Listening, runtime: str, in_worker: bool, head: str = "") -> Tab:
    """A page, or its worker, with a session and the libraries."""
    site = listening.site
    code = BEGIN.format(storage="indexeddb" if in_worker else "local", allowed=listening.origins["allowed"])
    path = site.page(runtime, code, worker=in_worker)
    page = str(site.pages[path]).replace("<head>", "<head>" + head)
    if runtime == "py":
        site.pages["/libraries.zip"], site.pages["/libraries.toml"] = archive(), config()
        page = page.replace("./pyscript.toml", "./libraries.toml")
    site.pages[path] = page
    return Tab(profile.page(path), worker=in_worker)


def tried(tab: Tab, listening: Listening, way: Way, session_id: str, *, in_worker: bool) -> list[str]:
    """What is not as it should be, of one way and all addresses."""
    blob = tab.run("return js.URL.createObjectURL(js.Blob.new(js.Array.of('x')))")
    urls = [listening.address(case, number, blob) for number, case in enumerate(CASES)]
    listening.clear()
    body = "".join(f"    {line}\n" for line in way.code.split("\n"))
    outcomes = tab.run(f"{way.setup}\nasync def way(url):\n{body}\nreturn await try_all(way, {urls!r})")
    tab.page.wait_for_timeout(LATE)
    wanted = [expected(way, case, in_worker=in_worker) for case in CASES]
    return faults(listening.received(), session_id, wanted, outcomes)
