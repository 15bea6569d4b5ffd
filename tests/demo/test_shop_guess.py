"""What the shop shows before the server has answered is what the server then says."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from demo import shop_guess as guess
from demo.visitor import Visitor
from pillion import ABSENT, FunctionError, api

CHANGES: list[tuple[Any, Callable[..., guess.Update], dict[str, int]]] = [
    (api.cart.add, guess.add, {}),
    (api.cart.change, guess.change, {"by": 1}),
    (api.cart.change, guess.change, {"by": -1}),
    (api.cart.change, guess.change, {"by": 30}),
    (api.cart.remove, guess.remove, {}),
]


class Shown:
    """Stands for the store of a page: the values of the queries that it shows."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.public = self

    def get(self, function: object) -> Any:
        return self.values.get(str(function), ABSENT)

    def set(self, function: object, value: object) -> None:
        self.values[str(function)] = value


def shown(visitor: Visitor) -> Shown:
    """What the page of a visitor shows now."""
    values = {str(api.cart.get): visitor.query(api.cart.get)}
    values[str(api.products.left)] = asyncio.run(visitor.session.client.query(api.products.left))
    return Shown(**values)


@pytest.mark.parametrize("before", [0, 1, 12, 19, 20])
@pytest.mark.parametrize("product", ["dock-no-4", "stone-mill", "last-train"])
def test_the_server_says_the_same(visitor: Callable[[], Visitor], product: str, before: int) -> None:
    """After each change of a cart, and of one that it refuses."""
    teas = {tea["id"]: tea for tea in asyncio.run(visitor().session.client.query(api.products.list))}
    for function, foresee, by in CHANGES:
        ada = visitor()
        ada.mutation(api.cart.add, product="first-flush")
        if held := min(before, teas[product]["stock"]):
            ada.mutation(api.cart.add, product=product)
            ada.mutation(api.cart.change, product=product, by=held - 1)
        guessed = shown(ada)
        foresee(teas[product], **by)(guessed)
        with suppress(FunctionError):
            ada.mutation(function, product=product, **by)
        assert guessed.values == shown(ada).values
        ada.mutation(api.cart.remove, product=product)  # back on the shelf


def test_where_nothing_is_known_nothing_is_guessed(visitor: Callable[[], Visitor]) -> None:
    """The page has no cart yet."""
    tea = asyncio.run(visitor().session.client.query(api.products.list))[0]
    page = Shown()
    guess.add(tea)(page)
    assert page.values == {}
