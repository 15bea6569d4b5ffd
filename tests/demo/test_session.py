"""The builders of the demos: what they add stays out of callers' hands."""

from collections.abc import Callable

import pytest

from demo.visitor import Visitor
from pillion import FunctionError, api


@pytest.mark.parametrize("path", ["_session:with_session", "_owner:with_owner", "cart:move_cart", "cart:_put"])
def test_helpers_are_not_on_the_api(visitor: Callable[[], Visitor], path: str) -> None:
    """Nobody moves carts from outside."""
    with pytest.raises(FunctionError, match="Could not find"):
        visitor().mutation(path, old="a", new="b")


def test_an_owner_can_not_be_named(visitor: Callable[[], Visitor]) -> None:
    """Whose rows are touched follows from the session alone."""
    with pytest.raises(FunctionError, match="owner"):
        visitor().mutation(api.cart.add, product="first-flush", owner="somebody")
