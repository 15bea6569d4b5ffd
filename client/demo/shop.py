"""The demo shop: one session for all tabs of the browser, a cart that follows it, logging in and out.

The session is made in one line. What the page shows are live queries: of the session or, where the answer is the same
for everybody, of the client. What a button does is a mutation: it shows at once as `shop_guess` foresees it, and is
taken back if the server refuses it. `shop_view` turns values into elements.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import shop_guess as guess
import shop_view as view
from pyscript import config, when, window
from shop_connection import ConnectionNotice
from shop_presence import Presence

from pillion import PENDING, Change, Client, FunctionError, PillionError, SessionProvider, TransportError, api, show

client = Client(config["api"])
session = SessionProvider(client, storage="local").install()
presence = Presence(session, view.show_people)

Values = dict[str, Any]

teas: dict[str, Values] = {}  # the catalogue, once it is there
ready = asyncio.Event()  # there is something to see, or something to say


# --- what the page shows ------------------------------------------------------------------------------------


def follow() -> None:
    """Subscribes to all that the page shows: from now on whoever changes it, the page is told."""
    client.subscribe(api.products.list, show_products, on_error=on_trouble)
    client.subscribe(api.products.left, view.show_stock, on_error=on_trouble)
    session.subscribe(api.users.me, show_user, on_error=on_trouble)
    session.subscribe(api.cart.get, show_cart, on_error=on_trouble)


def show_products(products: list[Values]) -> None:
    teas.update({tea["id"]: tea for tea in products})
    view.show_products(products)


def show_user(user: Any) -> None:
    view.show_user(user or None)


def show_cart(cart: Any) -> None:
    """The cart of the session in force; after a log-out there is none until the new one's is there."""
    if cart is PENDING:
        view.forget()
        return
    view.show_cart(cart)
    show_session()
    ready.set()


def show_session() -> None:
    """Where the ID is kept, for developers; never the ID itself, which is a secret."""
    view.show_session(f"Session {show(session.id)}, kept in {session.storage.kind}", session.storage.persistent)


def on_trouble(error: Exception) -> None:
    """What the page shows can't be kept up to date."""
    if teas:
        warn(sentence(error, "What you see may be out of date: load the page again."))
    else:
        view.show_no_products(sentence(error, "Load the page again in a while."))
    ready.set()


# --- what a button does -------------------------------------------------------------------------------------


async def add(button: Any) -> None:
    await change_cart(button, "added", api.cart.add, guess.add)


async def more(button: Any) -> None:
    await change_cart(button, "changed", api.cart.change, guess.change, by=1)


async def less(button: Any) -> None:
    await change_cart(button, "changed", api.cart.change, guess.change, by=-1)


async def remove(button: Any) -> None:
    await change_cart(button, "removed", api.cart.remove, guess.remove)


async def change_cart(button: Any, what: str, function: Any, update: Callable[..., guess.Update], **by: int) -> None:
    """One change of one tea; without a connection it waits, and arrives once when there is one."""
    tea, before = teas[view.product_of(button)], len(troubles)
    view.doubt(tea["id"], 1)
    try:
        await session.mutation(function, product=tea["id"], **by, optimistic=update(tea, **by))
    except PillionError as error:
        warn(sentence(error, f"{tea['name']} may not have been {what}."), button)
        return
    finally:
        view.doubt(tea["id"], -1)
    view.say(f"{what.capitalize()}.")
    if what == "added":
        view.note(tea["id"], "Added")
    if len(troubles) == before:  # a trouble that has come since was not there to be seen at the press
        view.all_well()


ANSWER_SECONDS = 10.0
"""How long a log-in waits for the server."""

TELL_SECONDS = 3.0
"""How long a log-out does: it comes about without it."""


async def login() -> None:
    """The new ID is in force only if the server agrees; the cart has moved to the user by then."""
    name, password = view.typed_login()

    def ask(new: str) -> Any:
        return session.mutation(api.users.login, name=name, password=password, new=new, timeout=ANSWER_SECONDS)

    with busy(view.element("#login-submit")):
        try:
            await session.login(ask)
        except PillionError as error:
            view.login_error(sentence(error, "You are not logged in."), code_of(error))
        else:
            view.close_login()


async def logout(button: Any) -> None:
    """A clean slate: the server ends the old session, and nothing leads from it to the new one.

    If the server can't be told, the old ID goes all the same: whoever logs out wants to leave nothing here.
    """
    with busy(button):
        try:
            await session.logout(lambda: session.mutation(api.users.logout, timeout=TELL_SECONDS))
        except PillionError:
            warn("You are logged out in this browser, but the shop's server couldn't be told.")
        else:
            view.all_well()


async def open_login(_button: Any) -> None:
    view.open_login()


async def close_login(_button: Any) -> None:
    view.close_login()


async def dismiss(_button: Any) -> None:
    view.all_well()


ACTIONS: dict[str, Callable[[Any], Coroutine[Any, Any, None]]] = {
    "add": add,
    "more": more,
    "less": less,
    "remove": remove,
    "logout": logout,
    "open-login": open_login,
    "close-login": close_login,
    "dismiss": dismiss,
}


# --- events -------------------------------------------------------------------------------------------------


@when("click", "body")
async def on_click(event: Any) -> None:
    """One listener for every button there is and will be."""
    button = event.target.closest("button[data-action]")
    if button and not view.is_off(button):
        await ACTIONS[button.getAttribute("data-action")](button)


@when("submit", "#login-form")
def on_login(event: Any) -> None:
    event.preventDefault()  # at once; an async handler would come too late for it
    if not view.is_off(view.element("#login-submit")):
        view.no_login_error()
        in_background(login())


@when("pagehide", [window])
def on_leaving(_event: Any) -> None:
    presence.leave()


@when("pageshow", [window])
@when("focus", [window])
async def on_return(_event: Any) -> None:
    await presence.say()


@session.on_change
async def on_change(change: Change) -> None:
    """Another ID is in force: somebody logged in or out, on this page or in another tab. The queries follow it."""
    show_session()
    presence.follow(change)
    await presence.say()


@client.connection.on_change
def on_connection(connection: Any) -> None:
    """Without a connection from the start the place of the teas says why they are not there."""
    if connection.state == "waiting" and not teas:
        view.show_no_products("The shop's server isn't answering. The teas will be here when it does.")
        ready.set()


# --- trouble and waiting ------------------------------------------------------------------------------------

troubles: list[str] = []  # all that the banner has said


def warn(words: str, origin: Any = None) -> None:
    """Puts the banner up; origin: the button that it is about."""
    troubles.append(words)
    view.warn(words, origin)


def sentence(error: Exception, loss: str) -> str:
    """The trouble in words; `loss` says what it means to the visitor when the server can't be reached."""
    if not isinstance(error, TransportError):
        return str(error)
    trouble = "The shop's server isn't answering." if error.status is None else str(error)
    return f"{trouble} {loss}"


def code_of(error: PillionError) -> str:
    """The code of a refusal; empty for other trouble."""
    data = error.data if isinstance(error, FunctionError) else None
    return str(data.get("code", "")) if isinstance(data, dict) else ""


def say_how_it_is(words: str) -> None:
    """Of the connection; where there are no teas yet, their place says it."""
    view.show_waiting(words if teas else "")


def time_of_day() -> str:
    return str(window.Date.new().toTimeString())[:5]


@contextmanager
def busy(button: Any) -> Iterator[None]:
    """Meanwhile the button takes no second press."""
    view.set_busy(button, True)
    try:
        yield
    finally:
        view.set_busy(button, False)


tasks: set[asyncio.Task[None]] = set()


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine on its own, and keeps hold of it until it is done."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


# --- opening ------------------------------------------------------------------------------------------------


def tell_page(event: str) -> None:
    """The page's own script shows the progress of loading."""
    window.dispatchEvent(window.CustomEvent.new(event))


tell_page("demo:started")
try:
    follow()
except PillionError as error:
    on_trouble(error)
notice = ConnectionNotice(client.connection, say_how_it_is, time_of_day)
presence.start()
await ready.wait()
tell_page("demo:ready")
