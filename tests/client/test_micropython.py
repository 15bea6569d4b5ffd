"""The client and the shared package run unchanged on MicroPython: the real one, in Node."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.parametrize(
    ("file", "last"),
    [
        ("micropython_ride.py", "the ride is over"),
        ("micropython_locks.py", "the locks have held"),
        ("micropython_engine.py", "the engine has run"),
    ],
)
def test_on_micropython(file: str, last: str) -> None:
    """Every module is imported, and the asserts of the file hold."""
    node = shutil.which("node") or str(ROOT / ".venv/bin/node")
    done = subprocess.run(
        [node, HERE / "run_micropython.mjs", HERE / file, ROOT / "client/pillion", ROOT / "shared/pillion_shared"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == [last], done.stdout + done.stderr
    assert done.returncode == 0
