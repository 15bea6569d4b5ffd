"""Finds whole session IDs in what a test run has printed: consoles, logs of servers, errors."""

import re

from pillion_shared import show

_BLOB = re.compile(r"blob:\S+")  # its address ends with a UUID of the browser's
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_ID = re.compile(rf"\b{_UUID}\b|\b[A-Za-z0-9_-]{{43}}(?![A-Za-z0-9_=+/-])")
_DIGEST = re.compile(r"sid\.(?:\d+\.)?[A-Za-z0-9_-]{43}")  # worth nothing as a credential


def whole_ids(text: str) -> list[str]:
    """What has the form of an ID in the text, shown as it may be: version 4 UUIDs, and tokens of 256 bits."""
    rest = _DIGEST.sub("", _BLOB.sub("", text))
    return [show(match[0]) for match in _ID.finditer(rest)]
