"""Who may import whom, and who may name the browser."""

import ast
import sys
from pathlib import Path

import pytest

from house.sources import BROWSER_MODULES, PACKAGES, at_import, imports, modules, shown, texts

MAY_IMPORT = {
    "pillion": {"pillion", "pillion_shared"},
    "pillion_shared": {"pillion_shared"},
    "pillion_server": {"pillion_server", "pillion_shared"},
}
NO_DEPENDENCIES = {"pillion", "pillion_shared"}
EXTRAS = {PACKAGES["pillion"] / "sockets.py": {"websockets"}}
"""What a file may import where it is installed, and says so where it is not."""
BROWSER_FILES = [PACKAGES["pillion"] / f"{name}.py" for name in ("_browser", "_database", "_js", "_page", "_web")]


def wrong_imports(package: str, path: Path, source: str) -> list[str]:
    """What the file imports and may not, each with its line."""
    tree = ast.parse(source)
    allowed = sys.stdlib_module_names | PACKAGES.keys() | EXTRAS.get(path, set())
    found = []
    for name, line in texts(tree):  # sys.modules["js"], or an argument of whatever imports
        top = name.partition(".")[0]
        ours = top in PACKAGES and top not in MAY_IMPORT[package]
        if (ours or (top in BROWSER_MODULES and path not in BROWSER_FILES)) and name.replace(".", "").isidentifier():
            found.append(f"{shown(path)}:{line} names {name}, which it must not know")
    for name, line in imports(tree):
        top = name.partition(".")[0]
        if name.startswith("."):
            found.append(f"{shown(path)}:{line} imports {name}: write the whole name, as the other files do")
        elif top in PACKAGES and top not in MAY_IMPORT[package]:
            found.append(f"{shown(path)}:{line} imports {name}: {package} must not know {top}")
        elif top in BROWSER_MODULES:
            if path not in BROWSER_FILES:
                found.append(
                    f"{shown(path)}:{line} imports {name}: only {', '.join(file.name for file in BROWSER_FILES)} do"
                )
        elif package in NO_DEPENDENCIES and top not in allowed:
            found.append(f"{shown(path)}:{line} imports {name}: {package} has no dependencies")
    return found


def browser_names(path: Path, source: str) -> list[str]:
    """Where the file uses the browser's modules by name, or imports `_browser` while it is being imported."""
    tree = ast.parse(source)
    if path in BROWSER_FILES:
        return []
    found = [
        f"{shown(path)}:{node.lineno} names {node.id}: only {', '.join(file.name for file in BROWSER_FILES)} do"
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in BROWSER_MODULES
    ]
    files = [file.stem for file in BROWSER_FILES]
    if any(part in files for name, _ in imports(at_import(tree)) for part in name.split(".")):
        found.append(f"{shown(path)} imports one of {files} when it is imported itself: do it inside a function")
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_imports(package: str) -> None:
    """The page and the server share pillion_shared and nothing else; the page's side needs only Python."""
    found = [wrong for path in modules(package) for wrong in wrong_imports(package, path, path.read_text())]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES)
def test_few_files_name_the_browser(package: str) -> None:
    """Everything but these is plain Python, which runs and is tested in CPython."""
    assert [wrong for path in modules(package) for wrong in browser_names(path, path.read_text())] == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("pillion", "import pillion_server"),
        ("pillion", "def f():\n    from pillion_server.app import create_app"),
        ("pillion", "if TYPE_CHECKING:\n    from pillion_server import Table"),
        ("pillion_server", "from pillion import Client"),
        ("pillion_shared", "from pillion import Client"),
        ("pillion", "import requests"),
        ("pillion_shared", "from msgspec import json"),
        ("pillion", "from . import _browser"),
        ("pillion", "from js import fetch"),
        ("pillion_server", "import pyodide.ffi"),
        ("pillion", "js = __import__('js')"),
        ("pillion", "import sys\njs = sys.modules['js']"),
        ("pillion", "from importlib import import_module as im\nim('js')"),
        ("pillion", "import importlib as i\ni.import_module('pillion_server')"),
        ("pillion", "import importlib as i\ni.import_module('pillion_server.app')"),
        ("pillion", "import importlib as i\ni.import_module('requests')"),
        ("pillion_shared", "from importlib import import_module as im\nim('pillion.client')"),
    ],
)
def test_a_wrong_import_is_found(package: str, source: str) -> None:
    """Each of these breaks the rule."""
    assert wrong_imports(package, Path("x.py"), source)


@pytest.mark.parametrize(
    "source",
    [
        "from pillion import _browser",
        "import pillion._browser",
        "from pillion._browser import fetch",
        "class A:\n    from pillion import _browser",
        "try:\n    from pillion import _browser\nexcept ImportError:\n    pass",
        "if True:\n    pass\nelse:\n    from pillion import _browser",
        "x = js.fetch",
    ],
)
def test_the_browser_is_found(source: str) -> None:
    """Each of these breaks the rule."""
    assert browser_names(Path("x.py"), source)


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    from pillion import _browser",
        "if TYPE_CHECKING:\n    from pillion import _browser",
        "import json\nfrom pillion_shared import api",
        "'pillion'\n'.js'\n'vendor/pyscript'\n'js: the language'",
    ],
)
def test_what_is_allowed_is_not_found(source: str) -> None:
    """The rules don't cry wolf."""
    assert wrong_imports("pillion", Path("x.py"), source) + browser_names(Path("x.py"), source) == []
