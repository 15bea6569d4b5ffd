"""Whose rows a call touches: the user's who is logged in on its session, else the session's own."""

from collections.abc import Callable

from demo.visitor import Visitor
from pillion import api


def rows(visitor: Visitor) -> list[tuple[str, str]]:
    """The documents of the cart: whom they belong to, and the tea."""
    return [(row["owner"], row["product"]) for row in visitor.documents("cart_items")]


def test_the_owner_is_the_session_until_somebody_logs_in(visitor: Callable[[], Visitor]) -> None:
    """Then it is the user, and no row is left under the session."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    [(anonymous, _)] = rows(ada)
    assert anonymous.startswith("sid.")
    ada.log_in("Ada")
    [(user, _)] = rows(ada)
    assert not user.startswith("sid.")
    ada.log_out()
    ada.mutation(api.cart.add, product="grey-ghost")
    assert [(owner == user, product) for owner, product in rows(ada)] == [(True, "first-flush"), (False, "grey-ghost")]


def test_a_handler_never_sees_the_id(visitor: Callable[[], Visitor]) -> None:
    """What is kept is a digest, which is no session ID."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    assert ada.session.id
    assert ada.session.id not in str(rows(ada))
