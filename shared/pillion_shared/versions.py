"""What a page knows of the server, as the sync protocol counts it: timestamps, and versions of which they are a part.

In Python a timestamp is a whole number from 0 below 2^64, to be compared with others only. On the wire it is the
base64 of its 8 bytes, the lowest first.
"""

import binascii

from pillion_shared.errors import FrameError
from pillion_shared.shapes import is_dict

MAX_TIMESTAMP = 2**64 - 1


def write_timestamp(timestamp: int) -> str:
    """A timestamp on the wire."""
    return binascii.b2a_base64(timestamp.to_bytes(8, "little"), newline=False).decode()


def read_timestamp(text: object) -> int:
    """A timestamp from the wire; raises `FrameError`."""
    try:
        octets = binascii.a2b_base64(text.encode()) if isinstance(text, str) else b""
    except ValueError:
        octets = b""
    timestamp = int.from_bytes(octets, "little")
    if len(octets) != 8 or write_timestamp(timestamp) != text:  # MicroPython passes over what is not of base64
        raise FrameError("A timestamp is the base64 of 8 bytes.")
    return timestamp


def read_count(value: object, name: str) -> int:
    """A number of things, or of one among them: 0 or more; raises `FrameError`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise FrameError(f"{name} is a whole number, 0 or more.")


class Version:
    """A moment of one connection: of the query set, of the identity, and the timestamp of the data."""

    def __init__(self, query_set: int = 0, identity: int = 0, timestamp: int = 0) -> None:
        self.query_set = query_set
        self.identity = identity
        self.timestamp = timestamp

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Version)
            and self.query_set == other.query_set
            and self.identity == other.identity
            and self.timestamp == other.timestamp
        )

    def __hash__(self) -> int:
        return hash((self.query_set, self.identity, self.timestamp))

    def __repr__(self) -> str:
        return f"Version({self.query_set}, {self.identity}, {self.timestamp})"

    def leads_to(self, other: "Version") -> bool:
        """Whether a connection may go from here to `other`: no part of a version ever falls."""
        return (
            self.query_set <= other.query_set and self.identity <= other.identity and self.timestamp <= other.timestamp
        )

    def write(self) -> "dict[str, object]":
        """The version on the wire."""
        return {"querySet": self.query_set, "identity": self.identity, "ts": write_timestamp(self.timestamp)}


def read_version(json: object) -> Version:
    """A version from the wire; raises `FrameError`."""
    if not is_dict(json):
        raise FrameError("A version is an object.")
    return Version(
        read_count(json.get("querySet"), "querySet"),
        read_count(json.get("identity"), "identity"),
        read_timestamp(json.get("ts")),
    )


ZERO = Version()
"""Where every connection begins."""
