"""The lint rule: the raw builders of pillion_server are refused outside one file, in the demos as in the README."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from house.readme import blocks
from house.sources import ROOT

DEMO = ROOT / "server_stub" / "demo"

VIOLATIONS = [
    "from pillion_server import query\n\nquery\n",
    "from pillion_server import mutation as change\n\nchange\n",
    "from pillion_server import QueryCtx, action\n\nQueryCtx, action\n",
    "import pillion_server\n\npillion_server.query\n",
    "import pillion_server as p\n\np.mutation\n",
    "from pillion_server.functions import query\n\nquery\n",
]
FINE = "from pillion_server import MutationCtx, internal_mutation\n\nMutationCtx, internal_mutation\n"


def readme_rule() -> str:
    """The block that the README tells to copy."""
    [block] = [block for block in blocks((ROOT / "README.md").read_text(), "toml") if "banned-api" in block.source]
    return block.source


def refused(folder: Path, name: str, source: str) -> bool:
    """Whether ruff, as configured in `folder`, refuses an import in a file of that name there."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise"]
    command += ["--stdin-filename", str(folder / name), "-"]
    done = subprocess.run(command, cwd=folder, input=source, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return "TID251" in done.stdout


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder of functions with the README's block as its ruff.toml."""
    (tmp_path / "ruff.toml").write_text(readme_rule())
    return tmp_path


@pytest.mark.parametrize("source", VIOLATIONS)
def test_a_raw_builder_is_refused(app: Path, source: str) -> None:
    """In whatever way it is imported, with the README's block and in the demo."""
    for folder in (app, DEMO):
        assert refused(folder, "orders.py", source)


@pytest.mark.parametrize("source", VIOLATIONS)
def test_one_file_may(app: Path, source: str) -> None:
    """The one that makes the builders of the app."""
    for folder in (app, DEMO):
        assert not refused(folder, "_session.py", source)


def test_the_rest_is_fine(app: Path) -> None:
    """Contexts, and builders of what nobody outside can call."""
    for folder in (app, DEMO):
        assert not refused(folder, "orders.py", FINE)


def test_the_demo_has_what_the_readme_tells() -> None:
    """The same names, with the same words."""
    demo = tomllib.loads((DEMO / "ruff.toml").read_text())
    assert demo["lint"]["flake8-tidy-imports"] == tomllib.loads(readme_rule())["lint"]["flake8-tidy-imports"]
