"""The cart of a session."""

from collections.abc import Callable

import pytest

from demo.visitor import Visitor
from pillion import FunctionError, api

MOST = 20


def test_a_cart_begins_empty(visitor: Callable[[], Visitor]) -> None:
    """Nothing, nothing, nothing."""
    assert visitor().query(api.cart.get) == {"lines": [], "count": 0, "total": 0}


def test_the_same_tea_twice_is_one_line(visitor: Callable[[], Visitor]) -> None:
    """With two packets, and what both cost."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    ada.mutation(api.cart.add, product="first-flush")
    line = {"product": "first-flush", "name": "First Flush", "price": 1450, "quantity": 2}
    assert ada.query(api.cart.get) == {"lines": [line], "count": 2, "total": 2900}


def test_lines_keep_the_order_in_which_they_came(visitor: Callable[[], Visitor]) -> None:
    """Whatever happens to them later."""
    ada = visitor()
    for product in ("stone-mill", "dock-no-4", "grey-ghost"):
        ada.mutation(api.cart.add, product=product)
    ada.mutation(api.cart.change, product="dock-no-4", by=6)
    assert list(ada.cart().items()) == [("stone-mill", 1), ("dock-no-4", 7), ("grey-ghost", 1)]


def test_another_session_sees_nothing_of_it(visitor: Callable[[], Visitor]) -> None:
    """Carts belong to sessions."""
    ada, bo = visitor(), visitor()
    ada.mutation(api.cart.add, product="first-flush")
    assert bo.cart() == {}


def test_removed_is_gone(visitor: Callable[[], Visitor]) -> None:
    """And removing what another tab has removed already is no error."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    ada.mutation(api.cart.remove, product="first-flush")
    ada.mutation(api.cart.remove, product="first-flush")
    assert ada.cart() == {}


@pytest.mark.parametrize("by", [0, MOST - 2, -1])
def test_quantities_that_are_packed(visitor: Callable[[], Visitor], by: int) -> None:
    """From the first to the last one."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    ada.mutation(api.cart.add, product="first-flush")
    ada.mutation(api.cart.change, product="first-flush", by=by)
    assert ada.cart() == {"first-flush": 2 + by}


@pytest.mark.parametrize("by", [-2, -1, MOST, 2**53])
def test_quantities_that_are_not(visitor: Callable[[], Visitor], by: int) -> None:
    """The cart stays as it was."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    assert ada.refused(api.cart.change, product="first-flush", by=by) == "quantity"
    assert ada.cart() == {"first-flush": 1}


def test_steps_add_up(visitor: Callable[[], Visitor]) -> None:
    """Whatever a tab believed when it asked for one more, the other tab's step is not undone."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    for by in (1, 1, 3, -1):
        ada.mutation(api.cart.change, product="first-flush", by=by)
    assert ada.cart() == {"first-flush": 5}


def test_one_more_than_the_most(visitor: Callable[[], Visitor]) -> None:
    """Adding has the same limit, and the refusal names it."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    ada.mutation(api.cart.change, product="first-flush", by=MOST - 1)
    with pytest.raises(FunctionError, match="20 of one tea is the most"):
        ada.mutation(api.cart.add, product="first-flush")
    assert ada.refused(api.cart.add, product="first-flush") == "quantity"
    assert ada.cart() == {"first-flush": MOST}


@pytest.mark.parametrize(
    ("function", "more"), [(api.cart.add, {}), (api.cart.remove, {}), (api.cart.change, {"by": 1})]
)
def test_an_unknown_tea(visitor: Callable[[], Visitor], function: object, more: dict[str, int]) -> None:
    """Is refused before anything is written."""
    ada = visitor()
    assert ada.refused(function, product="gunpowder", **more) == "unknown_product"
    assert ada.cart() == {}


def test_a_tea_that_is_sold_out(visitor: Callable[[], Visitor]) -> None:
    """Can't be added, whatever the page allows."""
    assert visitor().refused(api.cart.add, product="last-train") == "sold_out"


def test_the_quantity_of_what_is_not_there(visitor: Callable[[], Visitor]) -> None:
    """Another tab has removed it meanwhile."""
    assert visitor().refused(api.cart.change, product="first-flush", by=1) == "not_in_cart"


def test_a_wrongly_typed_step(visitor: Callable[[], Visitor]) -> None:
    """Is refused by the signature."""
    ada = visitor()
    with pytest.raises(FunctionError, match="by"):
        ada.mutation(api.cart.change, product="first-flush", by="one")
