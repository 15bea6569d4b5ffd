"""Logging in and out, and what becomes of the cart."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from demo.visitor import Visitor
from pillion import FunctionError, api

OTHER_ID = "9f1c7a52-5f0e-4a6e-8a0c-2f6f0f1c9d11"


def as_session(visitor: Visitor, session_id: str | None, function: Any) -> Any:
    """A query under an ID of one's choice, as whoever has found it would make it."""
    return asyncio.run(visitor.session.client.query(function, {"sessionId": session_id}))


def test_nobody_is_logged_in_at_first(visitor: Callable[[], Visitor]) -> None:
    """An anonymous session."""
    assert visitor().query(api.users.me) is None


def test_the_cart_comes_along(visitor: Callable[[], Visitor]) -> None:
    """Under a new ID, and with a name."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    before = ada.session.id
    ada.log_in("  Ada   Lovelace ")
    assert ada.session.id != before
    assert ada.query(api.users.me) == {"name": "Ada Lovelace"}
    assert ada.cart() == {"first-flush": 1}


def test_the_old_id_opens_nothing_any_more(visitor: Callable[[], Visitor]) -> None:
    """After logging in, and after logging out."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    anonymous = ada.session.id
    ada.log_in("Ada")
    logged_in = ada.session.id
    ada.log_out()
    for old in (anonymous, logged_in):
        assert as_session(ada, old, api.users.me) is None
        assert as_session(ada, old, api.cart.get) == {"lines": [], "count": 0, "total": 0}


def test_logging_out_leaves_a_clean_slate(visitor: Callable[[], Visitor]) -> None:
    """The user's cart waits for the user."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    ada.log_in("Ada")
    ada.log_out()
    assert ada.query(api.users.me) is None
    assert ada.cart() == {}
    ada.log_in("Ada")
    assert ada.cart() == {"first-flush": 1}


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [("Ada", "coffee", "password"), ("Ada", "", "password"), (" ", "tea", "name"), ("a" * 41, "tea", "name")],
)
def test_a_log_in_that_is_refused_changes_nothing(
    visitor: Callable[[], Visitor], name: str, password: str, code: str
) -> None:
    """Neither the ID nor the cart nor who is there."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    before = ada.session.id
    with pytest.raises(FunctionError) as caught:
        ada.log_in(name, password)
    assert isinstance(caught.value.data, dict)
    assert caught.value.data["code"] == code
    assert ada.session.id == before
    assert ada.query(api.users.me) is None
    assert ada.cart() == {"first-flush": 1}


def test_two_browsers_of_one_user_share_the_cart(visitor: Callable[[], Visitor]) -> None:
    """The name is the same however it is written; quantities add up, to no more than the most."""
    home, work = visitor(), visitor()
    home.mutation(api.cart.add, product="first-flush")
    home.mutation(api.cart.change, product="first-flush", by=18)
    home.mutation(api.cart.add, product="dock-no-4")
    home.log_in("Ada")
    for product in ("first-flush", "first-flush", "dock-no-4", "grey-ghost"):
        work.mutation(api.cart.add, product=product)
    work.log_in("ada")
    assert home.cart() == work.cart() == {"first-flush": 20, "dock-no-4": 2, "grey-ghost": 1}


def test_logging_one_browser_out_leaves_the_other_in(visitor: Callable[[], Visitor]) -> None:
    """A user may have several sessions, and they end one by one."""
    home, work = visitor(), visitor()
    home.log_in("Ada")
    work.log_in("Ada")
    home.log_out()
    assert work.query(api.users.me) == {"name": "Ada"}


def test_another_user_gets_another_cart(visitor: Callable[[], Visitor]) -> None:
    """On the same machine, one after the other."""
    machine = visitor()
    machine.log_in("Ada")
    machine.mutation(api.cart.add, product="first-flush")
    machine.log_out()
    machine.log_in("Bo")
    assert machine.cart() == {}


def test_logging_in_over_a_log_in_leaves_the_first_users_cart(visitor: Callable[[], Visitor]) -> None:
    """Only an anonymous cart comes along."""
    machine = visitor()
    machine.log_in("Ada")
    machine.mutation(api.cart.add, product="first-flush")
    first = machine.session.id
    machine.log_in("Bo")
    assert machine.query(api.users.me) == {"name": "Bo"}
    assert machine.cart() == {}
    assert as_session(machine, first, api.users.me) is None
    machine.log_in("Ada")
    assert machine.cart() == {"first-flush": 1}


def test_the_same_log_in_twice_does_not_double_the_cart(visitor: Callable[[], Visitor]) -> None:
    """Its answer was lost on the way, and it is sent once more with the same two IDs."""
    home, ada = visitor(), visitor()
    home.mutation(api.cart.add, product="first-flush")
    home.log_in("Ada")
    ada.mutation(api.cart.add, product="first-flush")
    for _ in range(2):
        ada.mutation(api.users.login, name="Ada", password="tea", new=OTHER_ID)
    assert as_session(ada, OTHER_ID, api.users.me) == {"name": "Ada"}
    assert as_session(ada, OTHER_ID, api.cart.get)["count"] == 2


def test_a_log_in_that_died_half_way_loses_nothing(visitor: Callable[[], Visitor]) -> None:
    """The server said yes, the browser closed before it kept the new ID: the user logs in again."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    ada.mutation(api.users.login, name="Ada", password="tea", new=OTHER_ID)
    assert ada.cart() == {}
    ada.log_in("Ada")
    assert ada.cart() == {"first-flush": 1}


def test_a_session_that_is_somebody_elses_can_not_be_taken(visitor: Callable[[], Visitor]) -> None:
    """The new session has to be new, and is not the present one."""
    ada, bo = visitor(), visitor()
    ada.mutation(api.users.login, name="Ada", password="tea", new=OTHER_ID)
    assert bo.refused(api.users.login, name="Bo", password="tea", new=OTHER_ID) == "session"
    assert as_session(bo, OTHER_ID, api.users.me) == {"name": "Ada"}
    present = asyncio.run(bo.session.ready())
    assert bo.refused(api.users.login, name="Bo", password="tea", new=present) == "session"


def test_what_is_no_session_id_is_refused(visitor: Callable[[], Visitor]) -> None:
    """By the signature, before the function runs."""
    with pytest.raises(FunctionError, match="new"):
        visitor().mutation(api.users.login, name="Ada", password="tea", new="undefined")


def test_no_answer_holds_a_session(visitor: Callable[[], Visitor]) -> None:
    """Neither the ID nor its digest comes back to a page."""
    ada = visitor()
    ada.mutation(api.cart.add, product="first-flush")
    ada.log_in("Ada")
    answers = [ada.query(api.users.me), ada.query(api.cart.get)]
    assert set(answers[0]) == {"name"}
    assert set(answers[1]["lines"][0]) == {"product", "name", "price", "quantity"}


def test_what_is_added_while_logging_in_is_not_lost(visitor: Callable[[], Visitor]) -> None:
    """A click meanwhile waits for the outcome: it would go to a session that the server has just ended."""
    ada = visitor()
    session = ada.session

    async def click_and_log_in() -> Any:
        await session.mutation(api.cart.add, product="first-flush")

        async def log_in(new: Any) -> None:
            await session.mutation(api.users.login, name="Ada", password="tea", new=new)

        refresh = asyncio.create_task(session.refresh(log_in))
        await asyncio.sleep(0)
        await asyncio.gather(refresh, *(session.mutation(api.cart.add, product="grey-ghost") for _ in range(3)))
        return await session.query(api.cart.get)

    lines = asyncio.run(click_and_log_in())["lines"]
    assert sorted((line["product"], line["quantity"]) for line in lines) == [("first-flush", 1), ("grey-ghost", 3)]
