"""The browser's own "Duplicate tab", by an extension: another process, no opener, and its history comes along."""

import json
import zipfile
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, BrowserType, Page

from browser.tabs import Tab

NAME = "duplicates@tabs.test"
COMMON = {"name": "duplicates tabs", "version": "1", "permissions": ["tabs"]}
CHROMIUM = {**COMMON, "manifest_version": 3, "background": {"service_worker": "worker.js"}}
FIREFOX = {
    **COMMON,
    "manifest_version": 2,
    "browser_specific_settings": {"gecko": {"id": NAME}},
    "background": {"scripts": ["background.js"]},
    "content_scripts": [{"matches": ["<all_urls>"], "js": ["content.js"], "run_at": "document_start"}],
}
BACKGROUND = "browser.runtime.onMessage.addListener((_, sender) => void browser.tabs.duplicate(sender.tab.id));"
CONTENT = "addEventListener('duplicate', () => void browser.runtime.sendMessage({}));"
PREFERENCES = {
    "xpinstall.signatures.required": False,
    "extensions.autoDisableScopes": 0,
    "extensions.startupScanScopes": 15,
}
DUPLICATE = "async url => { const [tab] = await chrome.tabs.query({ url }); await chrome.tabs.duplicate(tab.id) }"


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
    (extension / "worker.js").write_text("")
    flags = [f"--load-extension={extension}", f"--disable-extensions-except={extension}"]
    context = browser.launch_persistent_context(
        profile, **{**args, "args": [*args["args"], *flags]}, ignore_default_args=["--disable-extensions"]
    )
    if not context.service_workers:
        context.wait_for_event("serviceworker")
    return context


def duplicated(tab: Tab) -> Page:
    """The page that "Duplicate tab" opens, in a browser that was launched so."""
    context = tab.page.context
    with context.expect_page() as page:
        if context.service_workers:
            context.service_workers[0].evaluate(DUPLICATE, tab.page.url)
        else:
            tab.page.evaluate("() => void dispatchEvent(new CustomEvent('duplicate'))")
    return page.value
