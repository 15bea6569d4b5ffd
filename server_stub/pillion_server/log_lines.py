"""What functions say by `ctx.log(...)`: lines for the caller's answer, and the same for the server's log.

    [LOG] 'sold' 3

Convex's clients print them on the page's console. No line shows a session ID: a long word with a digit in it
could be one, and appears as `sess_1a2b3c`.
"""

import logging
import re
from collections.abc import Iterable

from pillion_shared import show

LOGGER = "pillion_server.functions"

MOST_LINES = 256
"""How many lines of one call its answer has; the server's log has all of them."""

LONGEST = 4096
"""How long a line may be, in characters."""

OVERFLOW = f"[WARN] Only the first {MOST_LINES} lines are sent; the server's log has the rest."

_LONG_WORD = re.compile(r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}")

_logger = logging.getLogger(LOGGER)


class Log:
    """The lines of one call. kept: whether they came with an answer that was kept."""

    kept = False

    def __init__(self, path: str) -> None:
        self._path = path
        self._lines: list[str] = []

    def say(self, *values: object) -> None:
        """Adds a line that shows the values as Python writes them."""
        text = _LONG_WORD.sub(lambda word: show(word[0]), " ".join(map(repr, values)))
        text = sendable(text if len(text) <= LONGEST else text[:LONGEST] + "...")
        _logger.info("%s: %s", self._path, text)
        self._append(f"[LOG] {text}")

    def add(self, lines: Iterable[str]) -> None:
        """Adds the lines of a function that this call has run, or those of a kept answer."""
        for line in lines:
            self._append(line)

    def clear(self) -> None:
        """Forgets all lines: the function starts again."""
        self._lines.clear()

    @property
    def lines(self) -> list[str]:
        """What the answer has, oldest first."""
        return list(self._lines)

    def _append(self, line: str) -> None:
        if len(self._lines) <= MOST_LINES:
            self._lines.append(line if len(self._lines) < MOST_LINES else OVERFLOW)


def sendable(text: str) -> str:
    """The text without halves of surrogate pairs, which no answer can hold."""
    return text.encode(errors="backslashreplace").decode()
