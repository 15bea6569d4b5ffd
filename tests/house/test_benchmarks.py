"""The server's benchmarks run, and measure what they say; how fast anything is, no test decides."""

import re
import subprocess
import sys

from house.sources import ROOT


def round_of(benchmark: str, *arguments: str) -> str:
    """What one round prints."""
    command = [sys.executable, f"benchmarks/{benchmark}.py", "--rounds", "1", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (0, 1), done.stderr  # 1: a round as short as this one missed a target
    assert done.stderr == ""
    return done.stdout


def test_the_server_is_measured() -> None:
    """One tiny round of everything."""
    told = round_of("server", "--calls", "64", "--sessions", "10", "20")
    measured = dict(re.findall(r"^(\S.*?) +≥ [\d.]+ +(\d+\.\d\d +\d+\.\d\d +\d+\.\d\d)$", told, re.MULTILINE))
    assert list(measured) == [
        "cached query",
        "cached query of a session",
        "uncached indexed query of a session",
        "mutations, synchronous=FULL",
        "mutations, synchronous=NORMAL",
    ]
    assert all(float(figure) > 0 for figures in measured.values() for figure in figures.split()), told


def test_live_queries_are_measured() -> None:
    """One tiny round of everything."""
    told = round_of("live", "--subscribers", "20", "--mutations", "2", "--unrelated", "10", "40")
    measured = dict(re.findall(r"^(\S.*?) +(?:≤ [\d.]+ +)?(\d+\.\d\d .+ \d+\.\d\d)$", told, re.MULTILINE))
    assert list(measured) == ["to all", "to one", "coming back"]
    for figures in measured.values():
        ratios_and_times = [float(figure) for figure in re.findall(r"[\d.]+", figures)]
        assert len(ratios_and_times) == 6
        assert min(ratios_and_times) > 0, told
