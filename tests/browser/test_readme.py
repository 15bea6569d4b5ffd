"""The README's pages, run as a reader would: only the CDN's address is replaced by the local copy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from browser.site import ROOT, Site
from browser.tabs import BOOT, Profile, come_back_to, until
from house.readme import blocks

README = (ROOT / "README.md").read_text(encoding="utf-8")
CDN = "https://pyscript.net/releases/2026.7.3/"

TEN_LINES = """<!doctype html><html lang="en"><head><title>t</title><link rel="icon" href="data:,">
<script type="module" src="./vendor/pyscript/core.js"></script></head>
<body><button id="add">Add</button><button id="login">Log in</button>
<script type="py" config="./pyscript.toml">{code}</script></body></html>"""


def block(language: str, start: str) -> str:
    """The README's block that begins like this."""
    (found,) = [each.source for each in blocks(README, language) if each.source.startswith(start)]
    return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server with the README's functions."""
    functions = tmp_path / "functions"
    functions.mkdir()
    for name, start in (("cart", "Custom"), ("users", "SessionId"), ("schema", "Schema")):
        code = block("python", f"from pillion_server import {start}")
        (functions / f"{name}.py").write_text(code, encoding="utf-8")
    with Site(functions, tmp_path / "data.sqlite3") as site:
        yield site


def test_the_ten_lines(profile: Profile, site: Site) -> None:
    """Both halves: the cart is the session's, and logging in takes it along under the new ID."""
    code = block("python", "from pillion import Client, SessionProvider, api, use_session\nfrom pyscript")
    site.pages["/ten.html"] = TEN_LINES.format(code=code)
    page = profile.page("/ten.html")
    page.evaluate("() => new Promise(done => addEventListener('py:all-done', done))")
    for button in ("#add", "#login", "#add"):
        with page.expect_response("**/api/mutation") as answer:
            page.click(button)
        assert answer.value.json()["status"] == "success"
    old, login, new = site.received
    assert old.session_id == login.session_id != new.session_id == login.args["new"]
    body = {"path": "cart:get", "args": {"sessionId": new.session_id}, "format": "convex_encoded_json"}
    assert page.request.post(site.url + "/api/query", data=body).json()["value"] == ["tea", "tea"]


def test_the_live_queries(profile: Profile, site: Site) -> None:
    """On a page with a session, over the README's functions. The mutation goes over HTTP if a second has gone by."""
    tab = profile.tab("mpy", "from pillion import *\nsession = SessionProvider(Client('/api')).install()\n")
    code = block("python", "notes = session.subscribe")
    assert tab.run(code + "return [notes.is_closed, await session.query(api.cart.get)]") == [True, ["tea"]]
    assert [call.kind for call in site.received] in (
        ["query"],
        ["mutation", "query"],
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def put_up(site: Site, wheel: Path, runtime: str, page: str = "", code: str = "", settings: str = "") -> None:
    """The reader's page, on the local copy of PyScript; `page`, `code` and `settings` are added to its files."""
    interpreter = {"py": "pyodide/pyodide.mjs", "mpy": "micropython/micropython.mjs"}[runtime]
    assert f'"./vendor/{interpreter}"' in README
    html = block("html", "<!doctype html>").replace("  </body>", page + "  </body>")
    html = html.replace(CDN, "./vendor/pyscript/").replace('type="py"', f'type="{runtime}"')
    assert CDN not in html
    site.pages["/own.html"] = html
    site.pages["/page.toml"] = f'interpreter = "./vendor/{interpreter}"\n' + settings + block("toml", "[files]")
    site.pages["/page.py"] = block("python", "from pillion import Client, PillionError") + code
    site.pages[f"/{wheel.name}"] = wheel.read_bytes()


def test_a_page_of_ones_own(profile: Profile, site: Site, wheel: Path, runtime: str) -> None:
    """Three files and the wheel, on either Python: both buttons, two tabs, and words when the server is away."""
    put_up(site, wheel, runtime)
    profile.expect_error("ERR_CONNECTION_REFUSED")
    first, second = profile.page("/own.html"), profile.page("/own.html")
    for tab in (first, second):
        expect(tab.locator("#cart")).to_have_text("The cart is empty.", timeout=BOOT)
    first.click("#add")
    expect(first.locator("#cart")).to_have_text("tea")
    come_back_to(second)
    expect(second.locator("#cart")).to_have_text("tea")

    second.click("#login")
    second.click("#add")
    expect(second.locator("#cart")).to_have_text("tea, tea")
    come_back_to(first)
    expect(first.locator("#cart")).to_have_text("tea, tea")
    first.reload()
    expect(first.locator("#cart")).to_have_text("tea, tea", timeout=BOOT)
    (login,) = [call for call in site.received if call.path == "users:login"]
    assert site.ids("cart:add") == [login.session_id, login.args["new"]]

    second.click("#logout")
    expect(second.locator("#cart")).to_have_text("The cart is empty.")
    come_back_to(first)
    expect(first.locator("#cart")).to_have_text("The cart is empty.")
    first.click("#add")
    expect(first.locator("#cart")).to_have_text("tea")
    (logout,) = [call for call in site.received if call.path == "users:logout"]
    assert logout.session_id == login.args["new"] != site.ids("cart:add")[-1]

    with site.down():
        first.click("#add")
        expect(first.locator("#cart")).to_contain_text("can't be reached")
    come_back_to(first)
    expect(first.locator("#cart")).to_have_text("tea")
    assert wheel.name in README


def test_a_worker_of_ones_own(profile: Profile, site: Site, wheel: Path, runtime: str) -> None:
    """It works under the page's ID, and its page shows what it has done."""
    code, page = block("python", "from pillion import lend"), block("html", '<script type="py" src="worker.py"')
    put_up(site, wheel, runtime, page, code, block("toml", "sync_main_only"))
    site.pages["/worker.py"] = block("python", "from pillion import Client, LentStorage")
    tab = profile.page("/own.html")
    expect(tab.locator("#cart")).to_have_text("tea, tea, tea", timeout=BOOT)
    assert len(set(site.ids())) == 1


def test_a_page_of_ones_own_where_storage_is_blocked(blocked_context: BrowserContext, site: Site, wheel: Path) -> None:
    """With the line that the README gives, Pyodide starts there too."""
    put_up(site, wheel, "py")
    line = block("html", '<script src="blocked_storage.js">').strip()
    own = str(site.pages["/own.html"])
    site.pages["/own.html"] = own.replace('<script type="module"', f'{line}\n<script type="module"')
    site.pages["/blocked_storage.js"] = (ROOT / "client/demo/blocked_storage.js").read_bytes()
    profile = Profile(blocked_context, site)
    tab = profile.page("/own.html")
    expect(tab.locator("#cart")).to_have_text("The cart is empty.", timeout=BOOT)
    tab.click("#add")
    expect(tab.locator("#cart")).to_have_text("tea")
    tab.close()
    profile.check()


WAYS = {
    '"/orders/events"': '"/any/events?open=1"',
    '"/orders"': '"/any/echo"',
    '"/live"': '"/any/socket"',
    '"/seen"': '"/any/seen"',
}


@pytest.mark.parametrize("runtime", ["py", "mpy"])
def test_every_way_out(profile: Profile, site: Site, runtime: str) -> None:
    """The lines of that chapter, sent to the tests' own addresses: each of them carries the session's ID."""
    code = block("python", "orders = await session.fetch") + block("python", "from pillion import javascript")
    for theirs, ours in WAYS.items():
        assert theirs in code
        code = code.replace(theirs, ours)
    start = "from pillion import *\nsession = SessionProvider(Client('/api'), storage='local').install()\n"
    tab = profile.tab(runtime, start + code)
    session_id = tab.run("return session.id")
    tab.page.evaluate("fetch('/any/page')")
    tab.page.wait_for_function("async () => (await pillion.ready()) === pillion.id")
    until(tab.page, lambda: len(site.collector.seen) == 8)
    carrying = [request for request in site.collector.seen if session_id in request.text]
    assert {request.path for request in carrying} == {
        "/any/echo",
        "/any/socket",
        "/any/events",
        "/any/seen",
        "/any/page",
    }
    assert json.loads(carrying[1].body) == {"tea": "Dock No. 4"}
    assert "event 1" in profile.console[-1]
