"""Loading a functions folder."""

import re
from pathlib import Path

import pytest

from pillion_server import Registry, StartError
from pillion_server.loading import load
from server.world import write_functions

GET = "@query\ndef get(ctx) -> int:\n    return 1\n"


def paths(registry: Registry) -> list[str]:
    return sorted(function.path for function in registry)


def test_modules_and_their_functions(tmp_path: Path) -> None:
    """Helpers and the schema are no modules of the API, sub-folders are."""
    write_functions(tmp_path, cart=GET, _helper=GET, schema="schema = Schema(items=Table().index('by_n', 'n'))")
    write_functions(tmp_path / "admin", users=GET)
    write_functions(tmp_path / "_private", users=GET)
    write_functions(tmp_path / ".hidden", users=GET)
    registry = load(tmp_path)
    assert paths(registry) == ["admin/users:get", "cart:get"]
    assert [index.name for index in registry.schema.indexes] == ["by_n"]


def test_an_imported_function_stays_where_it_is(tmp_path: Path) -> None:
    """Importing a function publishes nothing, least of all out of a helper."""
    write_functions(tmp_path, cart=GET, other="from .cart import get", third="from ._helper import get", _helper=GET)
    assert paths(load(tmp_path)) == ["cart:get"]


def test_two_names_for_one_function(tmp_path: Path) -> None:
    """Both can be called; its path is the first."""
    write_functions(tmp_path, cart=GET + "fetch = get\n")
    registry = load(tmp_path)
    assert registry.find("query", "cart:fetch") is registry.find("query", "cart:get")
    assert registry.find("query", "cart:fetch").path == "cart:get"


def test_a_folder_can_be_loaded_twice(tmp_path: Path) -> None:
    """For two apps in one process."""
    write_functions(tmp_path, cart=GET)
    one, two = load(tmp_path), load(tmp_path)
    assert one.find("query", "cart:get") is not two.find("query", "cart:get")


def test_an_empty_folder(tmp_path: Path) -> None:
    """No functions is no error: a static page can be served as well."""
    assert len(load(tmp_path)) == 0


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("x = (", r"cart\.py, line 4: '\(' was never closed"),
        ("x = 1\ny = 1 / 0", r"cart\.py, line 5: ZeroDivisionError: division by zero"),
        ("import nowhere", r"cart\.py, line 4: ModuleNotFoundError: No module named 'nowhere'"),
        ("@query\ndef f(ctx, a): ...", r"cart\.py, line 4: f: say what `a` is"),
        ("@query\nasync def f(ctx): ...", r"cart\.py, line 4: f: a query is a plain def"),
        ("sys.exit(3)", r"cart\.py, line 4: SystemExit: 3"),
        ("@query\ndef __(ctx): ...", r"cart\.py: .*names no function"),
    ],
)
def test_what_is_wrong_in_a_module(tmp_path: Path, code: str, sentence: str) -> None:
    """One sentence with the file and the line."""
    write_functions(tmp_path, cart=code)
    with pytest.raises(StartError, match=sentence):
        load(tmp_path)


def test_the_line_is_that_of_the_folder(tmp_path: Path) -> None:
    """Also when the error is raised deep inside a library."""
    write_functions(tmp_path, cart="from ._helper import f\n", _helper="import json\n\nf = json.loads('[')")
    with pytest.raises(StartError, match=re.escape(str(tmp_path / "_helper.py")) + ", line 6: JSONDecodeError"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["my-cart", "1st"])
def test_a_file_that_can_not_be_a_module(tmp_path: Path, name: str) -> None:
    """Nobody could call what is in it."""
    write_functions(tmp_path, **{name: GET})
    with pytest.raises(StartError, match="can't be a module of functions"):
        load(tmp_path)


def test_a_schema_file_without_a_schema(tmp_path: Path) -> None:
    """It says what to write."""
    write_functions(tmp_path, schema="x = 1")
    with pytest.raises(StartError, match=r"write schema = Schema\("):
        load(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    """A path that is not there, or is a file."""
    with pytest.raises(StartError, match="is not a folder"):
        load(tmp_path / "nowhere")
