"""Fixtures: the demos' functions on a real database; nothing is faked."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.visitor import Visitor
from pillion_server import create_app

DEMO = Path(__file__).parents[2] / "server_stub" / "demo"


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Callable[[], Visitor]]:
    """Makes visitors of one shop, each with a session of its own."""
    app = create_app(DEMO, tmp_path / "shop.sqlite3")
    yield lambda: Visitor(app)
    app.state.database.close()
