"""The browsers of a run, as Playwright starts them: each when it is first asked for, and not from the network."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from browser.site import NAMES
from browser.tab_menu import launched
from browser_finder import CHROMIUM, FIREFOX, MISSING, find

HOSTS = ", ".join(
    [f"MAP {name} 127.0.0.1" for name in NAMES] + ["MAP * ~NOTFOUND", "EXCLUDE localhost", "EXCLUDE 127.0.0.1"]
)

CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules={HOSTS}",
]

BLOCK_COOKIES = {"profile": {"default_content_setting_values": {"cookies": 2}}}
"""What Chromium's setting "block all cookies" leaves in a profile's Preferences."""

FIREFOX_PREFERENCES: dict[str, str | int | bool] = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.newtabpage.activity-stream.feeds.topsites": False,
    "browser.newtabpage.activity-stream.feeds.section.topstories": False,
    "browser.region.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.search.update": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "browser.topsites.contile.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "dom.security.https_first": False,
    "extensions.blocklist.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-provider.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.dns.localDomains": ", ".join(NAMES),
    "network.http.speculative-parallel-limit": 0,
    "network.prefetch-next": False,
    "network.trr.mode": 5,
    "security.OCSP.enabled": 0,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.unified": False,
    # A dead proxy for everything but this machine: whatever is left goes nowhere.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": ", ".join(("localhost", "127.0.0.1", *NAMES)),
    "network.proxy.failover_direct": False,
    "network.proxy.allow_bypass": False,
}

COOKIES, STORAGE = "cookies", "storage"
"""What a user may have blocked: cookies, and with them every storage; or, in Firefox, only the two Storages."""

FIREFOX_BLOCKS: dict[str, dict[str, str | int | bool]] = {
    COOKIES: {"network.cookie.cookieBehavior": 2},
    STORAGE: {"dom.storage.enabled": False},
}


def launch_args(engine: str) -> dict[str, Any]:
    """How this machine's is started; a test that needs one which isn't there is skipped."""
    found = find(engine)
    if found is None and engine == CHROMIUM:
        pytest.fail("No Chromium on this machine: `make test` finds or installs one, or says how.")
    if found is None:
        pytest.skip(MISSING[engine])
    return {
        **found,
        **({"args": CHROMIUM_FLAGS} if engine == CHROMIUM else {"firefox_user_prefs": FIREFOX_PREFERENCES}),
    }


class Engines:
    """Each of them is started once; folder makes an empty one for a profile."""

    def __init__(self, playwright: Playwright, folder: Callable[[], Path]) -> None:
        self._playwright = playwright
        self._folder = folder
        self._args: dict[str, dict[str, Any]] = {}
        self._browsers: dict[str, Browser] = {}
        self._kept: BrowserContext | None = None
        self._kept_folder: Path | None = None
        self._is_lent = False
        self._lasting_folder: Path | None = None
        self._caching: Browser | None = None
        self._apart: dict[tuple[str, str], BrowserContext] = {}
        self._crashed: set[tuple[str, str]] = set()

    def args(self, engine: str) -> dict[str, Any]:
        """Its launch arguments."""
        if engine not in self._args:
            self._args[engine] = launch_args(engine)
        return self._args[engine]

    def browser(self, engine: str) -> Browser:
        """The one for all tests; the profiles in it share nothing."""
        if engine not in self._browsers:
            self._browsers[engine] = getattr(self._playwright, engine).launch(**self.args(engine))
        return self._browsers[engine]

    def lend(self, engine: str, **options: Any) -> BrowserContext:
        """A profile that holds nothing, until `give_back`.

        One at a time may be Chromium's on disk, whose caches stay from test to test, so that Pyodide boots faster.
        """
        if engine != CHROMIUM or options or self._is_lent:
            return self.browser(engine).new_context(**options)
        if self._kept is None:
            self._kept_folder = self._kept_folder or self._folder()
            self._kept = self._playwright.chromium.launch_persistent_context(self._kept_folder, **self.args(CHROMIUM))
        self._is_lent = True
        return self._kept

    def give_back(self, context: BrowserContext, origins: set[str], *, is_spoilt: bool = False) -> None:
        """Ends a profile. origins: whose data is in it. is_spoilt: whether more than data was put into it."""
        if context is not self._kept:
            context.close()
            return
        self._is_lent = False
        for page in context.pages[1:]:
            page.close()
        context.clear_cookies()
        session = context.new_cdp_session(context.pages[0])
        for origin in origins:
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        session.detach()
        if is_spoilt:
            context.close()
            self._kept = None

    def lasting(self, engine: str) -> BrowserContext:
        """A profile for many tests, which close it. Chromium's is on disk, with the caches of those before it."""
        if engine != CHROMIUM:
            return self.browser(engine).new_context()
        self._lasting_folder = self._lasting_folder or self._folder()
        context: BrowserContext = self._playwright.chromium.launch_persistent_context(
            self._lasting_folder, **self.args(CHROMIUM)
        )
        return context

    def blocked(self, engine: str, what: str = COOKIES) -> BrowserContext:
        """A profile, in a browser of its own, whose user has blocked something."""

        def launch() -> BrowserContext:
            args, folder = dict(self.args(engine)), self._folder()
            if engine == FIREFOX:
                args["firefox_user_prefs"] = FIREFOX_PREFERENCES | FIREFOX_BLOCKS[what]
            else:
                (folder / "Default").mkdir()
                (folder / "Default/Preferences").write_text(json.dumps(BLOCK_COOKIES))
            context: BrowserContext = getattr(self._playwright, engine).launch_persistent_context(folder, **args)
            return context

        return self._one_of((engine, what), launch)

    def caching(self, engine: str) -> Browser:
        """One with the back/forward cache, which Playwright switches off in Chromium."""
        if engine == FIREFOX:
            return self.browser(engine)
        if self._caching is None:
            off = ["--disable-back-forward-cache"]
            self._caching = self._playwright.chromium.launch(**self.args(engine), ignore_default_args=off)
        return self._caching

    def extended(self, engine: str) -> BrowserContext:
        """A profile, in a browser of its own, with the extension that knows the menu of a tab."""

        def launch() -> BrowserContext:
            return launched(getattr(self._playwright, engine), self.args(engine), self._folder())

        return self._one_of((engine, "extended"), launch)

    def close(self) -> None:
        """Ends them all."""
        alone = [each for each in (self._kept, self._caching) if each is not None]
        for each in (*alone, *self._apart.values(), *self._browsers.values()):
            each.close()

    def _one_of(self, kind: tuple[str, str], launch: Callable[[], BrowserContext]) -> BrowserContext:
        """The one profile of its kind; another one after a page of it has crashed."""
        if kind in self._crashed:
            self._crashed.remove(kind)
            self._apart.pop(kind).close()
        if kind not in self._apart:
            context = self._apart[kind] = launch()
            context.on("page", lambda page: page.on("crash", lambda _: self._crashed.add(kind)))
        return self._apart[kind]
