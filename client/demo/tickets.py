"""The ticket desk, on MicroPython: a session for each tab, so each tab is a purchase of its own.

Two tabs call the same functions with the same arguments; the session is all that tells them apart.
"""

import asyncio

from pyscript import config, document, when, window

from pillion import Client, FunctionError, PillionError, SessionProvider, TransportError, api, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    Work = Callable[[], Awaitable[None]]

client = Client(config["api"])
session = SessionProvider(client, storage="session", storage_key="pillion-tickets").install()

ROWS = "ABCDE"
SEATS_A_ROW = 8

concerts = []  # what is on, once the server has said so
last = []  # the purchase and the sold seats, as the server had them last
failed = []  # the work that "Try again" repeats, if any
turn = asyncio.Lock()  # one change of the purchase at a time, in the order of the clicks


# --- what the page shows ------------------------------------------------------------------------------------


async def load() -> None:
    """The purchase as the server has it, and the seats that are gone."""
    purchase = await session.query(api.tickets.purchase)
    concert = purchase["concert"]
    sold = await client.query(api.tickets.sold, concert=concert) if concert else []
    last[:] = [purchase, sold]
    show_purchase(purchase, sold)
    show_session()
    by_id("purchase").hidden = False  # not before: a choice made on an empty order would be taken back


async def load_concerts() -> None:
    """The same for everybody: a query of the client, without a session."""
    if not concerts:
        concerts.extend(await client.query(api.tickets.concerts))
        show_concerts()
        show_seats()


def show_concerts() -> None:
    for concert in concerts:
        label = by_id("concert").content.firstElementChild.cloneNode(True)
        label.querySelector("input").value = concert["id"]
        for hook in ("name", "by", "day"):
            label.querySelector(f"[data-{hook}]").textContent = concert[hook]
        label.querySelector("[data-price]").textContent = money(concert["price"])
        by_id("concerts").append(label)


def show_seats() -> None:
    for row in ROWS:
        for number in range(1, SEATS_A_ROW + 1):
            seat = document.createElement("button")
            seat.type = "button"
            seat.textContent = f"{row}{number}"
            seat.setAttribute("data-action", "seat")
            seat.setAttribute("data-seat", f"{row}{number}")
            by_id("seats").append(seat)


def show_purchase(purchase: "dict[str, Any]", sold: "list[str]") -> None:
    concert = concert_of(purchase["concert"])
    bought = purchase["confirmed"]
    seats = purchase["seats"]
    by_id("concerts").disabled = bought
    by_id("seating").disabled = bought or not concert
    by_id("closing").disabled = not seats
    by_id("closing").hidden = bought
    for choice in by_id("concerts").querySelectorAll("input"):
        choice.checked = choice.value == purchase["concert"]
    for button in by_id("seats").querySelectorAll("button"):
        name = button.getAttribute("data-seat")
        gone = name in sold and name not in seats
        button.disabled = gone
        button.setAttribute("aria-pressed", "true" if name in seats else "false")
        button.setAttribute("aria-label", f"Seat {name}, sold" if gone else f"Seat {name}")
    by_id("stub-title").textContent = concert["name"] if concert else "No evening yet"
    by_id("stub-when").textContent = concert["day"] if concert else "Choose one to begin."
    by_id("stub-seats").textContent = ", ".join(seats) or "none"
    by_id("stub-total").textContent = money(purchase["total"])
    by_id("stub-name").textContent = f"For {purchase['name']}" if bought else ""
    by_id("stamp").hidden = not bought
    start_over = document.querySelector("[data-action=start-over]")
    start_over.setAttribute("aria-disabled", "false" if concert else "true")


def show_session() -> None:
    place = session.storage.kind if session.storage.persistent else "memory until you leave the page"
    by_id("session-note").textContent = f"This tab's session {show(session.id)}, kept in {place}"


def warn(words: str, retry: bool = False) -> None:
    by_id("banner-text").textContent = words
    by_id("banner").querySelector("[data-action=retry]").hidden = not retry
    by_id("banner").hidden = False


def all_well() -> None:
    """Takes the banner down; the focus, if it was there, goes to the order."""
    held = by_id("banner").contains(document.activeElement)
    by_id("banner").hidden = True
    if held:
        by_id("purchase").focus()


# --- what a choice does -------------------------------------------------------------------------------------
#
# Each gives what is to be done, with all it needs, so that it can be done again.


def choose(choice: "Any") -> "Work":
    concert = choice.value
    return lambda: session.mutation(api.tickets.choose, concert=concert)


def pick(button: "Any") -> "Work":
    seat, wanted = button.getAttribute("data-seat"), button.getAttribute("aria-pressed") != "true"
    return lambda: session.mutation(api.tickets.pick, seat=seat, wanted=wanted)


def start_over(_button: "Any") -> "Work":
    return lambda: session.mutation(api.tickets.start_over)


def confirm() -> "Work":
    name = by_id("name").value

    async def buy() -> None:
        await session.mutation(api.tickets.confirm, name=name)
        by_id("says").textContent = "The tickets are bought."

    return buy


def retry(_button: "Any") -> "Work":
    return failed[0]


ACTIONS = {"seat": pick, "start-over": start_over, "retry": retry}


# --- events -------------------------------------------------------------------------------------------------


@when("click", "body")
async def on_click(event: "Any") -> None:
    button = event.target.closest("button[data-action]")
    action = button.getAttribute("data-action") if button else ""
    if action == "dismiss":
        all_well()
    elif action and button.getAttribute("aria-disabled") != "true":
        await changing(button, ACTIONS[action](button))


@when("change", "#concerts")
async def on_choice(event: "Any") -> None:
    await changing(event.target, choose(event.target))


@when("submit", "#order")
def on_confirm(event: "Any") -> None:
    event.preventDefault()  # at once; an async handler would come too late for it
    asyncio.create_task(changing(by_id("confirm"), confirm()))  # noqa: RUF006 - MicroPython's loop holds its tasks


async def changing(control: "Any", work: "Work") -> None:
    """Makes a change in its turn; then the page shows what the server has, whatever became of the change."""
    if control.getAttribute("aria-busy") == "true":
        return  # pressed twice
    control.setAttribute("aria-busy", "true")
    late = asyncio.create_task(speak_of_the_wait())
    again, loss = work, "Your last change may not have been saved."
    try:
        async with turn:
            words = await trouble_of(work)
            again, loss = load_concerts, "What you see may be out of date."
            await load()
        if words:
            warn(words)
        else:
            all_well()
    except PillionError as error:
        complain(error, loss, again)
        if last:
            show_purchase(*last)
    finally:
        late.cancel()
        by_id("waiting").textContent = ""
        control.removeAttribute("aria-busy")


async def speak_of_the_wait() -> None:
    await asyncio.sleep(4)
    by_id("waiting").textContent = "Still waiting for the server"


async def trouble_of(work: "Work") -> str:
    """What the server says against a change, in words; empty if nothing."""
    try:
        await work()
    except FunctionError as error:
        return error.message
    return ""


def complain(error: PillionError, loss: str, again: "Work") -> None:
    """The trouble in words; `loss` is what it means if the server can't be reached, `again` may mend it."""
    failed[:] = [again]
    status = error.status if isinstance(error, TransportError) else 0
    words = "The ticket desk isn't answering." if status is None else str(error)
    warn(f"{words} {loss}" if status != 0 else words, retry=status is None or status >= 500)


# --- small things -------------------------------------------------------------------------------------------


def by_id(name: str) -> "Any":
    return document.getElementById(name)


def concert_of(name: "str | None") -> "dict[str, Any] | None":
    for concert in concerts:
        if concert["id"] == name:
            return concert
    return None


def money(cents: int) -> str:
    return f"€{cents // 100}.{cents % 100:02d}"


# --- opening ------------------------------------------------------------------------------------------------

try:
    await load_concerts()
    await load()
except PillionError as error:
    complain(error, "The evenings will be here when it does.", load_concerts)
window.dispatchEvent(window.CustomEvent.new("demo:ready"))
