"""What several tests of the client share."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.live_world import LiveWorld
from client.world import World
from pillion.sockets import LibrarySocket


@pytest.fixture
def world() -> Iterator[World]:
    """A simulated browser in the place of the real one."""
    simulated = World(seed=1)
    simulated.install()
    yield simulated
    simulated.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LiveWorld]:
    """A server of the test's own."""
    with LiveWorld(tmp_path) as world:
        yield world


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What clients send over their sockets."""
    frames: list[dict[str, Any]] = []
    send = LibrarySocket.send

    def recording(socket: LibrarySocket, text: str) -> None:
        frames.append(json.loads(text))
        send(socket, text)

    monkeypatch.setattr(LibrarySocket, "send", recording)
    return frames
