"""The catalogue."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from demo.visitor import Visitor
from pillion import api

PAGE = Path(__file__).parents[2] / "index.html"


def catalogue(visitor: Callable[[], Visitor]) -> list[dict[str, object]]:
    """What a page gets: by the client alone, without a session."""
    return asyncio.run(visitor().session.client.query(api.products.list))


def left(visitor: Visitor) -> dict[str, int]:
    """Packets on the shelf by the tea's ID, as every page gets them."""
    return dict(asyncio.run(visitor.session.client.query(api.products.left)))


def test_no_session_is_needed(visitor: Callable[[], Visitor]) -> None:
    """The same six teas for everybody."""
    assert len(catalogue(visitor)) == 6
    assert len({product["id"] for product in catalogue(visitor)}) == 6


def test_prices_are_whole_cents(visitor: Callable[[], Visitor]) -> None:
    """No fractions that add up to something else."""
    assert all(isinstance(product["price"], int) and product["price"] > 0 for product in catalogue(visitor))


def test_something_is_sold_out(visitor: Callable[[], Visitor]) -> None:
    """The page has to show that, too."""
    assert 0 in left(visitor()).values()


def test_what_is_in_a_cart_is_off_the_shelf(visitor: Callable[[], Visitor]) -> None:
    """For everybody, and back when it leaves the cart."""
    ada, bo = visitor(), visitor()
    before = left(bo)
    ada.mutation(api.cart.add, product="dock-no-4")
    ada.mutation(api.cart.change, product="dock-no-4", by=4)
    bo.mutation(api.cart.add, product="dock-no-4")
    assert left(bo) == {**before, "dock-no-4": before["dock-no-4"] - 6}
    ada.mutation(api.cart.change, product="dock-no-4", by=-1)
    bo.mutation(api.cart.remove, product="dock-no-4")
    assert left(bo) == {**before, "dock-no-4": before["dock-no-4"] - 4}


def test_the_shelf_is_never_less_than_empty(visitor: Callable[[], Visitor]) -> None:
    """The last packet goes to one; who comes later is told."""
    ada, bo = visitor(), visitor()
    stock = left(bo)["stone-mill"]
    ada.mutation(api.cart.add, product="stone-mill")
    ada.mutation(api.cart.change, product="stone-mill", by=stock - 2)
    assert ada.refused(api.cart.change, product="stone-mill", by=2) == "sold_out"
    bo.mutation(api.cart.add, product="stone-mill")
    assert left(bo)["stone-mill"] == 0
    for each in (ada, bo):
        assert each.refused(api.cart.add, product="stone-mill") == "sold_out"
        assert each.refused(api.cart.change, product="stone-mill", by=1) == "sold_out"
    ada.mutation(api.cart.change, product="stone-mill", by=-1)
    assert left(bo)["stone-mill"] == 1


def test_packets_too_many_for_one_cart_go_back(visitor: Callable[[], Visitor]) -> None:
    """When a log-in brings two carts together."""
    home, work = visitor(), visitor()
    before = left(home)["first-flush"]
    for each in (home, work):
        each.mutation(api.cart.add, product="first-flush")
        each.mutation(api.cart.change, product="first-flush", by=14)
    assert left(home)["first-flush"] == before - 30
    for each in (home, work):
        each.log_in("Ada")
    assert left(home)["first-flush"] == before - 20


def test_every_tea_has_its_picture(visitor: Callable[[], Visitor]) -> None:
    """The pictures are the page's; it finds them by the product's ID."""
    pictures = set(re.findall(r'<symbol id="pic-([^"]+)"', PAGE.read_text(encoding="utf-8")))
    assert pictures == {product["id"] for product in catalogue(visitor)}
