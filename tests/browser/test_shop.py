"""The demo shop as a person uses it, and the session IDs that its server received meanwhile."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, WebSocketRoute, expect

from browser.site import BLANK, ROOT, Site
from browser.tabs import BOOT, Profile
from pillion_shared import is_uuid4

FUNCTIONS = ROOT / "server_stub/demo"


@pytest.fixture(scope="module")
def running_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shop's server, for all tests of this file."""
    with Site(FUNCTIONS, tmp_path_factory.mktemp("shop") / "shop.sqlite3") as shop:
        yield shop


@pytest.fixture
def shop(running_shop: Site) -> Site:
    """The shop, with nothing received yet."""
    running_shop.received.clear()
    running_shop.heard.clear()
    return running_shop


@pytest.fixture
def new_shop(tmp_path: Path) -> Iterator[Site]:
    """A shop of one's own, where nobody has a cart yet. Ask for it before `profiles`, whose pages need it."""
    with Site(FUNCTIONS, tmp_path / "shop.sqlite3") as shop:
        yield shop


def opened(page: Page) -> Page:
    """The page, once its teas can be bought."""
    expect(page.get_by_role("button", name=re.compile("^Add")).first).to_be_enabled(timeout=BOOT)
    expect(page.get_by_role("progressbar")).to_be_hidden(timeout=BOOT)
    return page


def enter(profile: Profile) -> Page:
    """A new tab in the shop."""
    return opened(profile.page("/"))


def card(page: Page, product: str) -> Locator:
    """A tea on the shelf."""
    return page.locator("#products > li").filter(has=page.get_by_role("heading", name=product))


def add(page: Page, product: str) -> None:
    """Puts one packet into the cart."""
    card(page, product).get_by_role("button", name=re.compile("^Add")).click()


def expect_cart(page: Page, **packets: int) -> None:
    """Waits until the cart holds just these."""
    lines = page.locator("#cart-lines > li")
    expect(lines).to_have_count(len(packets))
    for name, packet_count in packets.items():
        line = lines.filter(has_text=name.replace("_", " "))
        expect(line.locator("[data-quantity]")).to_have_text(str(packet_count))
    expect(page.locator("[data-cart-count]").first).to_have_text(str(sum(packets.values())))


def log_in(page: Page, name: str, password: str = "tea") -> None:
    """Opens the dialog, fills it in, and sends it."""
    if not page.get_by_role("dialog").is_visible():
        page.get_by_role("button", name="Log in").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("dialog").get_by_role("button", name="Log in").click()


def ask(shop: Site, page: Page, session_id: str | None) -> list[Any]:
    """What the server says to somebody who has got hold of an ID: who is logged in, and the cart."""
    answers = []
    for path in ("users:me", "cart:get"):
        body = {"path": path, "args": {"sessionId": session_id}, "format": "convex_encoded_json"}
        answers.append(page.request.post(shop.url + "/api/query", data=body).json()["value"])
    return answers


@pytest.mark.firefox
def test_the_ride(new_shop: Site, profiles: Callable[..., Profile]) -> None:
    """Tea into the cart, a second tab, log in refused and accepted, another browser, log out: in one go."""
    profile = profiles(new_shop)
    first = enter(profile)
    add(first, "First Flush")
    expect_cart(first, First_Flush=1)
    anonymous = new_shop.heard_ids("cart:add")[-1]
    assert is_uuid4(anonymous)

    second = enter(profile)
    expect_cart(second, First_Flush=1)
    add(second, "Grey Ghost")
    add(second, "First Flush")
    expect_cart(second, First_Flush=2, Grey_Ghost=1)
    expect_cart(first, First_Flush=2, Grey_Ghost=1)
    assert {*new_shop.ids(), *new_shop.heard_ids()} - {None} == {anonymous}

    log_in(first, "Ada", "coffee")
    expect(first.get_by_role("dialog").get_by_role("alert")).to_have_text(re.compile("isn't the password"))
    expect_cart(first, First_Flush=2, Grey_Ghost=1)
    assert {*new_shop.ids(), *new_shop.heard_ids()} - {None} == {anonymous}

    log_in(first, "Ada")
    expect(first.get_by_text("Ada")).to_be_visible()
    expect(first.get_by_role("dialog")).to_be_hidden()
    expect_cart(first, First_Flush=2, Grey_Ghost=1)
    (login,) = [call for call in new_shop.heard if call.path == "users:login" and call.args["password"] == "tea"]
    logged_in = login.args["new"]
    assert login.session_id == anonymous
    assert is_uuid4(logged_in)
    assert logged_in != anonymous
    expect(second.get_by_text("Ada")).to_be_visible()  # the other tab has followed, by itself
    expect_cart(second, First_Flush=2, Grey_Ghost=1)
    assert new_shop.heard_ids("cart:get")[-2:] == [logged_in, logged_in]
    assert ask(new_shop, first, anonymous)[0] is None
    assert ask(new_shop, first, anonymous)[1]["lines"] == []

    opened(_reloaded(second))
    expect(second.get_by_text("Ada")).to_be_visible()

    elsewhere = enter(profiles(new_shop))
    expect_cart(elsewhere)
    add(elsewhere, "Stone Mill")
    expect_cart(elsewhere, Stone_Mill=1)
    assert new_shop.heard_ids("cart:add")[-1] not in (anonymous, logged_in)
    log_in(elsewhere, "ada")
    expect_cart(elsewhere, First_Flush=2, Grey_Ghost=1, Stone_Mill=1)

    first.get_by_role("button", name="Log out").click()
    expect(first.get_by_role("button", name="Log in")).to_be_visible()
    expect_cart(first)
    expect(second.get_by_role("button", name="Log in")).to_be_visible()
    expect_cart(second)
    fresh = new_shop.heard_ids("cart:get")[-1]
    assert fresh not in (anonymous, logged_in)
    assert ask(new_shop, first, logged_in) == [None, ask(new_shop, first, anonymous)[1]]
    logout_call = next(call for call in new_shop.heard if call.path == "users:logout")
    assert (logout_call.session_id, logout_call.args.keys()) == (logged_in, {"sessionId"})
    add(second, "Dock No. 4")
    expect_cart(second, **{"Dock_No._4": 1})
    expect_cart(elsewhere, First_Flush=2, Grey_Ghost=1, Stone_Mill=1)

    whole = {*new_shop.ids(), *new_shop.heard_ids()} - {None}
    for page in (first, second, elsewhere):
        assert not any(session_id in page.content() for session_id in whole)


def _reloaded(page: Page) -> Page:
    page.reload()
    return page


def banner(page: Page, words: str) -> Locator:
    """The notice at the foot of the window, if it says this."""
    return page.locator("#banner:visible").filter(has_text=words)


def test_somebody_else_is_there(new_shop: Site, profiles: Callable[..., Profile]) -> None:
    """Their packets leave this page's shelf, too, down to the last one; they are counted until their page closes."""
    one = enter(profiles(new_shop))
    expect(people(one, "Nobody else is looking just now")).to_be_visible()
    profile = profiles(new_shop)
    other = enter(profile)
    for page in (one, other):
        expect(people(page, "2 people are looking at the teas")).to_be_visible()
        expect(card(page, "Stone Mill")).to_contain_text("12 left")
    add(other, "Stone Mill")
    expect(card(one, "Stone Mill")).to_contain_text("11 left")
    args = {"sessionId": new_shop.heard_ids("cart:add")[-1], "product": "stone-mill"}
    call(new_shop, other, "cart:change", **args, by=10)
    expect(card(one, "Stone Mill")).to_contain_text("Only 1 left")
    add(one, "Stone Mill")
    expect_cart(one, Stone_Mill=1)
    expect_cart(other, Stone_Mill=11)
    for page in (one, other):
        expect(page.get_by_role("button", name="Stone Mill is sold out")).to_have_attribute("aria-disabled", "true")
        expect(page.get_by_role("button", name="One Stone Mill more")).to_have_attribute("aria-disabled", "true")
    expect(card(one, "Stone Mill")).to_contain_text("Added. 1 in the cart")
    one.get_by_role("button", name="Remove Stone Mill").click()
    expect(card(other, "Stone Mill")).to_contain_text("Only 1 left")
    other.goto(new_shop.url + BLANK)
    expect(people(one, "Nobody else is looking")).to_be_visible(timeout=10_000)  # sooner than by silence


def people(page: Page, words: str) -> Locator:
    """The line about who is looking, if it says this."""
    return page.locator("#catalogue-note").filter(has_text=words)


def test_the_server_is_away(new_shop: Site, profiles: Callable[..., Profile]) -> None:
    """What is done meanwhile shows as not sure yet, and arrives once; the page says since when, and how much."""
    profile = profiles(new_shop)
    profile.expect_error("ERR_CONNECTION_REFUSED|WebSocket")
    page = enter(profile)
    add(page, "Slow Smoke")
    expect_cart(page, Slow_Smoke=1)
    waiting = page.locator(".waiting")
    expect(waiting).to_be_hidden()
    with new_shop.down():
        expect(waiting).to_have_text(re.compile(r"^No connection to the shop since \d\d:\d\d\.$"))
        expect(people(page, "looking")).to_be_hidden()  # nobody knows
        add(page, "Stone Mill")
        expect_cart(page, Slow_Smoke=1, Stone_Mill=1)
        expect(waiting).to_contain_text("1 change waits here until it is back.")
        for _ in range(2):
            page.get_by_role("button", name="One Stone Mill more").click()
        page.get_by_role("button", name="Remove Slow Smoke").click()
        expect_cart(page, Stone_Mill=3)
        expect(waiting).to_contain_text("4 changes wait here until it is back.")
        expect(card(page, "Stone Mill")).to_contain_text("9 left")
        expect(page.locator("#cart-lines > li")).to_have_attribute("aria-busy", "true")
        expect(card(page, "Stone Mill")).not_to_contain_text("Added")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(waiting).to_be_hidden()
    expect(page.locator("#cart-lines > li:not([aria-busy])")).to_have_count(1)
    expect_cart(page, Stone_Mill=3)
    expect(people(page, "Nobody else is looking")).to_be_visible()
    expect(page.locator("#banner")).to_be_hidden()
    cart = ask(new_shop, page, new_shop.heard_ids("cart:get")[-1])[1]
    assert [(line["product"], line["quantity"]) for line in cart["lines"]] == [("stone-mill", 3)]


class Wire:
    """A page's connection to the shop. holds: nothing comes from the server, as yet. loses: it is cut at that word."""

    def __init__(self, page: Page) -> None:
        self.holds = False
        self.loses = ""
        self._held: list[Callable[[], None]] = []
        page.route_web_socket("**/api/sync", self._on_socket)

    def release(self) -> None:
        """Lets through what has been held."""
        self.holds = False
        for send in self._held:
            send()
        self._held.clear()

    def _on_socket(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def hear(message: str | bytes) -> None:
            if self.holds:
                self._held.append(lambda: page.send(message))
            elif self.loses and self.loses in str(message):
                self.loses = ""
                server.close()
                page.close()
            else:
                page.send(message)

        server.on_message(hear)


def enter_by_wire(profile: Profile) -> tuple[Page, Wire]:
    """A new tab in the shop, and its connection."""
    page = profile.context.new_page()
    wire = Wire(page)
    page.goto(profile.site.url + "/")
    return opened(page), wire


def test_an_answer_that_got_lost_is_not_added_twice(profiles: Callable[..., Profile], shop: Site) -> None:
    """The server did it, the page never heard: it asks again by itself, and finds it done."""
    page, wire = enter_by_wire(profiles(shop))
    wire.loses = "MutationResponse"
    add(page, "Grey Ghost")
    expect(card(page, "Grey Ghost")).to_contain_text("Added. 1 in the cart")
    expect_cart(page, Grey_Ghost=1)
    assert wire.loses == ""
    assert len(shop.heard_ids("cart:add")) == 2
    expect(page.locator("#banner")).to_be_hidden()


def test_a_refusal_is_taken_back_and_said(profiles: Callable[..., Profile], shop: Site) -> None:
    """What was shown too early goes; the notice can be closed, or the next success closes it."""
    page, wire = enter_by_wire(profiles(shop))
    add(page, "First Flush")
    expect_cart(page, First_Flush=1)
    args = {"sessionId": shop.heard_ids("cart:add")[-1], "product": "first-flush"}
    for refusals in (1, 2):
        wire.holds = True
        call(shop, page, "cart:remove", **args)  # as another tab would, and this one has not heard of it yet
        page.get_by_role("button", name="One First Flush more").click()
        expect_cart(page, First_Flush=2)
        wire.release()
        refused = banner(page, "First Flush has left the cart.")
        expect(refused).to_be_visible()
        expect_cart(page)
        if refusals == 1:
            page.get_by_role("button", name="Close this message").click()
            expect(page.locator("#banner")).to_be_hidden()
            expect(page.locator("#catalogue")).to_be_focused()  # its line is gone
        add(page, "First Flush")
        expect_cart(page, First_Flush=1)
    expect(page.locator("#banner")).to_be_hidden()


def call(shop: Site, page: Page, path: str, **args: object) -> None:
    """Calls a mutation as somebody else who has the ID."""
    body = {"path": path, "args": args, "format": "convex_encoded_json"}
    assert page.request.post(shop.url + "/api/mutation", data=body).json()["status"] == "success"


def test_twenty_is_the_most(profiles: Callable[..., Profile], shop: Site) -> None:
    """The tea says so, and its Add is off, wherever the others have come from."""
    page = enter(profiles(shop))
    add(page, "Dock No. 4")
    expect_cart(page, **{"Dock_No._4": 1})
    call(shop, page, "cart:change", sessionId=shop.heard_ids("cart:add")[-1], product="dock-no-4", by=18)
    expect_cart(page, **{"Dock_No._4": 19})
    add(page, "Dock No. 4")
    expect_cart(page, **{"Dock_No._4": 20})
    button = card(page, "Dock No. 4").get_by_role("button")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_accessible_description(re.compile("20 of one tea is the most"))
    expect(page.get_by_role("button", name="One Dock No. 4 more")).to_have_attribute("aria-disabled", "true")


NO_SOCKETS = """
window.nowhere = "/nowhere";
window.WebSocket = class extends WebSocket {
    constructor(address, ...more) {
        super(address + window.nowhere, ...more);
    }
};
"""


def test_opening_while_the_api_is_away(profiles: Callable[..., Profile], shop: Site) -> None:
    """The message stands where the teas would, nothing pretends to load or to be known; and then they come."""
    profile = profiles(shop)
    profile.expect_error("WebSocket")
    page = profile.context.new_page()
    page.add_init_script(NO_SOCKETS)
    page.goto(shop.url + "/")
    notice = page.locator("#no-products")
    expect(notice).to_have_text(re.compile("server isn't answering. The teas will be here when it does."), timeout=BOOT)
    expect(page.locator(".skeleton").first).to_be_hidden()
    expect(page.get_by_role("progressbar")).to_be_hidden()
    expect(page.get_by_role("button", name="Log in")).to_be_disabled()
    expect(page.locator("[data-cart-count]")).to_be_hidden()
    page.evaluate("window.nowhere = ''; window.dispatchEvent(new Event('online'))")
    opened(page)
    expect(notice).to_be_hidden()
    expect(page.get_by_role("button", name="Log in")).to_be_enabled()
    expect(page.locator("[data-cart-count]")).to_have_text("0")


def test_logging_out_while_the_server_is_away(profiles: Callable[..., Profile], shop: Site) -> None:
    """Nothing of the user stays in this browser, in no tab of it, and the page says that the server wasn't told."""
    profile = profiles(shop)
    profile.expect_error("ERR_CONNECTION_REFUSED|WebSocket")
    page, other = enter(profile), enter(profile)
    add(page, "Stone Mill")
    log_in(page, "Untold")
    expect(other.get_by_text("Hello, Untold")).to_be_visible()
    expect_cart(other, Stone_Mill=1)
    logged_in = shop.heard_ids("cart:get")[-1]
    with shop.down():
        page.get_by_role("button", name="Log out").click()
        told = "You are logged out in this browser, but the shop's server couldn't be told."
        expect(banner(page, told)).to_be_visible()
        for tab in (page, other):
            expect(tab.get_by_role("button", name="Log in")).to_be_visible()
            expect(tab.get_by_text("Hello, Untold")).to_be_hidden()
            expect(tab.locator("#cart-lines > li")).to_have_count(0)
        expect(banner(page, told)).to_be_visible()
        assert logged_in not in page.evaluate("Object.values(localStorage)")
    add(page, "Stone Mill")
    expect_cart(page, Stone_Mill=1)
    assert shop.heard_ids("cart:add")[-1] != logged_in


def test_a_long_wait_is_spoken_of(profiles: Callable[..., Profile], shop: Site) -> None:
    """The cart shows meanwhile what will be in it, and that this is not sure yet."""
    page, wire = enter_by_wire(profiles(shop))
    wire.holds = True
    add(page, "Grey Ghost")
    expect_cart(page, Grey_Ghost=1)
    expect(page.locator("#cart-lines > li")).to_have_attribute("aria-busy", "true")
    waiting = page.get_by_text("Still waiting for the server")
    expect(waiting.first).to_be_visible(timeout=10_000)
    wire.release()
    expect(card(page, "Grey Ghost")).to_contain_text("Added. 1 in the cart")
    expect(page.locator("#cart-lines > li")).not_to_have_attribute("aria-busy", "true")
    expect(waiting).to_have_count(0)


def test_a_refused_log_in_points_to_its_field(profiles: Callable[..., Profile], shop: Site) -> None:
    """The field that is wrong has the focus and the words; another try begins without them."""
    page = enter(profiles(shop))
    log_in(page, "Ada", "coffee")
    password = page.get_by_label("Password")
    expect(password).to_be_focused()
    expect(password).to_have_attribute("aria-invalid", "true")
    expect(password).to_have_accessible_description(re.compile("isn't the password"))
    log_in(page, " ", "tea")
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_accessible_description(re.compile("1 to 40 letters"))
    expect(password).not_to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Name")).not_to_have_attribute("aria-invalid", "true")


def test_by_keyboard_alone(profiles: Callable[..., Profile], shop: Site) -> None:
    """From the top of the page: the skip link, the first tea, log in, cancel with Escape."""
    page = enter(profiles(shop))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the teas")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.action") == "add":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#cart-lines > li")).to_have_count(1)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.get_by_role("button", name="Log in").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Log in")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_sticks_out(profiles: Callable[..., Profile], shop: Site, scheme: str) -> None:
    """360 pixels are enough, in the dark too; and dark is dark."""
    page = enter(profiles(shop, viewport={"width": 360, "height": 740}, color_scheme=scheme))
    add(page, "Dock No. 4")
    expect_cart(page, **{"Dock_No._4": 1})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    bar = page.locator(".cart-bar")
    expect(bar).to_be_visible()
    log_in(page, "Maximilian Alexander of the Long Name")
    greeting = page.locator("#greeting")
    expect(greeting).to_have_attribute("title", "Hello, Maximilian Alexander of the Long Name")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator(".masthead").evaluate("header => header.offsetHeight") < 80  # one row
    bar.click()
    expect(page.locator("#cart")).to_be_in_viewport()
    expect(bar).to_be_hidden()
    shade = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)")
    assert (sum(shade) < 3 * 128) is (scheme == "dark")


def test_the_first_tea_can_be_bought_at_once(profiles: Callable[..., Profile], shop: Site) -> None:
    """On a laptop its Add is above the fold; what is sold out says so in one line."""
    page = enter(profiles(shop, viewport={"width": 1280, "height": 800}))
    expect(page.locator("[data-action=add]").first).to_be_in_viewport(ratio=1)
    sold_out, other = page.get_by_role("button", name="Last Train is sold out"), page.locator("[data-action=add]").first
    assert sold_out.evaluate("b => b.offsetHeight") == other.evaluate("b => b.offsetHeight")


def test_while_python_boots_the_page_says_so(profiles: Callable[..., Profile], shop: Site) -> None:
    """Progress in words and numbers that only grows, and buttons that can't be pressed too early."""
    profile = profiles(shop)
    page = profile.context.new_page()
    released: list[Route] = []
    page.route("**/pyodide.asm.wasm", lambda route: released.append(route))  # noqa: PLW0108 - Playwright marks it
    page.goto(shop.url + "/", wait_until="commit")
    bar = page.get_by_role("progressbar")
    expect(page.locator("#boot-title")).to_have_text(
        re.compile("Step 2 of 5: Fetching and starting Python"), timeout=BOOT
    )
    expect(page.get_by_role("button", name="Log in")).to_be_disabled()
    expect(page.locator("[data-cart-count]")).to_be_hidden()
    waiting_at = int(bar.get_attribute("aria-valuenow") or "0")
    assert 3 <= waiting_at < 76
    while not released:
        page.wait_for_timeout(50)
    released[0].continue_()
    opened(page)


def test_if_python_can_not_come_the_page_says_what_to_do(profiles: Callable[..., Profile], shop: Site) -> None:
    """A part that isn't there is told in words, not in a stack trace."""
    profile = profiles(shop)
    profile.expect_error("Failed to load resource|pyodide|dynamically imported")
    page = profile.context.new_page()
    page.route("**/pyodide.mjs", lambda route: route.fulfill(status=404))
    page.goto(shop.url + "/")
    expect(page.get_by_text("The shop couldn't open")).to_be_visible(timeout=BOOT)
    expect(page.get_by_role("button", name="Load the page again")).to_be_visible()


def test_without_javascript_the_page_says_what_it_needs(profiles: Callable[..., Profile], shop: Site) -> None:
    """Not a blank page."""
    page = profiles(shop, java_script_enabled=False).page("/")
    notice = page.locator("noscript .notice")
    expect(notice).to_be_visible()
    assert "needs JavaScript to start it" in (notice.text_content() or "")


def test_with_storage_blocked_the_shop_says_so(blocked_context: BrowserContext, shop: Site) -> None:
    """The cart lasts until one leaves the page, and works until then."""
    profile = Profile(blocked_context, shop)
    page = enter(profile)
    add(page, "Grey Ghost")
    expect_cart(page, Grey_Ghost=1)
    notice = "Your browser blocks storage: this cart lasts until you leave the page."
    expect(page.locator("#cart").get_by_text(notice)).to_be_visible()
    page.close()
    profile.check()


@pytest.fixture(scope="module")
def static_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """Python's own file server over a copy of the pages, without any API."""
    folder = tmp_path_factory.mktemp("static")
    for name in ("index.html", "pyscript.toml"):
        (folder / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("client", "shared", "vendor"):
        (folder / name).symlink_to(ROOT / name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < deadline, "the static server does not answer"
    yield folder, port
    server.terminate()
    server.wait()


def test_any_static_server_will_do(
    profiles: Callable[..., Profile], shop: Site, static_server: tuple[Path, int]
) -> None:
    """Without an API the shop opens and says that its server is missing; with the address of one it sells."""
    folder, port = static_server
    profile = profiles(shop)
    profile.expect_error("501|Failed to load resource|WebSocket")
    page = profile.context.new_page()
    page.goto(f"http://localhost:{port}/")
    expect(page.get_by_role("alert").filter(has_text=re.compile("server|address of the API"))).to_be_visible(
        timeout=BOOT
    )

    config = folder / "pyscript.toml"
    config.write_text(config.read_text().replace('api = "/api"', f'api = "{shop.url}/api"'), encoding="utf-8")
    page.goto(f"http://localhost:{port}/index.html?again")
    opened(page)
    add(page, "First Flush")
    expect_cart(page, First_Flush=1)
    assert shop.heard[-1].headers["origin"] == f"http://localhost:{port}"
