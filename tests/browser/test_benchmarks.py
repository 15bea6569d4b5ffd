"""The benchmarks run, and measure what they say; how fast anything is, no test decides."""

import subprocess
import sys

from browser.site import ROOT


def test_the_ways_out_are_measured() -> None:
    """One pair of each way, on both Pythons, and one load of each page."""
    command = [sys.executable, "benchmarks/ways_out.py", "--rounds", "1", "--boots", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode in (0, 1), done.stderr  # 1: one pair took longer than is meant to
    for name in (
        "session.fetch  ",
        "session.websocket",
        "the page's XMLHttpRequest",
        "urllib3",
        "without pillion",
        "a session",
    ):
        assert any(line.startswith(name) for line in done.stdout.splitlines()), done.stdout
    assert done.stdout.count(" ms)") == 2 * 8 + 5
