"""The repository as the rules of the house see it: its packages, its modules, its text files."""

import ast
import copy
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "pillion": ROOT / "client/pillion",
    "pillion_shared": ROOT / "shared/pillion_shared",
    "pillion_server": ROOT / "server_stub/pillion_server",
}
BROWSER_MODULES = {"js", "jsffi", "pyodide", "pyscript"}


def modules(package: str) -> list[Path]:
    """The package's Python files; never none, so that no rule holds only for want of anything to look at."""
    found = sorted(PACKAGES[package].rglob("*.py"))
    if not found:
        raise FileNotFoundError(f"{PACKAGES[package]} has no Python files.")
    return found


def shown(path: Path) -> str:
    """The path as a message names it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module that the tree imports, wherever it does: its dotted name, and the line."""
    importers = _importers(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            yield name, node.lineno
            for alias in node.names:
                yield f"{name}.{alias.name}", node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in importers:
            yield from ((ast.literal_eval(each), each.lineno) for each in node.args if _is_text(each))


def _importers(tree: ast.AST) -> set[str]:
    """What imports a module by its name: `__import__`, and importlib's function under whatever name it has here."""
    found = {"__import__", "import_module"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {
                f"{alias.asname or alias.name}.import_module" for alias in node.names if alias.name == "importlib"
            }
        elif isinstance(node, ast.ImportFrom) and node.module == "importlib":
            found |= {alias.asname or alias.name for alias in node.names if alias.name == "import_module"}
    return found


def texts(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every string in the tree, and its line."""
    return (
        (ast.literal_eval(node), node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.expr) and _is_text(node)
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def evaluated(tree: ast.Module) -> ast.Module:
    """What runs at some time: neither annotations nor what stands under `if TYPE_CHECKING`."""
    return ast.fix_missing_locations(_Evaluated().visit(copy.deepcopy(tree)))


def at_import(tree: ast.Module) -> ast.Module:
    """What may run when the module is imported: not the bodies of functions either."""
    return ast.fix_missing_locations(_AtImport().visit(copy.deepcopy(tree)))


def unguarded(tree: ast.Module) -> ast.Module:
    """What runs when the module is imported on any runtime: not what is tried for an ImportError either."""
    return ast.fix_missing_locations(_Unguarded().visit(copy.deepcopy(tree)))


class _Evaluated(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            node.body = [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        node.annotation = ast.Constant(None)
        return node


class _AtImport(_Evaluated):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return ast.Pass()

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return ast.Pass()


class _Unguarded(_AtImport):
    def visit_Try(self, node: ast.Try) -> ast.AST:
        self.generic_visit(node)
        caught = {ast.unparse(handler.type) for handler in node.handlers if handler.type}
        if "ImportError" in caught:
            node.body = [ast.Pass()]
        return node


def text_files() -> Iterator[Path]:
    """What is, or is about to be, in the repository: the text files that .gitignore does not name."""
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    ignored = {line.strip("/") for line in lines if line and not line.startswith(("#", "*"))} | {".git"}
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in ignored or path.is_symlink():
                continue
            if path.is_dir():
                folders.append(path)
            elif b"\0" not in path.read_bytes():
                yield path
