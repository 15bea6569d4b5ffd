"""The demo shop: one session for all tabs of the browser, a cart that follows it, logging in and out.

The session is made in one line. Every call of the server goes through it or, where the answer is the same for
everybody, through the client. `shop_view` turns the answers into elements.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import shop_view as view
from pyscript import config, when, window

from pillion import Change, Client, FunctionError, PillionError, SessionProvider, TransportError, api, show

client = Client(config["api"])
session = SessionProvider(client, storage="local").install()


# --- what the page shows ------------------------------------------------------------------------------------

has_products = False
questions = 0


async def load() -> None:
    """Asks anew for all that may have changed; the teas, which don't, only until they are there."""
    await asyncio.gather(load_products(), load_cart())


async def load_products() -> None:
    """The catalogue is the same for everybody: a plain query of the client, without a session."""
    global has_products  # noqa: PLW0603 - the page has one shelf
    if not has_products:
        view.show_products(await client.query(api.products.list))
        has_products = True


async def load_cart() -> None:
    """Who is logged in on this session, and the cart; an answer that a newer one has overtaken is dropped."""
    global questions  # noqa: PLW0603 - the page has one cart
    questions += 1
    mine = questions
    user, cart = await asyncio.gather(session.query(api.users.me), session.query(api.cart.get))
    if mine == questions:
        view.show_user(user)
        view.show_cart(cart)
        show_session()


def show_session() -> None:
    """Where the ID is kept, for developers; never the ID itself, which is a secret."""
    view.show_session(f"Session {show(session.id)}, kept in {session.storage.kind}", session.storage.persistent)


# --- what a button does -------------------------------------------------------------------------------------


@dataclass(eq=False)
class Wish:
    """What somebody wants done.

    work: does it. loss: what it means to them that the server can't be reached. again: what "Try again" does.
    done: says that it is done. origin: the button.
    """

    work: Callable[[], Awaitable[Any]]
    loss: str
    again: Callable[[], Awaitable[Any]]
    done: Callable[[], None] = lambda: None
    origin: Any = None


async def add(button: Any) -> None:
    await change_cart(button, "added", lambda product: session.mutation(api.cart.add, product=product))


async def more(button: Any) -> None:
    await change_cart(button, "changed", lambda product: session.mutation(api.cart.change, product=product, by=1))


async def less(button: Any) -> None:
    await change_cart(button, "changed", lambda product: session.mutation(api.cart.change, product=product, by=-1))


async def remove(button: Any) -> None:
    await change_cart(button, "removed", lambda product: session.mutation(api.cart.remove, product=product))


async def change_cart(button: Any, what: str, call: Callable[[str], Awaitable[Any]]) -> None:
    """One change of one tea; where the server can't be reached, nobody knows whether it was made."""
    product = view.product_of(button)
    name, before = view.name_of(button), view.quantity_of(product)

    async def again() -> None:
        """Not if the cart has changed meanwhile: then it was only the answer that got lost."""
        await load_cart()
        if view.quantity_of(product) == before:
            await call(product)

    def done() -> None:
        view.say(f"{what.capitalize()}.")
        if what == "added":
            view.note(product, "Added")

    await doing(button, Wish(lambda: call(product), f"{name} may not have been {what}.", again, done, button))


async def login() -> None:
    """The new ID is in force only if the server agrees; the cart has moved to the user by then."""
    name, password = view.typed_login()
    with busy(view.element("#login-submit")):
        try:
            await session.login(lambda new: session.mutation(api.users.login, name=name, password=password, new=new))
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
            await session.logout(lambda: session.mutation(api.users.logout))
        except PillionError:
            view.forget()
            warn("You are logged out in this browser, but the shop's server couldn't be told.", LOGOUT)
        else:
            all_well()


async def open_login(_button: Any) -> None:
    view.open_login()


async def close_login(_button: Any) -> None:
    view.close_login()


async def retry(button: Any) -> None:
    """Does what has failed once more: a change, or else the asking."""
    if standing in (None, STALE):
        with busy(button):
            await catching_up()
    else:
        await doing(button, replace(standing, work=standing.again))


async def dismiss(_button: Any) -> None:
    all_well()


ACTIONS: dict[str, Callable[[Any], Awaitable[None]]] = {
    "add": add,
    "more": more,
    "less": less,
    "remove": remove,
    "logout": logout,
    "open-login": open_login,
    "close-login": close_login,
    "retry": retry,
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


@when("focus", [window])
@when("pageshow", [window])
async def on_return(_event: Any) -> None:
    """Another tab may have changed the cart meanwhile."""
    await catching_up()


@session.on_change
async def on_change(_change: Change) -> None:
    """Another ID is in force: somebody logged in or out, on this page or in another tab.

    What the page shows belongs to the old one, so it must not stay if the new one's can't be had.
    """
    show_session()
    if not await catching_up():
        view.forget()


async def doing(button: Any, wish: Wish) -> None:
    """Does what a button asks for, then shows what the server has; trouble is told in words."""
    with busy(button):
        try:
            await wish.work()
        except PillionError as error:
            complain(error, wish)
            if isinstance(error, FunctionError):
                await catching_up()  # refused, perhaps because another tab has been at it
        else:
            all_well()
            if await catching_up():
                wish.done()


async def catching_up() -> bool:
    """Shows what the server has; whether it could be asked. A change that failed remains the first thing to say."""
    with patience():
        try:
            await load()
        except PillionError as error:
            if not has_products:
                view.show_no_products(sentence(error, "The teas will be here when it does."))
            elif standing in (None, STALE):
                complain(error, STALE)
            return False
    if standing is STALE:
        all_well()
    return True


# --- trouble and waiting ------------------------------------------------------------------------------------

STALE = Wish(load, "What you see may be out of date.", load)
LOGOUT = Wish(load, "You are still logged in.", load)

standing: Wish | None = None  # what the banner is about


def complain(error: PillionError, wish: Wish) -> None:
    """Puts the banner up, with "Try again" where that may help."""
    may_pass = isinstance(error, TransportError) and (error.status is None or error.status >= 500)
    warn(sentence(error, wish.loss), wish, retry=may_pass and wish is not LOGOUT)


def warn(words: str, wish: Wish, retry: bool = False) -> None:
    global standing  # noqa: PLW0603 - the page has one banner
    standing = wish
    view.warn(words, retry, wish.origin)


def all_well() -> None:
    global standing  # noqa: PLW0603
    standing = None
    view.all_well()


def sentence(error: PillionError, loss: str) -> str:
    """The trouble in words; `loss` says what it means to the visitor when the server can't be reached."""
    if not isinstance(error, TransportError):
        return str(error)
    trouble = "The shop's server isn't answering." if error.status is None else str(error)
    return f"{trouble} {loss}"


def code_of(error: PillionError) -> str:
    """The code of a refusal; empty for other trouble."""
    data = error.data if isinstance(error, FunctionError) else None
    return str(data.get("code", "")) if isinstance(data, dict) else ""


SLOW = 4.0  # seconds after which a wait is spoken of

slow: set[object] = set()


@contextmanager
def patience() -> Iterator[None]:
    """Says so while the server takes its time."""
    wait = object()

    def tell() -> None:
        slow.add(wait)
        view.show_waiting(True)

    late = asyncio.get_running_loop().call_later(SLOW, tell)
    try:
        yield
    finally:
        late.cancel()
        slow.discard(wait)
        view.show_waiting(bool(slow))


@contextmanager
def busy(button: Any) -> Iterator[None]:
    """Meanwhile the button takes no second press."""
    view.set_busy(button, True)
    try:
        with patience():
            yield
    finally:
        view.set_busy(button, False)


tasks: set[asyncio.Task[None]] = set()


def in_background(work: Any) -> None:
    """Runs a coroutine on its own, and keeps hold of it until it is done."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


# --- opening ------------------------------------------------------------------------------------------------


def tell_page(event: str) -> None:
    """The page's own script shows the progress of loading."""
    window.dispatchEvent(window.CustomEvent.new(event))


tell_page("demo:started")
await catching_up()
tell_page("demo:ready")
