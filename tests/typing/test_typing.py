"""What type checkers say of users' code: mypy and pyright, both strict, agree line by line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from house.sources import ROOT

HERE = Path(__file__).parent
FILES = [HERE / "accepted.py", HERE / "refused.py"]
MARK = "  # refused"

Lines = set[tuple[str, int]]


def run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def by_mypy(files: list[Path]) -> Lines:
    """The lines that hold errors."""
    cache = ROOT / ".mypy_cache/typing"  # one of its own: mypy may be at work beside
    said = run(sys.executable, "-m", "mypy", "--output", "json", "--cache-dir", cache, *files)
    found = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return {(Path(each["file"]).name, each["line"]) for each in found if each["severity"] == "error"}


def by_pyright(files: list[Path]) -> Lines:
    """The lines that hold errors."""
    said = json.loads(run(ROOT / "node_modules/.bin/pyright", "--outputjson", *files))
    assert said["summary"]["filesAnalyzed"] == len(files)
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in said["generalDiagnostics"]
        if each["severity"] == "error"
    }


@pytest.mark.parametrize("checker", [by_mypy, by_pyright])
def test_what_is_accepted_and_what_is_refused(checker: Callable[[list[Path]], Lines]) -> None:
    """An error in every marked line, none in another."""
    marked = {
        (file.name, number)
        for file in FILES
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if line.endswith(MARK)
    }
    assert {name for name, _ in marked} == {"refused.py"}
    assert checker(FILES) == marked


def test_the_demo_is_accepted() -> None:
    """It is what people begin with."""
    demo = sorted((ROOT / "server_stub/demo").glob("*.py"))
    assert len(demo) > 5
    assert by_pyright(demo) == set()


def test_what_is_accepted_is_no_error_when_it_runs() -> None:
    """It is imported as a functions folder's modules are."""
    run_it = "import sys, runpy; names = runpy.run_path(sys.argv[1]); print(names['whoami'], names['rename_first'])"
    assert run(sys.executable, "-c", run_it, FILES[0]) == "<query whoami> <mutation rename_first>\n"
