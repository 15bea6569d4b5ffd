"""Code blocks of a Markdown file, for the tests that run them."""

import re
from dataclasses import dataclass

FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<source>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    words: what follows the language, `("page",)` for ```python page. line: the number of its first line.
    """

    language: str
    words: tuple[str, ...]
    source: str
    line: int


def blocks(markdown: str, *languages: str) -> list[Block]:
    """The fenced blocks in these languages, in order."""
    found = []
    for match in FENCE.finditer(markdown):
        language, *words = match["info"].split() or [""]
        line = markdown.count("\n", 0, match.start("source")) + 1
        if language in languages:
            found.append(Block(language, tuple(words), match["source"], line))
    return found


def page_blocks(markdown: str) -> list[Block]:
    """The Python blocks that need a page, ```python page; the others run anywhere."""
    return [block for block in blocks(markdown, "python") if "page" in block.words]
