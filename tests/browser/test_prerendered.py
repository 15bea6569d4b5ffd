"""A page that the browser prerenders is the tab's own, however long it is before somebody sees it."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Playwright

from browser.site import Site

CODE = """
import asyncio
import js
from pillion import *
client = Client("/api")
session = SessionProvider(client).install()
async def tell():
    if js.document.prerendering:
        await client.query(api.notes.public)
    await session.mutation(api.notes.add, text="x")
    await session.mutation(api.notes.add, text=session.origin)
asyncio.create_task(tell())
"""
FIRST = """
<script type="speculationrules">{{"prerender": [{{"urls": ["{url}"], "eagerness": "immediate"}}]}}</script>
<script>
const timer = setInterval(async () => {{
    if (!(await fetch("./go.html")).ok) return;
    clearInterval(timer);
    location.href = "{url}";
}}, 100);
</script></head>
"""
PATIENCE = 11.0
"""Seconds before the page is shown: longer than any wait of pillion's for a lock, or for an ID."""


def test_a_prerendered_page_is_no_duplicate(
    playwright: Playwright, launch_args: dict[str, Any], site: Site, runtime: str, tmp_path: Path
) -> None:
    """Its calls wait until it is shown, and then go out under the ID of the page before it.

    Nobody else looks at this browser: Playwright and DevTools keep pages from being prerendered.
    """
    path = site.page(runtime, CODE)
    site.pages["/first.html"] = str(site.pages[path]).replace("</head>", FIRST.format(url=f"{path}?shown"))
    exe = launch_args.get("executable_path") or playwright.chromium.executable_path
    flags = [flag for flag in launch_args["args"] if flag != "--disable-background-networking"]
    started = [exe, *flags, "--headless=new", "--no-sandbox", f"--user-data-dir={tmp_path}", f"{site.url}/first.html"]
    process = subprocess.Popen(started, stderr=subprocess.DEVNULL)
    try:
        _wait(lambda: "notes:public" in [call.path for call in site.received] and len(site.ids("notes:add")) == 2)
        time.sleep(PATIENCE)
        assert len(site.ids("notes:add")) == 2
        site.pages["/go.html"] = "go"
        _wait(lambda: len(site.ids("notes:add")) == 4)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(tmp_path, ignore_errors=True)
        del site.pages["/go.html"]
    assert len({*site.ids("notes:add")}) == 1
    assert [call.args["text"] for call in site.received if call.path == "notes:add"] == ["x", "new", "x", "restored"]


def _wait(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until, "It did not come true."
        time.sleep(0.05)
