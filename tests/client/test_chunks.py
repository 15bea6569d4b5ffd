"""Transitions in parts."""

import json

import pytest

from client.sync_server import version
from pillion.chunks import Chunks
from pillion_shared.errors import FrameError
from pillion_shared.server_frames import Ping, Transition

WHOLE = json.dumps({"type": "Transition", "startVersion": version(), "endVersion": version(ts=1), "modifications": []})
PING = '{"type": "Ping"}'


def part(number: int, text: str, total: int = 2, name: str = "x") -> str:
    fields = {"chunk": text, "partNumber": number, "totalParts": total, "transitionId": name}
    return json.dumps({"type": "TransitionChunk"} | fields)


def test_parts_make_a_whole() -> None:
    """With nothing but pings between, more than once."""
    chunks = Chunks()
    for _ in range(2):
        assert chunks.read(part(0, WHOLE[:9])) is None
        assert isinstance(chunks.read(PING), Ping)
        assert isinstance(chunks.read(part(1, WHOLE[9:])), Transition)
    assert isinstance(chunks.read(part(0, WHOLE, 1)), Transition)
    assert isinstance(chunks.read(WHOLE), Transition)


@pytest.mark.parametrize(
    "texts",
    [
        [part(1, "")],
        [part(0, ""), part(0, "")],
        [part(0, "", 3), part(2, "", 3)],
        [part(0, ""), part(1, "", 3)],
        [part(0, ""), part(1, "", 2, "y")],
        [part(0, "", 0)],
        [part(0, WHOLE[:9]), WHOLE],
        [part(0, WHOLE), part(1, WHOLE)],
        [part(0, PING, 1)],
        [part(0, part(0, WHOLE, 1), 1)],
    ],
)
def test_what_makes_none(texts: list[str]) -> None:
    """Out of order, of different ones, with something between, no transition."""
    chunks = Chunks()
    for text in texts[:-1]:
        chunks.read(text)
    with pytest.raises(FrameError):
        chunks.read(texts[-1])
