"""The tables: every one that the functions read by an index is declared, and none besides."""

import re
from pathlib import Path

from pillion_server.loading import load

DEMO = Path(__file__).parents[2] / "server_stub" / "demo"
USE = re.compile(r'query\("(\w+)"\)(?:\s*\.with_index\("(\w+)")?')


def test_the_indexes_are_those_that_are_read_by() -> None:
    """A missing one fails at the first call, a surplus one costs every write."""
    declared = {(index.table, index.name) for index in load(DEMO).schema.indexes}
    sources = "".join(path.read_text(encoding="utf-8") for path in DEMO.glob("*.py"))
    used = {(table, name) for table, name in USE.findall(sources) if name}
    assert used
    assert declared == used
