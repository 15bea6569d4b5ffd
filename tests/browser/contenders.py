"""Who is measured: pillion, and the libraries bundled under `rivals/`, in pages that obey the same few words.

start    makes the session under a key; the ID is settled, or the page rendered, when it is over
add      adds a note; gives how many the session has
arrive   starts, and adds at once
login    refreshes, and the callback moves the notes
logins   two logins at once
handler  a login and then an add, as one event handler of the page
held     a login whose callback is not over before `release`
endless  a refresh whose callback never returns
"""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Error, Page

from browser.tabs import BOOT, Profile

TAB, BROWSER = "tab", "browser"
"""What has one ID; each is a storage of a contender."""

KEY = "measured"
BOUND = 10_000
"""Milliseconds after which what a page was told counts as hanging."""

PILLION = """
import asyncio
import js
from pillion import *
from pyscript.ffi import create_proxy

client = Client("/api")
holds = {{}}

async def start(key):
    SessionProvider(client, storage={storage!r}, storage_key=key, ssr_friendly={ssr}).install()
    await use_session(key).ready()

async def add(key):
    return await use_session(key).mutation(api.notes.add, text="a note")

async def arrive(key):
    await start(key)
    return await add(key)

async def login(key):
    session = use_session(key)
    await session.refresh(lambda new: session.mutation(api.notes.move, new=new))

async def logins(key):
    for one in [asyncio.create_task(login(key)) for _ in range(2)]:
        await one

async def handler(key):
    await login(key)
    return await add(key)

async def held(key):
    session = use_session(key)
    holds[key] = asyncio.Event()
    async def before(new):
        await session.mutation(api.notes.move, new=new)
        await holds[key].wait()
    await session.refresh(before)

async def release(key):
    holds[key].set()

async def endless(key):
    await use_session(key).refresh(lambda new: asyncio.Event().wait(), timeout=0.5)

words = globals()

def obey(word, key, resolve, reject):  # in a task of its own: MicroPython has but one for all that JavaScript calls
    async def work():
        try:
            resolve(await words[word](key))
        except Exception as error:
            reject(js.Error.new(str(error)))
    asyncio.create_task(work())

js.window.obey = create_proxy(obey)
"""

RIVAL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>rival</title><link rel="icon" href="data:,">
<script type="module" src="./tests/browser/rivals/build/rival.js"></script></head><body></body></html>
"""
RIVAL_PAGE = "/rival.html"
RIVALS = Path(__file__).parent / "rivals"


HANGS = "it hangs"
NOTE = "notes:add"
MOVE = "notes:move"


class Broke(Exception):
    """A page did not do what it was told; in a few words, why."""

    @property
    def hangs(self) -> bool:
        """Whether it did nothing at all, within the time that it had."""
        return str(self) == HANGS


@dataclass(frozen=True)
class Contender:
    """A library, and the storages that it is measured with: what has one ID, and the storage's name."""

    name: str
    storages: dict[str, str]

    @property
    def title(self) -> str:
        """The name as the table says it, with the versions of what is not ours."""
        pinned = json.loads((RIVALS / "package.json").read_text(encoding="utf-8"))["dependencies"]
        return " ".join(f"{word} {pinned[word]}" if word in pinned else word for word in self.name.split())

    @property
    def is_pillion(self) -> bool:
        """Whether this is ours, whose consoles must stay clean."""
        return self.name == "pillion"

    def path(self, profile: Profile, scope: str, *, ssr: bool) -> str:
        """The path of a page with the library on it."""
        storage = self.storages[scope]
        if self.is_pillion:
            return profile.site.page("mpy", PILLION.format(storage=storage, ssr=ssr))
        profile.site.pages[RIVAL_PAGE] = RIVAL
        return f"{RIVAL_PAGE}?storage={storage}{'&ssr' if ssr else ''}"

    def script(self, word: str, key: str) -> str:
        """What a page evaluates to obey: a promise."""
        if self.is_pillion:
            return f"new Promise((resolve, reject) => window.obey({word!r}, {key!r}, resolve, reject))"
        return f"window.rival.{word}({key!r})"


CONTENDERS = (
    Contender("pillion", {TAB: "session", BROWSER: "local"}),
    Contender("convex-helpers", {TAB: "session"}),
    Contender("convex-helpers with `useLocalStorage` of usehooks-ts", {BROWSER: "local"}),
)


@dataclass
class Rider:
    """A tab with a contender on it."""

    contender: Contender
    page: Page

    def ready(self) -> Self:
        """Waits until the page obeys."""
        self.page.wait_for_function("!!(window.obey || window.rival)", timeout=BOOT)
        return self

    def do(self, word: str, key: str = KEY) -> Any:
        """What the page answers; raises `Broke`."""
        self.begin(word, key)
        return self.end(word, key)

    def begin(self, word: str, key: str = KEY, at: float | None = None) -> None:
        """Tells the page, and waits for nothing; it obeys now, or `at` a time of `time.time()`."""
        at_last = "" if at is None else f"await new Promise(go => setTimeout(go, {at * 1000} - Date.now()));"
        script = f"(async () => {{ {at_last} return {self.contender.script(word, key)} }})()"
        keep = f"(window.begun ??= {{}})[{word + key!r}] = begun"
        self.page.evaluate(f"() => {{ const begun = {script}; begun.catch(() => {{}}); {keep} }}")

    def end(self, word: str, key: str = KEY, within: int = BOUND) -> Any:
        """What the page answers to what it was told before; raises `Broke`, also after so many milliseconds."""
        late = f"new Promise((_, late) => setTimeout(() => late(new Error({HANGS!r})), {within}))"
        try:
            return self.page.evaluate(f"() => Promise.race([window.begun[{word + key!r}], {late}])")
        except Error as error:
            if "crashed" in error.message:
                raise
            raise Broke(_why(error.message)) from error

    def reload(self) -> None:
        """Loads the page again; nothing is started on it."""
        self.page.reload()
        self.ready()

    def duplicate(self) -> "Rider":
        """What "Duplicate tab" leaves: the same address, a copy of sessionStorage, no opener."""
        with self.page.context.expect_page() as opened:
            self.page.evaluate(
                "() => { const tab = open('about:blank'); tab.opener = null; tab.location.href = location.href }"
            )
        return Rider(self.contender, opened.value).ready()


def _why(message: str) -> str:
    """What a page's error says, or only its name where it is one of the browser's own."""
    found = re.search(r"(\w*Error): (.*)", message)
    if found is None:
        return message
    return found[2] if found[1] == "Error" else found[1]


def at_one_instant(riders: list[Rider], word: str, key: str = KEY) -> list[Any]:
    """Tells all the same thing for the same moment; gives what each answers."""
    moment = time.time() + 0.2 + 0.04 * len(riders)
    for rider in riders:
        rider.begin(word, key, at=moment)
    return [rider.end(word, key) for rider in riders]
