"""Loading a functions folder: its modules, their functions, its schema.

shop/cart.py          cart:add, cart:get, ...
shop/admin/users.py   admin/users:list, ...
shop/_sessions.py     a helper: `from ._sessions import session_query`
shop/schema.py        holds `schema = Schema(...)`

The folder is a package under a private name, so its modules import each other with a leading dot, several
folders can be loaded side by side, and none is mistaken for an installed module.
"""

import importlib
import itertools
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from pillion_server.errors import DefinitionError, StartError
from pillion_server.functions import Function
from pillion_server.registry import Registry
from pillion_server.schema import Schema

SCHEMA = "schema"

_numbers = itertools.count(1)


def load(folder: str | os.PathLike[str]) -> Registry:
    """The functions and the schema of a folder; raises `StartError` with file and line of what is wrong."""
    root = Path(folder).resolve()
    if not root.is_dir():
        raise StartError(f"{folder} is not a folder: name the one that holds the server functions.")
    with _Explained(root):
        package = _package(root)
        modules = {path: importlib.import_module(f"{package}.{path.replace('/', '.')}") for path in _module_paths(root)}
    registry = Registry(_schema_of(modules.pop(SCHEMA, None), root))
    for path, module in modules.items():
        _add(registry, root, path, _own_functions(module))
    return registry


def _package(root: Path) -> str:
    """The name under which the folder's modules can be imported."""
    package = ModuleType(f"pillion_functions_{next(_numbers)}")
    package.__path__ = [str(root)]
    sys.modules[package.__name__] = package
    importlib.invalidate_caches()
    return package.__name__


def _add(registry: Registry, root: Path, path: str, members: dict[str, object]) -> None:
    try:
        registry.add(path, members)
    except DefinitionError as error:
        raise StartError(f"{root / path}.py: {error}") from error


def _module_paths(root: Path) -> Iterator[str]:
    """The modules under `root`, `"admin/users"`, without helpers and hidden folders, in a stable order."""
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if not any(part.startswith(("_", ".")) for part in parts):
            if "." in file.stem or not all(part.isidentifier() for part in parts):
                raise StartError(f"{file} can't be a module of functions: use letters, digits and _ in its name.")
            yield "/".join(parts)


def _schema_of(module: ModuleType | None, root: Path) -> Schema | None:
    if module is None:
        return None
    schema: object = getattr(module, "schema", None)
    if not isinstance(schema, Schema):
        raise StartError(f"{root / 'schema.py'} holds no schema: write schema = Schema(cart_items=Table()).")
    return schema


def _own_functions(module: ModuleType) -> dict[str, object]:
    """The functions that the module itself defines: importing one does not publish it a second time."""
    return {
        name: member
        for name, member in vars(module).items()
        if isinstance(member, Function) and member.handler.__module__ == module.__name__
    }


class _Explained:
    """Turns what goes wrong while user code is imported into one sentence with its file and line."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (KeyboardInterrupt, StartError)):
            return
        if isinstance(error, SyntaxError) and error.filename:
            place = f"{error.filename}, line {error.lineno}"
            raise StartError(f"{place}: {error.msg}.") from error
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).is_relative_to(self._root)
        ]
        place = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else str(self._root)
        text = str(error) if isinstance(error, DefinitionError) else f"{type(error).__name__}: {error}"
        raise StartError(f"{place}: {text}") from error
