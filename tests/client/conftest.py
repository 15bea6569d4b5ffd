"""What several tests of the client share."""

from collections.abc import Iterator

import pytest

from client.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A simulated browser in the place of the real one."""
    simulated = World(seed=1)
    simulated.install()
    yield simulated
    simulated.close()
