"""Fixtures for the server's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds: `world(cart="...")`, with `options={...}` for `create_app`; closes them at the end."""
    made: list[World] = []

    def make(options: dict[str, Any] | None = None, **modules: str) -> World:
        made.append(World(tmp_path / f"world{len(made)}", options, **modules))
        return made[-1]

    yield make
    for each in made:
        each.close()
