"""Session IDs: what one looks like, how one is made from random bytes, how one is shown to people.

An ID is a secret of whoever holds it, so nothing prints one whole: `show` gives the form for logs.
"""

import binascii
import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType, TypeGuard

    SessionId = NewType("SessionId", str)
else:
    SessionId = str  # MicroPython has no typing; at run time the brand is a plain string everywhere

MIN_LENGTH = 20
MAX_LENGTH = 128
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_HEX = "0123456789abcdef"
_DASHES = (8, 13, 18, 23)


def is_session_id(value: object) -> "TypeGuard[SessionId]":
    """Whether `value` has the shape of a session ID: 20 to 128 of `A-Z a-z 0-9 - _`.

    Twenty characters of that alphabet hold up to 120 random bits; storage rubbish such as `"undefined"` or a
    quoted string has another shape.
    """
    return isinstance(value, str) and MIN_LENGTH <= len(value) <= MAX_LENGTH and not value.strip(_ALPHABET)


def is_uuid4(value: object) -> "TypeGuard[SessionId]":
    """Whether `value` is a version 4 UUID in lower case, as RFC 9562 section 5.4 writes it."""
    if not isinstance(value, str) or len(value) != 36:
        return False
    for place, character in enumerate(value):
        if character not in ("-" if place in _DASHES else _HEX):
            return False
    return value[14] == "4" and value[19] in "89ab"


def uuid4(random_bytes: bytes) -> SessionId:
    """The version 4 UUID made of 16 random bytes (122 of their bits survive)."""
    octets = bytearray(random_bytes)
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    digits = octets.hex()
    return SessionId("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def token(random_bytes: bytes) -> SessionId:
    """The token made of 32 random bytes: 43 characters of base64url, which hold all 256 of their bits."""
    text = binascii.b2a_base64(random_bytes, newline=False).decode()
    return SessionId(text.rstrip("=").replace("+", "-").replace("/", "_"))


def is_token(value: object) -> "TypeGuard[SessionId]":
    """Whether `value` has the shape of a `token`."""
    return isinstance(value, str) and len(value) == 43 and all(character in _ALPHABET for character in value)


def show(session_id: "str | None") -> str:
    """An ID as people and logs may see it: `sess_` and six digits of its SHA-256, or `sess_none`."""
    if session_id is None:
        return "sess_none"
    return "sess_" + hashlib.sha256(session_id.encode()).digest()[:3].hex()


def quotable(text: str) -> str:
    """`text` without any ID, known or not: for messages that quote what somebody else has written.

    A long word is shown as an ID is, since nothing tells the two apart.
    """
    pieces: list[str] = []
    begin = 0
    for place, character in enumerate(text + "\n"):
        if character not in _ALPHABET:
            word = text[begin:place]
            pieces.append(word if len(word) < MIN_LENGTH else show(word))
            pieces.append(character)
            begin = place + 1
    return "".join(pieces)[:-1]


def without_ids(text: str, *session_ids: "str | None") -> str:
    """`text` with these IDs shown as `show` does: for errors that others have worded."""
    for session_id in session_ids:
        if session_id is not None:
            text = text.replace(session_id, show(session_id))
    return text
