"""Tickets: a purchase for each session."""

import asyncio
from collections.abc import Callable

import pytest

from demo.visitor import Visitor
from pillion import api

NOTHING = {"concert": None, "seats": [], "name": "", "confirmed": False, "total": 0}


def sold(visitor: Visitor, concert: str) -> list[str]:
    """The seats that anybody's page shows as gone."""
    return asyncio.run(visitor.session.client.query(api.tickets.sold, concert=concert))


def picking(visitor: Visitor, *seats: str, concert: str = "kettle") -> Visitor:
    """The visitor, with these seats picked."""
    visitor.mutation(api.tickets.choose, concert=concert)
    for seat in seats:
        visitor.mutation(api.tickets.pick, seat=seat, wanted=True)
    return visitor


def test_nothing_at_first(visitor: Callable[[], Visitor]) -> None:
    """Three concerts to choose from, and no purchase."""
    tab = visitor()
    concerts = asyncio.run(tab.session.client.query(api.tickets.concerts))
    assert [concert["id"] for concert in concerts] == ["kettle", "steam", "leaves"]
    assert tab.query(api.tickets.purchase) == NOTHING


def test_two_tabs_do_not_overwrite_each_other(visitor: Callable[[], Visitor]) -> None:
    """The same functions, the same arguments, two sessions."""
    one = picking(visitor(), "A1", "A2")
    two = picking(visitor(), "E8", concert="steam")
    assert one.query(api.tickets.purchase) == NOTHING | {
        "concert": "kettle",
        "seats": ["A1", "A2"],
        "total": 3600,
    }
    assert two.query(api.tickets.purchase) == NOTHING | {"concert": "steam", "seats": ["E8"], "total": 2400}


def test_a_seat_is_let_go(visitor: Callable[[], Visitor]) -> None:
    """And picking one twice is picking it once; they are kept in the order of the rows."""
    tab = picking(visitor(), "B1", "B2", "B1")
    assert tab.query(api.tickets.purchase)["seats"] == ["B1", "B2"]
    tab.mutation(api.tickets.pick, seat="B1", wanted=False)
    assert tab.query(api.tickets.purchase)["seats"] == ["B2"]


def test_another_concert_lets_the_seats_go(visitor: Callable[[], Visitor]) -> None:
    """They were seats of the first one."""
    tab = picking(visitor(), "A1")
    tab.mutation(api.tickets.choose, concert="leaves")
    assert tab.query(api.tickets.purchase)["seats"] == []


def test_bought_is_bought(visitor: Callable[[], Visitor]) -> None:
    """The seats are gone for everybody, and this purchase takes no more changes."""
    tab = picking(visitor(), "A1", "A2")
    tab.mutation(api.tickets.confirm, name=" Ada ")
    assert sold(visitor(), "kettle") == ["A1", "A2"]
    assert sold(visitor(), "steam") == []
    purchase = tab.query(api.tickets.purchase)
    assert (purchase["name"], purchase["confirmed"]) == ("Ada", True)
    for function, args in (
        (api.tickets.choose, {"concert": "steam"}),
        (api.tickets.pick, {"seat": "A3", "wanted": True}),
        (api.tickets.confirm, {"name": "Ada"}),
    ):
        assert tab.refused(function, **args) == "confirmed"


def test_starting_over_keeps_what_was_bought(visitor: Callable[[], Visitor]) -> None:
    """The next purchase of the tab begins with nothing."""
    tab = picking(visitor(), "A1")
    tab.mutation(api.tickets.confirm, name="Ada")
    tab.mutation(api.tickets.start_over)
    tab.mutation(api.tickets.start_over)
    assert tab.query(api.tickets.purchase) == NOTHING
    assert sold(tab, "kettle") == ["A1"]


def test_who_comes_second_buys_nothing(visitor: Callable[[], Visitor]) -> None:
    """One of three seats has gone meanwhile: none of them is bought."""
    quick, slow = picking(visitor(), "A2"), picking(visitor(), "A1", "A2", "A3")
    quick.mutation(api.tickets.confirm, name="Quick")
    assert slow.refused(api.tickets.confirm, name="Slow") == "seat_taken"
    assert sold(slow, "kettle") == ["A2"]
    assert not slow.query(api.tickets.purchase)["confirmed"]


def test_a_seat_that_is_gone_can_not_be_picked(visitor: Callable[[], Visitor]) -> None:
    """Unless it is the same seat of another concert."""
    picking(visitor(), "A1").mutation(api.tickets.confirm, name="Ada")
    late = picking(visitor())
    assert late.refused(api.tickets.pick, seat="A1", wanted=True) == "seat_taken"
    assert picking(late, "A1", concert="steam").query(api.tickets.purchase)["seats"] == ["A1"]


def test_four_seats_are_the_most(visitor: Callable[[], Visitor]) -> None:
    """The fifth is refused, the four stay."""
    tab = picking(visitor(), "A1", "A2", "A3", "A4")
    assert tab.refused(api.tickets.pick, seat="A5", wanted=True) == "too_many"
    assert tab.query(api.tickets.purchase)["seats"] == ["A1", "A2", "A3", "A4"]


@pytest.mark.parametrize("seat", ["A0", "A9", "F1", "a1", "", "A11"])
def test_seats_that_do_not_exist(visitor: Callable[[], Visitor], seat: str) -> None:
    """Five rows of eight."""
    assert picking(visitor()).refused(api.tickets.pick, seat=seat, wanted=True) == "unknown_seat"


def test_a_concert_that_does_not_exist(visitor: Callable[[], Visitor]) -> None:
    """Nothing is begun."""
    tab = visitor()
    assert tab.refused(api.tickets.choose, concert="opera") == "unknown_concert"
    assert tab.query(api.tickets.purchase) == NOTHING


def test_one_thing_after_the_other(visitor: Callable[[], Visitor]) -> None:
    """A concert, then seats, then a name."""
    tab = visitor()
    assert tab.refused(api.tickets.pick, seat="A1", wanted=True) == "no_concert"
    assert tab.refused(api.tickets.confirm, name="Ada") == "no_concert"
    picking(tab)
    assert tab.refused(api.tickets.confirm, name="Ada") == "no_seats"
    picking(tab, "A1")
    assert tab.refused(api.tickets.confirm, name="  ") == "name"
    assert sold(tab, "kettle") == []
