"""client/ and shared/ keep to what MicroPython 1.28 has, as far as reading the source can tell."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from house.micropython import HAS, LACKING_METHODS, SPECIAL_METHODS
from house.sources import BROWSER_MODULES, PACKAGES, ROOT, evaluated, imports, shown, unguarded

PLATFORM_FILE = PACKAGES["pillion"] / "_platform.py"
TYPES = {"bool", "bytes", "dict", "float", "frozenset", "int", "list", "object", "set", "str", "tuple", "type"}
UNKNOWN_TO_RE = re.compile(r"\{\d|\(\?[^:]|\\b")
"""In a pattern: a count, a group with a name or looking around, the border of a word."""


def lacking(source: str, path: Path | None = None) -> list[str]:
    """What MicroPython lacks of the source, each with its line."""
    tree = ast.parse(source)
    if path == PLATFORM_FILE:
        tree = _InBrowser().visit(tree)
    running = evaluated(tree)
    modules = _module_names(running)
    functions = {node.name for node in _functions(running)}
    found = [(node.lineno, message) for node in _nodes(tree) for message in _syntax(node)]
    for node in _nodes(running):
        found += [(node.lineno, message) for message in _library(node, modules) + _types(node, functions)]
    for name, line in imports(unguarded(tree)):
        top, _, rest = name.partition(".")
        if top not in HAS.keys() | PACKAGES.keys() | BROWSER_MODULES or (top in HAS and rest and rest not in HAS[top]):
            found.append((line, f"import of {name} (put it under TYPE_CHECKING or catch ImportError)"))
    return [f"{line}: {message}" for line, message in sorted(found)]


class _InBrowser(ast.NodeTransformer):
    """Leaves out what runs only outside a browser: the one file that may ask where it is may use more there."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return node.body if ast.unparse(node.test) == "IN_BROWSER" else self.generic_visit(node)


def _nodes(tree: ast.AST) -> Iterator[ast.stmt | ast.expr]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.stmt, ast.expr)))


def _module_names(tree: ast.AST) -> dict[str, str]:
    """What modules of the library are called here."""
    found = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {alias.asname or alias.name: alias.name for alias in found if alias.name in HAS}


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions that are not methods."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield child


def _syntax(node: ast.AST) -> list[str]:
    found = []
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and node.args.posonlyargs:
        found.append("positional-only parameters")
    if isinstance(node, ast.Match):
        found.append("match")
    if isinstance(node, ast.TryStar):
        found.append("except*")
    if isinstance(node, ast.Dict) and None in node.keys:
        found.append("** in a dict display")
    if _is_display(node) and any(isinstance(child, ast.Starred) for child in ast.iter_child_nodes(node)):
        found.append("* in a display")
    if any(each.is_async for each in getattr(node, "generators", [])):
        found.append("async comprehension")
    if getattr(node, "type_params", None) or type(node).__name__ == "TypeAlias":
        found.append("type parameters")
    if isinstance(node, ast.ClassDef) and node.keywords:
        found.append("class keywords")
    if isinstance(node, ast.ClassDef) and len(node.bases) > 1:
        found.append("several base classes (super() skips one)")
    if isinstance(node, ast.Raise) and node.cause and ast.unparse(node.cause) != "None":
        found.append("raise ... from (it prints a warning, and there is no __cause__)")
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in SPECIAL_METHODS:
        found.append(node.name)
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        found.append("from __future__")
    return found


def _is_display(node: ast.AST) -> bool:
    """A list, tuple or set that is read; `first, *rest = ...` is a tuple that is written."""
    return isinstance(node, ast.Set) or (isinstance(node, (ast.List, ast.Tuple)) and isinstance(node.ctx, ast.Load))


def _library(node: ast.AST, modules: dict[str, str]) -> list[str]:
    if isinstance(node, ast.Attribute):
        module = modules.get(ast.unparse(node.value))
        return [f"{module}.{node.attr}"] if module and node.attr not in HAS[module] else []
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return []
    module, name = modules.get(ast.unparse(node.func.value)), node.func.attr
    if module is None and name in LACKING_METHODS:
        return [f".{name}()"]
    if module == "json" and {keyword.arg for keyword in node.keywords} & {"indent", "sort_keys"}:
        return ["json.dumps with indent or sort_keys"]
    if module == "re" and node.args and isinstance(node.args[0], ast.Constant):
        return [f"{found} in a pattern" for found in UNKNOWN_TO_RE.findall(str(node.args[0].value))]
    return []


def _types(node: ast.AST, functions: set[str]) -> list[str]:
    """Types as values, and functions as objects."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return ["| of types"] if {ast.unparse(node.left), ast.unparse(node.right)} & (TYPES | {"None"}) else []
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) in TYPES:
        return [f"{ast.unparse(node.value)}[...]"]
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) in functions:
        return ["an attribute of a function"]
    return []


def sources() -> list[Path]:
    """The two packages that run on MicroPython."""
    return [path for package in ("pillion", "pillion_shared") for path in sorted(PACKAGES[package].rglob("*.py"))]


@pytest.mark.parametrize("path", sources(), ids=shown)
def test_the_source_keeps_to_the_subset(path: Path) -> None:
    """A real MicroPython runs the packages as well; this names the line."""
    assert lacking(path.read_text(), path) == []


def test_the_table_is_what_micropython_has(tmp_path: Path) -> None:
    """The real one is asked for every name in it."""
    names = {module: sorted(names) for module, names in HAS.items()}
    script = tmp_path / "ask.py"
    script.write_text(
        f"for module, names in {names}.items():\n    for name in names:\n"
        "        if not hasattr(__import__(module), name): print(module, name)\nprint('asked')\n"
    )
    node = shutil.which("node") or str(ROOT / ".venv/bin/node")
    command = [node, ROOT / "tests/client/run_micropython.mjs", script]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout == "asked\n"


def test_the_pages_for_micropython_keep_to_it() -> None:
    """The scripts of `<script type="mpy">`, too."""
    found = []
    for page in sorted(ROOT.glob("*.html")):
        for piece in page.read_text().split("<script")[1:]:
            tag = piece.partition(">")[0]
            if 'type="mpy"' in tag and 'src="' in tag:
                script = ROOT / tag.partition('src="')[2].partition('"')[0]
                found += [f"{shown(script)}:{each}" for each in lacking(script.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, /): pass",
        "f = lambda a, /: a",
        "match x:\n    case 1: pass",
        "from __future__ import annotations",
        "try:\n    pass\nexcept* ValueError:\n    pass",
        "x = {**a}",
        "x = [*a, 1]",
        "def f():\n    return 1, *a",
        "import typing",
        "from typing import TYPE_CHECKING",
        "from dataclasses import dataclass",
        "if ON_SERVER:\n    import typing",
        "async def f():\n    return [x async for x in y]",
        "class A(metaclass=M): pass",
        "class A(B, C): pass",
        "try:\n    pass\nexcept ValueError as e:\n    raise KeyError from e",
        "x = 'ab'.removeprefix('a')",
        "import asyncio\nasyncio.run(main())",
        "import asyncio\nq = asyncio.Queue",
        "import asyncio as aio\ndef f():\n    return aio.timeout(1)",
        "from asyncio import TaskGroup",
        "import json\njson.dumps(x, sort_keys=True)",
        "import time\ntime.monotonic()",
        "import collections.abc",
        "from collections import abc",
        "from collections.abc import Mapping",
        "import functools\n@functools.lru_cache\ndef f(): pass",
        "from functools import cache",
        "import os\nx = os.urandom(3)",
        "import os\nx = b() if IN_BROWSER else os.urandom(3)",
        "import re\nre.compile('[0-9]{8}')",
        "import re\nre.match('(?P<a>b)', x)",
        "import re\nre.match(r'\\bx', y)",
        "import re\nX = re.compile('a')\nX.fullmatch('a')",
        "X = int | None",
        "X = Thing | None",
        "X = list[int]",
        "class A:\n    X = dict[str, int]",
        "def f(x):\n    return isinstance(x, int | str)",
        "def f(): pass\nf.calls = 0",
        "def f():\n    def g(): pass\n    g.calls += 1",
        "class A:\n    def __init_subclass__(cls): pass",
    ],
)
def test_what_micropython_lacks_is_found(source: str) -> None:
    """Each of these fails there, or does something else."""
    assert lacking(source)


@pytest.mark.parametrize(
    "source",
    [
        "if TYPE_CHECKING:\n    from typing import NewType",
        "try:\n    from contextvars import ContextVar\nexcept ImportError:\n    pass",
        "def f():\n    import warnings",
        "f(*a, **b)",
        "raise KeyError from None",
        "first, *rest = a",
        "if (n := 3): pass",
        "x: 'list[int]' = []",
        "x: list[int] | None = []",
        "def f(a: list[int] | None) -> dict[str, int]: pass",
        "x = flags | MASK",
        "x = lists[0]",
        "import re\nre.compile('(?:a|b)[{]x')",
        "class A:\n    def f(self):\n        self.f.x = 1",
        "if TYPE_CHECKING:\n    from collections.abc import Mapping\n    X = int | None",
        "import asyncio\nasyncio.create_task(f())",
        "import os.path",
        "import asyncio\nfrom pillion_shared import api",
    ],
)
def test_what_micropython_has_is_not_found(source: str) -> None:
    """The rule doesn't cry wolf."""
    assert lacking(source) == []
