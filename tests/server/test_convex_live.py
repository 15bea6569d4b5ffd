"""Convex's own WebSocket clients, npm's and PyPI's, against the server as its users start it."""

from collections.abc import Iterator
from pathlib import Path

import convex
import pytest

from server.node_client import run_client
from server.test_convex_clients import SHOP
from server.world import Process, serving, write_functions


def test_the_client_of_npm(tmp_path: Path) -> None:
    """In Node: subscriptions, read your writes, order, errors; lost answers and a restart, with nothing done twice."""
    functions = write_functions(tmp_path / "functions", shop=SHOP)
    assert run_client("convex_client.mjs", functions, tmp_path / "x.sqlite3") == 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server for PyPI's client."""
    folder: Path = tmp_path_factory.mktemp("clients")
    with serving(write_functions(folder / "functions", shop=SHOP), folder / "x.sqlite3") as process:
        yield process


def test_the_client_of_pypi(server: Process) -> None:
    """Subscriptions, mutations, actions, errors."""
    client = convex.ConvexClient(f"http://127.0.0.1:{server.port}")
    counts = client.subscribe("shop:count")
    assert next(counts) == 0
    assert client.mutation("shop:add", {"name": "tea"}) == 1
    assert next(counts) == 1
    assert client.query("shop:count") == 1
    assert client.action("shop:act", {"value": [None, "é", 1.5]}) == [None, "é", 1.5]
    with pytest.raises(convex.ConvexError) as caught:
        client.mutation("shop:fail", {"how": "text"})
    assert caught.value.data == "Sold out."
    server.call("mutation", "shop:add", name="milk")
    while (count := next(counts)) != 2:  # it tells of every transition
        assert count == 1
