"""Three servers that listen while the ways out of a page are tried: its own, one that it allows, and a hostile one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from browser.collector import Collector, Seen
from browser.serving import Served
from browser.site import Site
from browser.tabs import Tab
from browser.ways import ALLOWED, HOSTILE, OWN, Case, Way, faults
from browser.webkit import WebKitTab

BEGIN = """
import asyncio
import js
from pillion import *
from pillion._aio import bounded
session = SessionProvider(Client("/api"), storage={storage!r}, allow_origins=[{allowed!r}]).install()

async def try_all(way, urls, lanes):
    outcomes = [""] * len(urls)
    left = list(enumerate(urls))

    async def work():
        while left:
            number, url = left.pop()
            try:
                await bounded(way(url), 20, TransportError("it hangs"))
            except Exception as error:
                outcomes[number] = type(error).__name__ + ": " + str(error)[:200]

    await asyncio.gather(*[work() for _ in range(lanes)])
    return outcomes
"""
LATE = 5.0
"""How long what nobody waits for may take to arrive, in seconds."""


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
        """Forgets what came, but what the hostile server has."""
        for name, server in self.servers.items():
            if name != HOSTILE:
                server.clear()

    def received(self) -> dict[str, list[Seen]]:
        """All of it, by server."""
        return {name: server.seen + server.preflights for name, server in self.servers.items()}


@contextmanager
def listen(site: Site, evil: str, sub: str, idn: str) -> Iterator[Listening]:
    """Our own server, one that we allow, and one that we don't, which answers to three host names."""
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
        "evil": f"http://{evil}:{hostile.port}",
        "evil_host": f"{evil}:{hostile.port}",
        "sub": f"http://{sub}:{hostile.port}",
        "idn": f"http://{idn.encode().decode('idna')}:{hostile.port}",
    }
    origins.update({name.upper(): origins[name].upper() for name in ("own", "allowed", "evil")})
    yield Listening(site, servers, origins)
    for server in (allowed, hostile):
        server.stop()
        server.give_back()


def tried(
    tab: Tab | WebKitTab,
    listening: Listening,
    way: Way,
    session_id: str,
    cases: list[Case],
    wanted: list[tuple[str, ...]],
) -> list[str]:
    """What is not as it should be, of one way and some addresses."""
    blob = tab.run("return js.URL.createObjectURL(js.Blob.new(js.Array.of('x')))")
    urls = [listening.address(case, number, blob) for number, case in enumerate(cases)]
    listening.clear()
    body = "".join(f"    {line}\n" for line in way.code.split("\n"))
    outcomes = tab.run(f"{way.setup}\nasync def way(url):\n{body}\nreturn await try_all(way, {urls!r}, {way.lanes})")
    end = time.monotonic() + LATE
    while True:  # what nobody waits for, such as a beacon, may still be on its way
        wrong = faults(listening.received(), session_id, wanted, outcomes, cases)
        if not wrong or time.monotonic() > end:
            return wrong
        time.sleep(0.02)
