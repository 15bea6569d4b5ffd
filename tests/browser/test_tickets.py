"""The ticket office: a purchase for each tab."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from browser.site import ROOT, Site
from browser.tabs import BOOT, Profile, until


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The office's server, with every seat free."""
    with Site(ROOT / "server_stub/demo", tmp_path_factory.mktemp("office") / "office.sqlite3") as office:
        yield office


def enter(profile: Profile) -> Page:
    """A new tab at the desk."""
    page = profile.page("/tickets.html")
    expect(page.get_by_role("button", name="Start over")).to_be_visible(timeout=BOOT)
    return page


def choose(page: Page, concert: str, *seats: str) -> None:
    """Picks an evening and seats."""
    page.get_by_role("radio", name=concert).check()
    for seat in seats:
        page.get_by_role("button", name=f"Seat {seat}", exact=True).click()
    expect(page.locator("#stub-seats")).to_have_text(", ".join(seats))


def test_two_tabs_are_two_purchases(profiles: Callable[..., Profile], office: Site) -> None:
    """Interleaved, neither overwrites the other, also after a reload; a seat is sold once."""
    profile = profiles(office)
    first, second = enter(profile), enter(profile)
    choose(first, "Kettle Songs", "A1", "A2")
    choose(second, "Night Steam", "C4")
    first.reload()
    expect(first.locator("#stub-title")).to_have_text("Kettle Songs", timeout=BOOT)
    expect(first.locator("#stub-seats")).to_have_text("A1, A2")
    expect(second.locator("#stub-title")).to_have_text("Night Steam")

    second.get_by_role("radio", name="Kettle Songs").check()
    second.get_by_role("button", name="Seat A2", exact=True).click()
    expect(second.locator("#stub-seats")).to_have_text("A2")
    first.get_by_label("Name on the tickets").fill("Ada")
    first.get_by_role("button", name="Buy the tickets").click()
    expect(first.get_by_text("Bought", exact=True)).to_be_visible()

    second.get_by_label("Name on the tickets").fill("Grace")
    second.get_by_role("button", name="Buy the tickets").click()
    expect(second.get_by_role("alert")).to_be_visible()
    expect(second.get_by_text("Bought", exact=True)).to_be_hidden()
    expect(first.locator("#stub-seats")).to_have_text("A1, A2")

    ids = set(office.ids()) - {None}
    assert len(ids) == 2
    assert {call.session_id for call in office.received if call.path == "tickets:confirm"} == ids


def test_the_desk_is_away(profiles: Callable[..., Profile], office: Site) -> None:
    """What failed is done by "Try again"; there is nothing to start over until there is something."""
    profile = profiles(office)
    profile.expect_error("ERR_CONNECTION_REFUSED")
    page = enter(profile)
    start_over = page.get_by_role("button", name="Start over")
    expect(start_over).to_have_attribute("aria-disabled", "true")
    choose(page, "Kettle Songs", "A1")
    expect(start_over).to_have_attribute("aria-disabled", "false")
    away = page.locator("#banner:visible").filter(has_text="The ticket desk isn't answering.")
    with office.down():
        page.get_by_role("button", name="Seat A2", exact=True).click()
        expect(away).to_be_visible()
        expect(page.locator("#stub-seats")).to_have_text("A1")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#stub-seats")).to_have_text("A1, A2")
    expect(away).to_be_hidden()
    start_over.click()
    expect(page.locator("#stub-title")).to_have_text("No evening yet")
    expect(start_over).to_have_attribute("aria-disabled", "true")


def test_the_desk_opens_with_its_order(profiles: Callable[..., Profile], office: Site) -> None:
    """What is chosen before the order is there would be taken back by it, so nothing can be."""
    page = profiles(office).context.new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "tickets:purchase" in (route.request.post_data or "") and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/*", hold)
    page.goto(office.url + "/tickets.html")
    expect(page.get_by_role("radio", include_hidden=True)).to_have_count(3, timeout=BOOT)
    until(page, lambda: bool(held))
    expect(page.locator("#purchase")).to_be_hidden()
    held[0].continue_()
    choose(page, "Kettle Songs", "A1")


def test_the_desk_opens_while_its_server_is_away(profiles: Callable[..., Profile], office: Site) -> None:
    """It says so, and the desk is there when the server is."""
    profile = profiles(office)
    profile.expect_error("503")
    page = profile.context.new_page()
    told = {"code": "Busy", "message": "Back in a moment."}
    page.route("**/api/*", lambda route: route.fulfill(status=503, json=told))
    page.goto(office.url + "/tickets.html")
    expect(page.locator("#banner")).to_contain_text("Back in a moment.", timeout=BOOT)
    expect(page.locator("#purchase")).to_be_hidden()
    page.unroute("**/api/*")
    page.get_by_role("button", name="Try again").click()
    choose(page, "Night Steam", "B2")
    expect(page.locator("#banner")).to_be_hidden()
