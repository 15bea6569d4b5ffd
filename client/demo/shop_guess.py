"""What the server will probably say: the cart and the shelf after a change, to be shown until it has answered.

Each gives an optimistic update. What the server would refuse changes nothing here either.
"""

from collections.abc import Callable
from typing import Any

from pillion import ABSENT, api

Values = dict[str, Any]
Update = Callable[[Any], None]

MOST = 20
"""Packets of one tea in a cart, as the server has it."""


def add(tea: Values) -> Update:
    """One packet more of a tea of the catalogue."""
    return _update(tea, lambda held: held + 1)


def change(tea: Values, by: int) -> Update:
    """So many packets more, or fewer, of one that is in the cart."""
    return _update(tea, lambda held: max(held + by, 1) if held else 0)


def remove(tea: Values) -> Update:
    """None of it any more."""
    return _update(tea, lambda _held: 0)


def _update(tea: Values, wanted: Callable[[int], int]) -> Update:
    product = tea["id"]

    def update(store: Any) -> None:
        cart, left = store.get(api.cart.get), store.public.get(api.products.left)
        if cart is ABSENT or left is ABSENT:
            return
        held = sum(line["quantity"] for line in cart["lines"] if line["product"] == product)
        quantity = wanted(held)
        if quantity <= MOST and quantity - held <= left[product]:
            left[product] -= quantity - held
            store.set(api.cart.get, _with(cart, tea, quantity))
            store.public.set(api.products.left, left)

    return update


def _with(cart: Values, tea: Values, quantity: int) -> Values:
    """The cart with so many packets of a tea; where it was, or else at the end."""
    line = {"product": tea["id"], "name": tea["name"], "price": tea["price"], "quantity": quantity}
    lines = [line if each["product"] == tea["id"] else each for each in cart["lines"]]
    lines = [each for each in (lines if line in lines else [*lines, line]) if each["quantity"]]
    return {
        "lines": lines,
        "count": sum(each["quantity"] for each in lines),
        "total": sum(each["price"] * each["quantity"] for each in lines),
    }
