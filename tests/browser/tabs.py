"""Browser profiles and tabs for the tests, and a page that obeys commands written in Python."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Frame, Page

from browser.site import NAMES, Site
from whole_ids import whole_ids

BOOT = 90_000
"""Milliseconds that Python may take to be there; seconds on a quiet machine."""

BOUND = 60_000
"""Milliseconds after which what a page was told counts as hanging."""


def come_back_to(page: Page) -> None:
    """Turns to a tab that was in the background."""
    page.bring_to_front()
    page.evaluate("window.dispatchEvent(new Event('focus'))")  # in a headless browser every tab has the focus


class PythonError(Exception):
    """What a command on a page raised. name: of the class there. data: of a FunctionError."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.name = told["error"]
        self.message = told["message"]
        self.data = told.get("data")
        super().__init__(f"{self.name}: {self.message}")


class Tab:
    """A page, or a frame of one, whose Python runs what it is told."""

    def __init__(self, page: Page | Frame, *, worker: bool = False) -> None:
        self.page: Any = page
        call = "window.python(source)"
        ready = "!!window.python"
        if worker:
            call = "document.querySelector('script[worker]').xworker.sync.command(source)"
            ready = "!!document.querySelector('script[worker]').xworker"
        self._call = f"source => {_bounded(call)}"
        page.wait_for_function(ready, timeout=BOOT)
        if worker:
            page.evaluate(_bounded("document.querySelector('script[worker]').xworker.ready"))

    def run(self, source: str) -> Any:
        """Runs the body of an async function in the page's Python; returns its value, raises `PythonError`."""
        return _value(self.page.evaluate(self._call, source))

    def begin(self, source: str, at: float | None = None) -> None:
        """The same without waiting for it: it begins now, or `at` a time of `time.time()`."""
        delay = "" if at is None else f"await new Promise(go => setTimeout(go, {at * 1000} - Date.now()));"
        begun = f"(async () => {{ {delay} return ({self._call})(source) }})()"
        self.page.evaluate(f"source => {{ window.begun = {begun} }}", source)

    def stand_ready(self, source: str) -> None:
        """The same at a time that comes over the channel `barrier`."""
        barrier = """new Promise(go => {
            const barrier = new BroadcastChannel('barrier');
            barrier.onmessage = ({ data }) => { barrier.close(); setTimeout(go, data - Date.now()) };
        })"""
        self.page.evaluate(f"source => {{ window.begun = {barrier}.then(() => ({self._call})(source)) }}", source)

    def end(self) -> Any:
        """What came of the command that was begun last."""
        return _value(self.page.evaluate(_bounded("window.begun")))

    def wait_for(self, expression: str) -> None:
        """Waits until a Python expression is true on the page."""
        until(self.page, lambda: bool(self.run(f"return bool({expression})")))

    def leave(self, url: str) -> None:
        """Goes elsewhere on the site; when this returns, nothing of the old document runs any more."""
        self.page.evaluate("() => void navigator.locks.request('old document', () => new Promise(() => {}))")
        self.page.goto(url)
        self.page.evaluate("() => navigator.locks.request('old document', () => {})")

    def reload(self) -> None:
        """Loads the page again and waits for its Python."""
        self.page.reload()
        self.page.wait_for_function("!!window.python", timeout=BOOT)


def at_one_instant(tabs: list[Tab], source: str) -> list[Any]:
    """Runs a command on all tabs at the same moment, which they learn when all are there; returns what each gives."""
    for tab in tabs:
        tab.stand_ready(source)
    seconds = 0.1 + 0.01 * len(tabs)
    tabs[0].page.evaluate(f"() => new BroadcastChannel('barrier').postMessage(Date.now() + {seconds * 1000})")
    return [tab.end() for tab in tabs]


def until(page: Page, true: Callable[[], bool]) -> None:
    """Waits until something is true; `wait_for_function` takes a promise itself for true."""
    end = time.monotonic() + BOUND / 1000
    while not true():
        assert time.monotonic() < end, "It did not come true."
        page.wait_for_timeout(20)


def _bounded(promise: str) -> str:
    """The JavaScript of what it gives, or of an error if that hangs; `evaluate` itself would wait for ever."""
    late = f"new Promise((_, late) => setTimeout(() => late(new Error('it hangs')), {BOUND}))"
    return f"Promise.race([{promise}, {late}])"


def _value(text: str) -> Any:
    told = json.loads(text)
    if "error" in told:
        raise PythonError(told)
    return told["value"]


class Profile:
    """A browser profile: its tabs share localStorage and cookies. Errors on any console are collected."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context = context
        self.site = site
        self.errors: list[str] = []
        self.console: list[str] = []
        self.requested: list[str] = []
        self.is_spoilt = False
        self._expected: list[str] = []
        self._listeners: dict[Any, Any] = {
            "console": self._on_console,
            "weberror": lambda error: self.errors.append(str(error.error)),
            "request": lambda request: self.requested.append(request.url),
            "page": lambda page: page.on("crash", self._on_crash),
        }
        for event, heard in self._listeners.items():
            context.on(event, heard)

    @property
    def origins(self) -> set[str]:
        """Those of which anything was asked for."""
        return {"/".join(url.split("/")[:3]) for url in self.requested if url.startswith("http")}

    def before_each_page(self, script: str) -> None:
        """Runs a script of the test's in each page and frame, before its own."""
        self.is_spoilt = True
        self.context.add_init_script(script)

    def leave(self) -> None:
        """Hears no more of what happens in it."""
        for event, heard in self._listeners.items():
            self.context.remove_listener(event, heard)

    def expect_error(self, pattern: str) -> None:
        """Lets errors that match pass: those that the browser itself logs, such as a refused connection."""
        self._expected.append(pattern)

    def page(self, path: str, host: str = "localhost") -> Page:
        """A new tab at a path of the site."""
        page = self.context.new_page()
        page.goto(f"http://{host}:{self.site.port}{path}")
        return page

    def tab(self, runtime: str, code: str = "", *, host: str = "localhost", worker: bool = False) -> Tab:
        """A new tab that runs `code` and then obeys."""
        return Tab(self.page(self.site.page(runtime, code, worker=worker), host), worker=worker)

    def tabs(self, number: int, runtime: str, code: str = "", *, host: str = "localhost") -> list[Tab]:
        """New tabs at one address."""
        path = self.site.page(runtime, code)
        return [Tab(page) for page in [self.page(path, host) for _ in range(number)]]

    def twin(self, tab: Tab) -> Tab:
        """Another tab of this profile at the same address."""
        page = self.context.new_page()
        page.goto(tab.page.url)
        return Tab(page)

    def check(self) -> None:
        """Fails if a console showed an error that was not expected, or a page asked another host for anything."""
        unexpected = [
            error for error in self.errors if not any(re.search(pattern, error) for pattern in self._expected)
        ]
        assert not unexpected, "\n".join(unexpected)
        assert not whole_ids("\n".join(self.console + self.errors)), "A console shows whole session IDs."
        asked = [re.sub(r"(?<=://)[^/@]*@", "", url) for url in self.requested]  # without a user's name
        hosts = {re.sub(r"^(\w+://[^/:]+|\w+:).*", r"\1", url, flags=re.DOTALL) for url in asked}
        names = {f"{scheme}://{name}" for scheme in ("http", "ws") for name in ("localhost", "127.0.0.1", *NAMES)}
        # The last one is what urllib3 makes of "./a".
        elsewhere = hosts - names - {"data:", "blob:", "mailto:", "http://."}
        assert not elsewhere, elsewhere

    def _on_crash(self, _: Page) -> None:
        self.is_spoilt = True

    def _on_console(self, message: ConsoleMessage) -> None:
        self.console.append(message.text)
        if message.type == "error":
            self.errors.append(message.text)
