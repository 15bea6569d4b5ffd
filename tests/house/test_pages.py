"""The pages: well-formed, every file they name is there, and nothing comes from another host."""

import re
from pathlib import Path

import pytest

from house.markup import Markup
from house.sources import ROOT, shown

PAGES = sorted(ROOT.glob("*.html"))
PARTS = sorted(path for path in (ROOT / "client/demo").rglob("*") if path.suffix in {".css", ".js", ".py", ".svg"})
CONFIGS = sorted(ROOT.glob("*.toml"))
LINK = re.compile(r"<a\s[^>]*>|\sxmlns(?::\w+)?=(\"[^\"]*\"|'[^']*')")
FOREIGN = re.compile(r"""(?:https?|wss?)://[^\s"'<>)]+|(?<=["'(,=])\s*//\w[^\s"'<>)]*""", re.IGNORECASE)
OWN = re.compile(r"https?://(?:localhost|127\.0\.0\.1)(?![\w.@-])", re.IGNORECASE)


def missing(source: str, root: Path) -> list[str]:
    """The local files that the page names and `root` lacks; vendor/ counts as there: make fetches it."""
    found = []
    for reference in Markup(source).references:
        path = reference.partition("#")[0].partition("?")[0].removeprefix("./")
        foreign = path.startswith(("//", "data:", "mailto:")) or "://" in path
        if path and not foreign and not path.startswith("vendor/") and not (root / path).exists():
            found.append(reference)
    return found


def loaded_from_elsewhere(source: str) -> list[str]:
    """Every address on another host, wherever it stands but in a link, which loads nothing, or as a namespace."""
    return [address for address in FOREIGN.findall(LINK.sub("", source)) if not OWN.match(address)]


def test_there_are_pages() -> None:
    """The three demos."""
    assert {"index.html", "tickets.html", "smoke.html"} <= {path.name for path in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_markup(page: Path) -> None:
    """Every tag is closed where it should be."""
    assert Markup(page.read_text(encoding="utf-8")).problems == []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_files(page: Path) -> None:
    """Every file that the page names is there."""
    assert missing(page.read_text(encoding="utf-8"), ROOT) == []


@pytest.mark.parametrize("path", [*PAGES, *PARTS, *CONFIGS], ids=shown)
def test_nothing_comes_from_another_host(path: Path) -> None:
    """The pages, their scripts, styles, pictures and configs work on a machine without a network."""
    assert loaded_from_elsewhere(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source", ["<p>a", "<p>a</b></p>", "<a><b></a></b>", '<a href="x" href="y"></a>'])
def test_bad_markup_is_found(source: str) -> None:
    """Each of these is broken."""
    assert Markup(source).problems


def test_a_missing_file_is_found() -> None:
    """And what is not a file is left alone."""
    source = '<link href="nowhere.css"><a href="#top">up</a><script src="vendor/x.js"></script><img src="data:,">'
    assert missing(source, ROOT) == ["nowhere.css"]
    assert missing('<img src="index.html" srcset="index.html 1x, nowhere.png 2x">', ROOT) == ["nowhere.png"]


@pytest.mark.parametrize(
    "source",
    [
        '<script src="https://cdn.example/x.js">',
        "@import '//cdn.example/x.css'",
        "a { background: url(//x.example/a.png) }",
        "<script>fetch('https://cdn.example/x')</script>",
        "<script>fetch('//cdn.example/x')</script>",
        '<img src="a.png" srcset="a.png 1x, https://cdn.example/b.png 2x">',
        '<img src="a.png" srcset="a.png 1x, //cdn.example/b.png 2x">',
        "<img src=//cdn.example/b.png>",
        'packages = ["https://cdn.example/x.whl"]',
        '"https://cdn.example/x.py" = "./"',
        'new EventSource("https://cdn.example/events")',
        'new WebSocket("wss://cdn.example/sync")',
        "import 'http://localhost.example/x.js'",
        "import 'http://localhost@x.example/x.js'",
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="https://cdn.example/x.png"/></svg>',
    ],
)
def test_another_host_is_found(source: str) -> None:
    """Each of these would need a network."""
    assert loaded_from_elsewhere(source)


@pytest.mark.parametrize(
    "source",
    [
        '<a href="https://pyscript.net">PyScript</a>',
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">',
        'fail("Open http://localhost:8000/tickets.html.")',
        "f(a, // a comment\n b)",
        'api = "/api"',
        "half = (a // b)",
    ],
)
def test_what_needs_no_network_is_not_found(source: str) -> None:
    """Links, namespaces, this machine, comments."""
    assert loaded_from_elsewhere(source) == []
