"""Timestamps and versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillion_shared.errors import FrameError
from pillion_shared.versions import (
    MAX_TIMESTAMP,
    ZERO,
    Version,
    read_count,
    read_timestamp,
    read_version,
    write_timestamp,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "AAAAAAAAAAA="), (1, "AQAAAAAAAAA="), (2**53 + 1, "AQAAAAAAIAA="), (2**64 - 1, "/" * 10 + "8=")],
)
def test_timestamps_on_the_wire(number: int, text: str) -> None:
    """Eight bytes, the lowest first."""
    assert write_timestamp(number) == text
    assert read_timestamp(text) == number


@given(st.integers(0, MAX_TIMESTAMP), st.integers(0, MAX_TIMESTAMP))
def test_timestamps_come_back_in_their_order(one: int, other: int) -> None:
    """Though their texts have another."""
    assert read_timestamp(write_timestamp(one)) == one
    assert Version(0, 0, one).leads_to(Version(0, 0, other)) == (one <= other)


@pytest.mark.parametrize(
    "text", [None, 3, "", "AAAA", "AAAAAAAAAAAAAAAA", "é", "A", "AAAAAAAAAAA", "!AQAAAAAAAAA=", ["AQAAAAAAAAA="]]
)
def test_what_is_no_timestamp(text: object) -> None:
    with pytest.raises(FrameError, match="base64 of 8 bytes"):
        read_timestamp(text)


@pytest.mark.parametrize("value", [None, True, -1, 1.5, "1"])
def test_what_is_no_count(value: object) -> None:
    with pytest.raises(FrameError, match="n is a whole number"):
        read_count(value, "n")


def test_versions() -> None:
    """No part of one falls on the way to the next."""
    version = Version(1, 2, 3)
    assert read_version(version.write()) == version
    assert version != ZERO
    assert hash(version) == hash(Version(1, 2, 3))
    assert repr(version) == "Version(1, 2, 3)"
    assert ZERO.leads_to(version)
    assert version.leads_to(version)
    assert not any(version.leads_to(other) for other in (Version(0, 2, 3), Version(1, 1, 3), Version(1, 2, 2)))
    with pytest.raises(FrameError, match="object"):
        read_version([])
