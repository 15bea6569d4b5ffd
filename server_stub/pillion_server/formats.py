"""The two forms of an answer: encoded, which loses nothing, and the plain JSON that people and scripts read.

    value           "convex_encoded_json"        "json"
    Int64           {"$integer": base64}         a string of its digits
    bytes           {"$bytes": base64}           the base64
    NaN, infinity   {"$float": base64}           "NaN", "Infinity", "-Infinity"

Which one a caller gets is its choice; who doesn't choose gets what its client's version expects.
"""

import re
from typing import Any, cast

import msgspec

from pillion_server.errors import Refused
from pillion_shared import Int64, decode
from pillion_shared.wire import FORMAT

ENCODED = frozenset((FORMAT, "convex_json"))
PLAIN = frozenset(("json", "convex_clean_json"))

PLAIN_SINCE = {"npm": (1, 4, 1), "python": (0, 5, 0)}
"""The first versions of Convex's clients that expect plain JSON when they don't choose."""

UNSUPPORTED = {"npm": (0, 19, 1)}
"""The last versions that Convex turns away."""

OUTDATED = {"npm": (0, 99, 99)}
"""The last versions that are served and told to update: npm's from before 1.0."""

TOO_OLD = "This version of the client is too old: update it."

DEPRECATION = ("x-convex-deprecation-state", "x-convex-deprecation-message")
"""The headers of `deprecation`."""

_CLIENT = re.compile(r"([A-Za-z][\w-]*)-(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+][\w.+-]*)?", re.ASCII)


def is_plain(format: object, client: str | None) -> bool:
    """Whether the answer is to be plain JSON.

    format: what the call says, `None` if nothing. client: its `Convex-Client` header. Raises `Refused`.
    """
    name, version = client_version(client)
    if version <= UNSUPPORTED.get(name, ()):
        raise Refused(400, "ClientVersionUnsupported", TOO_OLD)
    if format is None:
        return version >= PLAIN_SINCE.get(name, ())
    if isinstance(format, str) and format in ENCODED | PLAIN:
        return format in PLAIN
    raise Refused(400, "BadFormat", f'"format" is "{FORMAT}" or "json"; no other is understood.')


def deprecation(client: str | None) -> dict[str, str]:
    """The headers that tell a client to update, if it should."""
    try:
        name, version = client_version(client)
    except Refused:
        return {}
    if version <= UNSUPPORTED.get(name, ()):
        return {DEPRECATION[0]: "Unsupported", DEPRECATION[1]: TOO_OLD}
    if version <= OUTDATED.get(name, ()):
        return {DEPRECATION[0]: "UpgradeRequired", DEPRECATION[1]: "This version of the client is old: update it."}
    return {}


def plain(encoded: object) -> Any:
    """Encoded JSON, as `encode` makes it or as text, in plain JSON."""
    if isinstance(encoded, msgspec.Raw):
        return plain(msgspec.json.decode(encoded))
    if isinstance(encoded, list):
        return [plain(item) for item in cast("list[object]", encoded)]
    if not isinstance(encoded, dict):
        return encoded
    fields = cast("dict[str, object]", encoded)
    if "$bytes" in fields:
        return fields["$bytes"]
    if "$integer" in fields or "$float" in fields:
        number = decode(fields)
        return str(int(number)) if isinstance(number, Int64) else _number(cast("float", number))
    return {key: plain(item) for key, item in fields.items()}


def _number(number: float) -> float | str:
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    return number


def client_version(client: str | None) -> tuple[str, tuple[int, ...]]:
    """The name of a client and its version, from its `Convex-Client` header; raises `Refused` for what is none."""
    if client is None:
        return "unknown", (0, 0, 0)
    named = _CLIENT.fullmatch(client)
    if named is None:
        raise Refused(400, "BadClientVersion", "Convex-Client names a client and its version: npm-1.48.0.")
    return named[1].lower(), (int(named[2]), int(named[3]), int(named[4]))
