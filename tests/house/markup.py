"""Reads a page as strictly as its author should have written it: what is unbalanced, what it points to."""

from html.parser import HTMLParser

VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
REFERENCES = {"config", "href", "poster", "src"}


class Markup(HTMLParser):
    """problems: sentences with line numbers. references: the values of src, srcset, href and config, in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.references: list[str] = []
        self._open: list[tuple[str, int]] = []
        self.feed(source)
        self.close()
        self.problems += [f"line {line}: <{tag}> is never closed" for tag, line in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remembers what must be closed."""
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append((tag, self.getpos()[0]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects what the tag points to."""
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.problems.append(f"line {self.getpos()[0]}: <{tag}> has an attribute twice")
        for name, value in attrs:
            if name in REFERENCES and value:
                self.references.append(value)
            elif name == "srcset" and value:
                self.references += [candidate.split()[0] for candidate in value.split(",") if candidate.strip()]

    def handle_endtag(self, tag: str) -> None:
        """Closes what was opened last, or says that something else was."""
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        else:
            self.problems.append(f"line {self.getpos()[0]}: </{tag}> closes nothing that is open here")
