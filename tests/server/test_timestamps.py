"""Timestamps as the wire has them."""

import pytest

from pillion_server.timestamps import from_wire, to_wire


@pytest.mark.parametrize(
    ("ts", "text"),
    [(0, "AAAAAAAAAAA="), (1, "AQAAAAAAAAA="), (2**53 + 1, "AQAAAAAAIAA="), (2**63 - 1, "/////////38=")],
)
def test_the_vectors(ts: int, text: str) -> None:
    """Little-endian, eight bytes."""
    assert to_wire(ts) == text
    assert from_wire(text) == ts


@pytest.mark.parametrize(
    "text", [None, 7, "", "AAAA", "AAAAAAAAAAAA", "AAAAAAAAAAA", "!AAAAAAAAAA=", "é", ["AQAAAAAAAAA="]]
)
def test_what_is_none(text: object) -> None:
    """It is refused, whatever it is."""
    with pytest.raises(ValueError, match="8 bytes in base64"):
        from_wire(text)
