"""Cursors: where a page of a query ended, sealed.

A cursor holds the key of an index entry, and so values of a document that its reader may not be meant to see. It is
encrypted and bound to its range by AES-SIV under a key of this database. The same place in the same range always has
the same cursor, so that a page which didn't change doesn't look as if it had.
"""

import base64
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pillion_server.ranges import Position, Range
from pillion_shared import FunctionError

_DOC_BYTES = 8
_END = b"\x00"
_PLACE = b"\x01"


class Cursors:
    """Makes and opens cursors under a key that is derived from `secret`."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(hashlib.blake2b(key=secret, person=b"pillion cursors", digest_size=64).digest())

    def seal(self, range: Range, position: Position | None) -> str:
        """The cursor of a position in `range`, or of its end (`None`)."""
        text = _END if position is None else _PLACE + position[1].to_bytes(_DOC_BYTES, "big") + position[0]
        return base64.urlsafe_b64encode(self._cipher.encrypt(text, [_name(range)])).rstrip(b"=").decode()

    def open(self, range: Range, cursor: str) -> Position | None:
        """The position of a cursor; raises `FunctionError`, as Convex's clients know it, for one of another query."""
        try:
            octets = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
            text = self._cipher.decrypt(octets, [_name(range)])
        except (InvalidTag, ValueError):
            raise FunctionError(
                {"isConvexSystemError": True, "paginationError": "InvalidCursor"},
                "InvalidCursor: the cursor is of another query, or of another database: begin with the first page.",
            ) from None
        if text == _END:
            return None
        return text[1 + _DOC_BYTES :], int.from_bytes(text[1 : 1 + _DOC_BYTES], "big")


def _name(range: Range) -> bytes:
    return repr((range.index.number, range.lower, range.upper, range.descending)).encode()
