"""What the shop shows: turns values into elements, and reads what was typed. It knows nothing of sessions."""

from collections import Counter
from typing import Any

from pyscript import document
from shop_guess import MOST

Values = dict[str, Any]

FEW = 5  # packets left, of which one says "only"

stock: dict[str, int] = {}  # packets on the shelf, by tea
unsure: Counter[str] = Counter()  # changes that the server has not answered, by tea


def element(selector: str) -> Any:
    return document.querySelector(selector)


def text(root: Any, hook: str, words: str) -> None:
    """Sets words under the element with the attribute `data-<hook>`; as text, so no data is ever HTML."""
    root.querySelector(f"[data-{hook}]").textContent = words


def money(cents: int) -> str:
    return f"€{cents / 100:.2f}"


def packets(count: int) -> str:
    return "1 packet" if count == 1 else f"{count} packets"


# --- the teas -----------------------------------------------------------------------------------------------


def show_products(products: list[Values]) -> None:
    shelf = element("#products")
    shelf.replaceChildren(*[_card(product) for product in products])
    shelf.removeAttribute("aria-busy")
    shelf.hidden = False
    element("#login-open").disabled = False
    _leave("#no-products")
    _show_notes()


def show_no_products(words: str) -> None:
    """Says why the shelf is empty, in its place."""
    element("#products").hidden = True
    if element("#no-products p").textContent != words:  # once is enough for those who listen
        element("#no-products p").textContent = words
    element("#no-products").hidden = False


def _card(product: Values) -> Any:
    card = _clone("#product-card")
    card.setAttribute("data-product", product["id"])
    card.querySelector("use").setAttribute("href", f"#pic-{product['id']}")
    text(card, "name", product["name"])
    text(card, "kind", product["kind"])
    text(card, "description", product["description"])
    text(card, "price", money(product["price"]))
    text(card, "weight", f"{product['grams']} g")
    note, button = card.querySelector("[data-note]"), card.querySelector("button")
    note.id = f"note-{product['id']}"
    button.setAttribute("aria-describedby", note.id)
    return card


def show_stock(left: dict[str, int]) -> None:
    """How many packets of each tea are on the shelf."""
    stock.update(left)
    _show_stock()


def show_people(count: int) -> None:
    """How many are looking, this visitor among them; 0 where that isn't known."""
    if count > 1:
        words = f"{count} people are looking at the teas"
    else:
        words = "Nobody else is looking just now" if count else "Loose leaf, by the packet"
    element("#catalogue-note").textContent = words


# --- the cart -----------------------------------------------------------------------------------------------


def show_cart(cart: Values) -> None:
    """Changes only what is different, line by line, so the keyboard's focus stays where it is."""
    lines = element("#cart-lines")
    present = {line["product"] for line in cart["lines"]}
    for row in list(lines.children):
        if row.getAttribute("data-product") not in present:
            _take_out(row)
    for line in cart["lines"]:
        row = lines.querySelector(f"[data-product='{line['product']}']") or _line(lines, line)
        _mark(row, bool(unsure[line["product"]]))
        text(row, "price", money(line["price"] * line["quantity"]))
        text(row, "quantity", str(line["quantity"]))
        _switch(row.querySelector("[data-action=less]"), line["quantity"] > 1)
    empty = not cart["lines"]
    summary = f"{packets(cart['count'])}, {money(cart['total'])}"
    element("#cart-empty").hidden = not empty
    element("#cart-empty").textContent = "Nothing in it yet. The teas are a click away."
    element("#cart-total").hidden = empty
    element(".cart-bar").hidden = empty
    text(document, "cart-total", money(cart["total"]))
    text(document, "cart-count", str(cart["count"]))
    text(document, "cart-summary", summary)
    element("#cart-says").textContent = ""  # what was said of the cart before is no longer true
    _show_notes()


def forget() -> None:
    """Shows nobody's cart, when that of the session in force can't be had."""
    show_user(None)
    show_cart({"lines": [], "count": 0, "total": 0})
    element("#cart-empty").textContent = "Your cart comes when the server answers."
    text(document, "cart-count", "")


def _show_notes() -> None:
    """By each Add: how many are in the cart, and that there can't be more."""
    for card in element("#products").querySelectorAll("[data-product]"):
        quantity = quantity_of(product_of(card))
        most = f"{MOST} of one tea is the most" if quantity >= MOST else ""
        card.querySelector("[data-note]").removeAttribute("data-fresh")
        text(card, "note", most or (f"{quantity} in the cart" if quantity else ""))
    _show_stock()


def _show_stock() -> None:
    """How many are left of each tea. Where there are none, and at the most, there is no adding."""
    for card in element("#products").querySelectorAll("[data-product]"):
        left, name, button = stock.get(product_of(card)), name_of(card), card.querySelector("button")
        text(card, "left", "" if not left else f"{left} left" if left > FEW else f"Only {left} left")
        card.toggleAttribute("data-sold-out", left == 0)
        button.textContent = "Sold out" if left == 0 else "Add"
        button.setAttribute("aria-label", f"{name} is sold out" if left == 0 else f"Add {name} to the cart")
        _switch(button, _can_be_added(product_of(card)))
    for row in element("#cart-lines").children:
        _switch(row.querySelector("[data-action=more]"), _can_be_added(product_of(row)))


def _can_be_added(product: str) -> bool:
    return bool(stock.get(product)) and quantity_of(product) < MOST


def doubt(product: str, changes: int) -> None:
    """So many changes of a tea more, or fewer, wait for the server; its line shows that it isn't sure yet."""
    unsure[product] += changes
    row = element(f"#cart-lines [data-product='{product}']")
    if row:
        _mark(row, bool(unsure[product]))


def note(product: str, words: str) -> None:
    """Puts words before what is said beside the tea's Add."""
    beside = element(f"#note-{product}")
    beside.textContent = f"{words}. {beside.textContent}"
    beside.setAttribute("data-fresh", "")


def say(words: str) -> None:
    """Tells those who listen instead of looking, and adds what is in the cart now."""
    element("#cart-says").textContent = f"{words} {element('[data-cart-summary]').textContent} in the cart."


def product_of(button: Any) -> str:
    """The tea whose card or line the button is on."""
    return _part(button).getAttribute("data-product")


def name_of(button: Any) -> str:
    """What that tea is called."""
    return _part(button).querySelector("[data-name]").textContent


def quantity_of(product: str) -> int:
    """How many packets of a tea the cart shows."""
    shown = element(f"#cart-lines [data-product='{product}'] [data-quantity]")
    return int(shown.textContent) if shown else 0


def _line(lines: Any, line: Values) -> Any:
    row = _clone("#cart-line")
    row.setAttribute("data-product", line["product"])
    text(row, "name", line["name"])
    row.querySelector(".stepper").setAttribute("aria-label", f"Packets of {line['name']}")
    row.querySelector("[data-action=less]").setAttribute("aria-label", f"One {line['name']} less")
    row.querySelector("[data-action=more]").setAttribute("aria-label", f"One {line['name']} more")
    row.querySelector("[data-action=remove]").setAttribute("aria-label", f"Remove {line['name']}")
    lines.append(row)
    return row


def _take_out(row: Any) -> None:
    """A row that holds the focus hands it to the cart's heading, not to the top of the page."""
    held = row.contains(document.activeElement)
    row.remove()
    if held:
        element("#cart-title").focus()


def _switch(button: Any, on: bool) -> None:
    """`aria-disabled` keeps the focus, which `disabled` would drop."""
    if on:
        button.removeAttribute("aria-disabled")
    else:
        button.setAttribute("aria-disabled", "true")


# --- who is here --------------------------------------------------------------------------------------------


def show_user(user: Values | None) -> None:
    """A greeting and the one button that makes sense; it takes over the focus of the one that goes."""
    greeting = element("#greeting")
    greeting.hidden = user is None
    greeting.textContent = greeting.title = f"Hello, {user['name']}" if user else ""
    comes, goes = ("#logout", "#login-open") if user else ("#login-open", "#logout")
    held = element(goes).contains(document.activeElement)
    element(comes).hidden = False
    element(goes).hidden = True
    if held:
        element(comes).focus()


def show_session(words: str, lasts: bool) -> None:
    element("#session-note").textContent = words
    element("#storage-note").hidden = lasts


def open_login() -> None:
    no_login_error()
    element("#login").showModal()


def close_login() -> None:
    """Forgets what was typed; the browser gives the focus back to the button that opened it."""
    element("#login").close()
    element("#login-form").reset()


def typed_login() -> tuple[str, str]:
    """Name and password."""
    return element("#login [name=name]").value, element("#login [name=password]").value


def login_error(words: str, field: str) -> None:
    """Says what is wrong: under the field of that name, which takes the focus, or else above the buttons."""
    error = element("#login-error")
    box = element(f"#login [name={field}]") if field in ("name", "password") else None
    (box.closest("label") if box else element("#login .buttons")).insertAdjacentElement(
        "afterend" if box else "beforebegin", error
    )
    error.textContent = words
    if box:
        box.setAttribute("aria-invalid", "true")
        box.setAttribute("aria-describedby", error.id)
        box.focus()
        box.select()


def no_login_error() -> None:
    element("#login-error").textContent = ""
    for box in element("#login").querySelectorAll("input"):
        box.removeAttribute("aria-invalid")
        box.removeAttribute("aria-describedby")


# --- trouble and waiting ------------------------------------------------------------------------------------


def warn(words: str, origin: Any) -> None:
    """Puts the banner up; closing it leads back to `origin`."""
    element("#banner-text").textContent = words
    element("#banner").hidden = False
    origins[:] = [origin] if origin else []


origins: list[Any] = []  # the button that the banner is about


def all_well() -> None:
    _leave("#banner", *origins)


def show_waiting(words: str) -> None:
    """In the page, and in the dialog, which covers it; said again only when it is something else."""
    for place in document.querySelectorAll("[data-waiting]"):
        if place.textContent != words:
            place.textContent = words


def _leave(selector: str, *origins: Any) -> None:
    """Hides a notice. If it held the focus, that goes to where it came from, or to the teas."""
    notice = element(selector)
    held = notice.contains(document.activeElement)
    notice.hidden = True
    if held:
        places = [place for place in origins if place.isConnected and place.offsetParent]
        (places or [element("#catalogue")])[0].focus()


def is_off(button: Any) -> bool:
    """Whether a press means nothing now: at a limit, or while its call is under way."""
    return button.getAttribute("aria-disabled") == "true" or button.getAttribute("aria-busy") == "true"


def set_busy(button: Any, busy: bool) -> None:
    """A call is under way that the button takes no second press for."""
    _mark(button, busy)


def _mark(part: Any, busy: bool) -> None:
    if busy:
        part.setAttribute("aria-busy", "true")
    else:
        part.removeAttribute("aria-busy")


def _part(button: Any) -> Any:
    return button.closest("[data-product]") or button


def _clone(template: str) -> Any:
    return element(template).content.firstElementChild.cloneNode(True)
