"""How the demos' functions say no."""

from collections.abc import Callable

import pytest

from demo.visitor import Visitor
from pillion import FunctionError, api


def test_a_refusal_is_a_code_and_a_sentence(visitor: Callable[[], Visitor]) -> None:
    """The page's script goes by the one, its reader by the other, which is also what the error says."""
    with pytest.raises(FunctionError) as caught:
        visitor().mutation(api.cart.add, product="coffee")
    assert caught.value.data == {"code": "unknown_product", "message": "We have no such tea."}
    assert str(caught.value) == "We have no such tea."
