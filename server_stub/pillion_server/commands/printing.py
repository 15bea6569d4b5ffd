"""What the commands print: lines that stay whole however narrow the terminal, coloured only where one is."""

import sys

from rich.console import Console
from rich.text import Text


def say(*parts: str | tuple[str, str]) -> None:
    """A line for the reader, `pillion: ...`, on standard output at once; parts are texts, or texts and styles."""
    _line(Console(), Text.assemble(("pillion:", "bold cyan"), " ", *parts))


def complain(message: str) -> None:
    """A line about what is in the way, on standard error."""
    _line(Console(stderr=True), Text.assemble(("pillion:", "bold red"), " ", message))


def rows(*cells: tuple[str | tuple[str, str], ...]) -> None:
    """Rows of a table without rules, as wide as they need to be, so that other programs can read them."""
    texts = [[Text.assemble(cell) for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        padded = [Text.assemble(cell, " " * (width - len(cell))) for cell, width in zip(row, widths, strict=True)]
        line = Text("  ").join(padded)
        line.rstrip()
        _line(Console(), line)


def is_watched() -> bool:
    """Whether somebody looks at standard error: the place for progress."""
    return sys.stderr.isatty()


def _line(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True, highlight=False)
    console.file.flush()
