"""The command of the README: `make demo`, on a machine where everything has been set up."""

import os
import re
import resource
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

from house.sources import ROOT

UP_WITHIN = 3.0
"""Seconds of processor time: how long that is by the clock depends on what else the machine does."""

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def is_set_up(root: Path) -> bool:
    """Whether `make demo` would start the shop at once; asks make, which does nothing for the question."""
    question = ["make", "--question", ".venv/.server", "vendor/.made"]
    return subprocess.run(question, cwd=root, env=ENVIRONMENT, capture_output=True, check=False).returncode == 0


def used() -> float:
    """The processor time of all that this process has started and waited for, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_make_demo_is_up_in_no_time(tmp_path: Path) -> None:
    """It says in one line where to look, and there is the shop."""
    assert is_set_up(ROOT), "The set-up is older than what it is made of: run `make demo` once, then the tests again."
    command = ["make", "--no-print-directory", "demo", "PORT=0", f"DB={tmp_path}/shop.sqlite3"]
    before = used()
    make = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert make.stdout is not None
    try:
        line = make.stdout.readline()
        said = re.match(r"pillion: (http://localhost:\d+) ", line)
        assert said, line
        with urllib.request.urlopen(said[1] + "/") as answer:
            assert b"Pillion Tea" in answer.read()
    finally:
        os.killpg(make.pid, signal.SIGINT)
        rest = make.communicate(timeout=20)[0]
    assert rest == ""
    assert used() - before < UP_WITHIN


def test_what_is_not_set_up_is_found(tmp_path: Path) -> None:
    """Asking installs nothing."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in (
        "requirements/server.txt",
        "pyproject.toml",
        "package.json",
        "package-lock.json",
        "tools/make_vendor.sh",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    before = sorted(tmp_path.rglob("*"))
    assert not is_set_up(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
