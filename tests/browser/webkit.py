"""WebKit for the tests: WebKitGTK's MiniBrowser, driven by Selenium, on a display of its own."""

import json
import os
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import WebKitGTK
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from browser.site import Site
from browser.tabs import BOOT, PythonError

FLAGS = ("--automation", "--javascript-can-open-windows-automatically=true")
NO_COOKIES = "--cookies-policy=never"
NO_LOCAL_STORAGE = "--enable-html5-local-storage=false"

ON_ITS_HEAD = '<meta charset="utf-8">'
WATCH = """<script>
window.errors = [];
addEventListener("error", (event) => window.errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => window.errors.push(String(event.reason)));
for (const [name, list] of [["error", window.errors], ["warn", (window.warnings = [])]]) {
  const said = console[name];
  console[name] = (...words) => { list.push(words.join(" ")); said.apply(console, words); };
}
</script>"""
"""WebKit's driver has no way to read a console, so the pages keep their own."""


@contextmanager
def display(program: str) -> Iterator[str]:
    """An X server with the name of its display."""
    reading, writing = os.pipe()
    command = [program, "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start.")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


class WebKitProfile:
    """A browser, and so a profile: its tabs share localStorage and cookies."""

    def __init__(self, found: dict[str, str], screen: str, site: Site, flags: tuple[str, ...]) -> None:
        self.site = site
        self._tabs: list[WebKitTab] = []
        options = Options()
        options.binary_location = found["browser"]
        for flag in (*FLAGS, *flags):
            options.add_argument(flag)
        environment = {**os.environ, "DISPLAY": screen, "GDK_BACKEND": "x11"}
        service = Service(executable_path=found["driver"], env=environment)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Selenium 4.51 warns of what it does itself
            self.driver = WebKitGTK(options=options, service=service)
        self.driver.set_script_timeout(BOOT / 1000)

    def tab(self, runtime: str, code: str = "") -> "WebKitTab":
        """A new tab that runs `code` and then obeys."""
        path = self.site.page(runtime, code)
        self.site.pages[path] = str(self.site.pages[path]).replace(ON_ITS_HEAD, ON_ITS_HEAD + WATCH)
        return self._opened(self.site.url + path)

    def twin(self, tab: "WebKitTab") -> "WebKitTab":
        """Another tab of this profile at the same address."""
        return self._opened(tab.address)

    def duplicate(self, tab: "WebKitTab") -> "WebKitTab":
        """What "Duplicate tab" leaves: the same address, a copy of sessionStorage, no opener."""
        before = set(self.driver.window_handles)
        tab.script("const tab = open('about:blank'); tab.opener = null; tab.location.href = location.href")
        (window,) = set(self.driver.window_handles) - before
        return self._taken(window)

    def check(self) -> None:
        """Fails if a page that is still open saw an error."""
        assert [error for tab in self._tabs for error in tab.script("return window.errors || []")] == []

    def _opened(self, address: str) -> "WebKitTab":
        if self._tabs:
            self.driver.switch_to.new_window("tab")
        self.driver.get(address)
        return self._taken(self.driver.current_window_handle)

    def _taken(self, window: str) -> "WebKitTab":
        self._tabs.append(WebKitTab(self.driver, window))
        self._tabs[-1].wait_for("!!window.python")
        return self._tabs[-1]


class WebKitTab:
    """A page whose Python runs what it is told: the same as `browser.tabs.Tab`."""

    def __init__(self, driver: WebKitGTK, window: str) -> None:
        self.driver = driver
        self._window = window

    @property
    def address(self) -> str:
        """Where it is."""
        self.driver.switch_to.window(self._window)
        return self.driver.current_url

    def script(self, source: str, *arguments: Any) -> Any:
        """What the body of a JavaScript function returns."""
        self.driver.switch_to.window(self._window)
        return self.driver.execute_script(source, *arguments)

    def run(self, source: str) -> Any:
        """Runs the body of an async function in the page's Python; returns its value, raises `PythonError`."""
        self.driver.switch_to.window(self._window)
        said = self.driver.execute_async_script("window.python(arguments[0]).then(arguments[1])", source)
        told = json.loads(said)
        if "error" in told:
            raise PythonError(told)
        return told["value"]

    def wait_for(self, expression: str) -> None:
        """Until it is true."""
        until = time.monotonic() + BOOT / 1000
        while not self.script(f"return {expression}"):
            assert time.monotonic() < until, f"never true: {expression}"
            time.sleep(0.05)

    def reload(self) -> None:
        """Loads the page again and waits for its Python."""
        self.driver.switch_to.window(self._window)
        self.driver.refresh()
        self.wait_for("!!window.python")

    def goto(self, address: str) -> None:
        """Loads another page."""
        self.driver.switch_to.window(self._window)
        self.driver.get(address)

    def back(self) -> None:
        """To the page before."""
        self.driver.switch_to.window(self._window)
        self.driver.back()
        self.wait_for("!!window.python")
