"""Timestamps on the wire: an unsigned number of 64 bits, little-endian, in base64."""

import base64
import binascii


def to_wire(ts: int) -> str:
    """`ts` as text: 1 is `"AQAAAAAAAAA="`."""
    return base64.b64encode(ts.to_bytes(8, "little")).decode()


def from_wire(text: object) -> int:
    """The timestamp that a text is; raises `ValueError` for what is none."""
    try:
        octets = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        octets = b""
    if len(octets) != 8:
        raise ValueError("a timestamp is 8 bytes in base64, as query_ts gives it")
    return int.from_bytes(octets, "little")
