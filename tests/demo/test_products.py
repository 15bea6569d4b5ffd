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


def test_no_session_is_needed(visitor: Callable[[], Visitor]) -> None:
    """The same six teas for everybody."""
    assert len(catalogue(visitor)) == 6
    assert len({product["id"] for product in catalogue(visitor)}) == 6


def test_prices_are_whole_cents(visitor: Callable[[], Visitor]) -> None:
    """No fractions that add up to something else."""
    assert all(isinstance(product["price"], int) and product["price"] > 0 for product in catalogue(visitor))


def test_something_is_sold_out(visitor: Callable[[], Visitor]) -> None:
    """The page has to show that, too."""
    assert {product["in_stock"] for product in catalogue(visitor)} == {True, False}


def test_every_tea_has_its_picture(visitor: Callable[[], Visitor]) -> None:
    """The pictures are the page's; it finds them by the product's ID."""
    pictures = set(re.findall(r'<symbol id="pic-([^"]+)"', PAGE.read_text(encoding="utf-8")))
    assert pictures == {product["id"] for product in catalogue(visitor)}
