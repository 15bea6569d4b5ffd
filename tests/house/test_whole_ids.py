"""The search for whole IDs in what a test run prints."""

import subprocess
import sys
from pathlib import Path

import pytest

from house.sources import ROOT
from pillion_shared import token, uuid4
from whole_ids import whole_ids

UUID, TOKEN = uuid4(bytes(range(16))), token(bytes(range(32)))


@pytest.mark.parametrize("session_id", [UUID, TOKEN])
@pytest.mark.parametrize("around", ["{}", "Session {}", 'x="{}",', "a\n{}\nb", "({})", "sessionId={}&a", "id: {}."])
def test_an_id_is_found_wherever_it_stands(session_id: str, around: str) -> None:
    """And is not shown."""
    found = whole_ids(around.format(session_id))
    assert len(found) == 1
    assert session_id not in str(found)


@pytest.mark.parametrize(
    "text", [f"blob:http://localhost:80/{UUID}", f"sid.{TOKEN}", f"sid.7.{TOKEN}", "sess_1a2b3c", "f" * 64, "a" * 42]
)
def test_what_is_none_is_not(text: str) -> None:
    """Blobs have names like it, and digests are no secret."""
    assert whole_ids(text) == []


@pytest.mark.parametrize("how", ["print", "logging.getLogger().warning"])
def test_a_test_that_prints_one_fails(tmp_path: Path, how: str) -> None:
    """The real hook, in a run of its own."""
    body = f"import logging\ndef test_it():\n    {how}({str(UUID)!r})\ndef test_other():\n    {how}('sess_1a2b3c')\n"
    (tmp_path / "test_one.py").write_text(body)
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        f"pythonpath={ROOT}/tests",
        "test_one.py",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "has printed whole session IDs" in done.stdout
