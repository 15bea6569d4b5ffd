"""The static folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pillion_server import StartError
from pillion_server.static import Static, check_private, check_served
from server.world import World

Make = Callable[..., World]

FILES = {
    "index.html": "<h1>shop</h1>",
    "LICENSE": "free",
    "shop.py": "print(1)",
    "pyscript.toml": "",
    "sub/index.html": "sub",
    "vendor/pyodide/pyodide.asm.wasm": "",
    "vendor/pyodide/pyodide.mjs": "",
    "vendor/x.whl": "",
    "myvendor/x.js": "",
    ".git/config": "secret",
    ".env": "secret",
    "sub/.hidden/x": "secret",
    "outside_link_target": "",
}


@pytest.fixture
def site(world: Make, tmp_path: Path) -> World:
    """A page with its files, some of them private."""
    root = tmp_path / "site"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "outside").write_text("secret")
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "to_git").symlink_to(root / ".git")
    (root / ".shop.py").symlink_to(root / "shop.py")
    return world({"static": root}, shop="")


def test_the_index(site: World) -> None:
    """At the root, in folders, and by name."""
    assert site.request("GET", "/").text == "<h1>shop</h1>"
    assert site.request("GET", "/index.html").text == "<h1>shop</h1>"
    assert site.request("GET", "/sub/").text == "sub"
    assert site.request("GET", "/sub").headers["location"].endswith("/sub/")


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("/index.html", "text/html; charset=utf-8"),
        ("/shop.py", "text/x-python; charset=utf-8"),
        ("/LICENSE", "text/plain; charset=utf-8"),
        ("/pyscript.toml", "application/toml"),
        ("/vendor/pyodide/pyodide.mjs", "text/javascript; charset=utf-8"),
        ("/vendor/pyodide/pyodide.asm.wasm", "application/wasm"),
        ("/vendor/x.whl", "application/zip"),
    ],
)
def test_types(site: World, path: str, type: str) -> None:
    """A browser runs modules and compiles WebAssembly only under the right ones, and shows a LICENSE."""
    answer = site.request("GET", path)
    assert answer.headers["content-type"] == type
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_caching(site: World) -> None:
    """Runtimes are kept for a day, pages are asked about each time, cheaply."""
    assert site.request("GET", "/vendor/x.whl").headers["cache-control"] == "public, max-age=86400"
    assert site.request("GET", "/myvendor/x.js").headers["cache-control"] == "no-cache"
    page = site.request("GET", "/")
    assert page.headers["cache-control"] == "no-cache"
    again = site.request("GET", "/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status, again.text) == (304, "")
    assert again.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/.git/config",
        "/.env",
        "/sub/.hidden/x",
        "/sub/../.env",
        "/./.env",
        "//.env",
        "/to_git/config",
        "/.shop.py",
        "/link",
        "/../outside",
        "/nothing",
        "/shop.py/x",
        "/a\0b",
        "/" + "x" * 5000,
    ],
)
def test_what_is_private_is_not_there(site: World, path: str) -> None:
    """The same answer as for a file that does not exist."""
    answer = site.request("GET", path)
    assert (answer.status, answer.text) == (404, "Not Found")


def test_only_reading(site: World) -> None:
    """A HEAD is a GET without the body; nothing can be posted."""
    assert site.request("HEAD", "/shop.py").headers["content-length"] == "8"
    assert site.request("POST", "/shop.py").status == 405


def test_the_api_comes_first(site: World) -> None:
    """A file of that name would be out of reach."""
    assert site.request("POST", "/api/query", b'{"path": "shop:x"}').status == 200
    assert site.request("GET", "/api/x").json["code"] == "NotFound"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """It is told at start."""
    with pytest.raises(StartError, match=r"static folder .* is not there"):
        Static(tmp_path / "nowhere")


def test_a_database_must_not_be_served(tmp_path: Path) -> None:
    """Inside the static folder it has to lie under a dot."""
    for hidden in (".pillion/x.sqlite3", "a/.b/c/x.sqlite3", ".x.sqlite3", "../x.sqlite3"):
        check_private(tmp_path, tmp_path / hidden)
    for open in ("x.sqlite3", "data/x.sqlite3", ".pillion/../x.sqlite3"):
        with pytest.raises(StartError, match="everybody could fetch it"):
            check_private(tmp_path, tmp_path / open)


def test_a_static_folder_among_the_functions(tmp_path: Path) -> None:
    """Nothing of it would be served: it is told at start, not by a site of 404s."""
    (tmp_path / "functions/pages").mkdir(parents=True)
    for static in ("functions", "functions/pages", "other/../functions"):
        with pytest.raises(StartError, match="which is never served"):
            check_served(tmp_path / static, tmp_path / "functions")
    check_served(tmp_path, tmp_path / "functions")
    check_served(tmp_path / "functions2", tmp_path / "functions")


def test_the_functions_are_not_served(tmp_path: Path) -> None:
    """They may hold keys, and a folder of pages often holds them."""
    functions = tmp_path / "site/functions"
    functions.mkdir(parents=True)
    (functions / "shop.py").write_text("KEY = 1")
    (tmp_path / "site/page.py").write_text("")
    static = Static(tmp_path / "site", private=functions)
    assert static.lookup_path("functions/shop.py") == ("", None)
    assert static.lookup_path("functions") == ("", None)
    assert static.lookup_path("page.py")[1] is not None
