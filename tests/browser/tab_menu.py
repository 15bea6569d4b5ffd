"""What the menu of a tab does, by an extension: the browser's own "Duplicate tab", and "Reopen closed tab".

A duplicate is another process, has no opener, and its history comes along; what is reopened has its sessionStorage.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, BrowserType, Page

from browser.tabs import Tab

NAME = "menu@tabs.test"
COMMON = {"name": "the menu of a tab", "version": "1", "permissions": ["tabs", "sessions"]}
CHROMIUM = {**COMMON, "manifest_version": 3, "background": {"service_worker": "worker.js"}}
FIREFOX = {
    **COMMON,
    "manifest_version": 2,
    "browser_specific_settings": {"gecko": {"id": NAME}},
    "background": {"scripts": ["background.js"]},
    "content_scripts": [{"matches": ["<all_urls>"], "js": ["content.js"], "run_at": "document_start"}],
}
MENU = """
const menu = {
    duplicate: ({ id }) => chrome.tabs.duplicate(id),
    close: ({ id }) => chrome.tabs.remove(id),
    reopen: () => chrome.sessions.restore(),
};
"""
BACKGROUND = MENU + "browser.runtime.onMessage.addListener((entry, sender) => void menu[entry](sender.tab));"
CONTENT = "addEventListener('menu', ({ detail }) => void browser.runtime.sendMessage(detail));"
PREFERENCES = {
    "xpinstall.signatures.required": False,
    "extensions.autoDisableScopes": 0,
    "extensions.startupScanScopes": 15,
}
CHOOSE = "async ([entry, url]) => { const [tab] = await chrome.tabs.query({ url }); await menu[entry](tab) }"


def launched(browser: BrowserType, args: dict[str, Any], folder: Path) -> BrowserContext:
    """A browser with the extension, and a profile in the empty `folder`."""
    if browser.name == "firefox":
        (folder / "extensions").mkdir()
        with zipfile.ZipFile(folder / f"extensions/{NAME}.xpi", "w") as extension:
            extension.writestr("manifest.json", json.dumps(FIREFOX))
            extension.writestr("background.js", BACKGROUND)
            extension.writestr("content.js", CONTENT)
        preferences = args["firefox_user_prefs"] | PREFERENCES
        return browser.launch_persistent_context(folder, **{**args, "firefox_user_prefs": preferences})
    extension, profile = folder / "extension", folder / "profile"
    extension.mkdir()
    (extension / "manifest.json").write_text(json.dumps(CHROMIUM))
    (extension / "worker.js").write_text(MENU + "self.menu = menu;")
    flags = [f"--load-extension={extension}", f"--disable-extensions-except={extension}"]
    context = browser.launch_persistent_context(
        profile, **{**args, "args": [*args["args"], *flags]}, ignore_default_args=["--disable-extensions"]
    )
    if not context.service_workers:
        context.wait_for_event("serviceworker")
    return context


def duplicated(tab: Tab) -> Page:
    """The page that "Duplicate tab" opens, in a browser that was launched so."""
    with tab.page.context.expect_page() as page:
        _choose("duplicate", tab.page)
    return page.value


def reopened(tab: Tab, beside: Page) -> Page:
    """The page that "Reopen closed tab" opens after the tab was closed. beside: another one, with a document."""
    with tab.page.expect_event("close"):
        _choose("close", tab.page)
    with beside.context.expect_page() as page:
        _choose("reopen", beside)
    return page.value


def _choose(entry: str, page: Page) -> None:
    if page.context.service_workers:
        page.context.service_workers[0].evaluate(CHOOSE, [entry, page.url])
    else:
        page.evaluate("detail => void dispatchEvent(new CustomEvent('menu', { detail }))", entry)
