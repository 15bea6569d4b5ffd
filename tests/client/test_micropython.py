"""The client and the shared package run unchanged on MicroPython: the real one, in Node."""

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_the_ride_on_micropython() -> None:
    """Every module is imported, and the ride's asserts hold."""
    node = shutil.which("node") or str(ROOT / ".venv/bin/node")
    ride = [node, HERE / "run_micropython.mjs", HERE / "micropython_ride.py"]
    done = subprocess.run(
        [*ride, ROOT / "client/pillion", ROOT / "shared/pillion_shared"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == ["the ride is over"], done.stdout + done.stderr
    assert done.returncode == 0
