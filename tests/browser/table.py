"""The README's table of what was measured: its cells, how it is written, how it is read."""

import re
from dataclasses import dataclass

BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"
_BETWEEN = re.compile(f"(?<={BEGIN}\n).*?(?={END})", re.DOTALL)

GOOD, BAD, BESIDE = "✓", "✗", "–"
"""As it should be; not so; not what this storage is for, so the cell only says what happened."""


@dataclass(frozen=True)
class Cell:
    """What one contender did in one scenario: one of the marks, and a phrase."""

    mark: str
    phrase: str

    def __str__(self) -> str:
        return f"{self.mark} {self.phrase}"


def good(phrase: str) -> Cell:
    """As it should be."""
    return Cell(GOOD, phrase)


def bad(phrase: str) -> Cell:
    """Not as it should be."""
    return Cell(BAD, phrase)


def judged(fine: bool, phrase: str, otherwise: str) -> Cell:
    """`phrase` if it is as it should be, else `otherwise`."""
    return good(phrase) if fine else bad(otherwise)


def written(columns: list[str], rows: dict[str, list[Cell]]) -> str:
    """The table in Markdown."""
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [[text.replace("|", "\\|") for text in (name, *map(str, cells))] for name, cells in rows.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def replaced(readme: str, table: str) -> str:
    """The README with this table in the place of its own; raises ValueError if there is no place for it."""
    if not _BETWEEN.search(readme):
        raise ValueError(f"The README has no {BEGIN} and {END}, each on a line of its own.")
    return _BETWEEN.sub(lambda _: table, readme)


def marks(readme: str) -> dict[str, list[str]]:
    """The marks in the README's table, by the names of its rows; the names of its columns under ""."""
    found = _BETWEEN.search(readme)
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in found[0].splitlines()] if found else []
    named = {line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines if line[0].strip() != "---"}
    return {name: [cell if name == "" else cell[:1] for cell in cells] for name, cells in named.items()}
