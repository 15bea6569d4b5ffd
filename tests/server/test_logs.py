"""The log, as a server writes it."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from server.world import OTHER_ID, RAW_ID, Process, write_functions

SHOP = """
@query
def get(ctx, session_id: SessionId) -> str:
    return session_id

@mutation
def fail(ctx, session_id: SessionId, note: str) -> None:
    raise ValueError("why")

@mutation
def refuse(ctx) -> None:
    raise FunctionError("no")
"""


def logged(tmp_path: Path, *options: str) -> tuple[list[str], dict[str, Any]]:
    """The lines of the log of a server that was called five times, and the answer to the call that failed."""
    process = Process(write_functions(tmp_path / "functions", shop=SHOP), tmp_path / "x.sqlite3", *options)
    process.call("query", "shop:get", sessionId=RAW_ID)
    failed = process.call("mutation", "shop:fail", sessionId=RAW_ID, note="private")
    process.call("mutation", "shop:refuse")
    process.call("query", f"{OTHER_ID}:get")
    process.call("query", "shop:get", sessionId="short")
    process.process.terminate()
    text = process.end()[1]
    assert RAW_ID not in text
    assert OTHER_ID not in text
    assert "private" not in text
    return text.splitlines(), failed.json


def test_json_lines(tmp_path: Path) -> None:
    """One object a line, whatever is logged, with the fields of the call."""
    lines, failed = logged(tmp_path, "--log-format", "json", "--log-level", "info")
    records = [json.loads(line) for line in lines]
    told = [(each["level"], each["function"], each["kind"], each["outcome"]) for each in records if "function" in each]
    assert told == [
        ("INFO", "shop:get", "query", "success"),
        ("ERROR", "shop:fail", "mutation", "failed"),
        ("INFO", "shop:fail", "mutation", "failed"),
        ("INFO", "shop:refuse", "mutation", "function_error"),
        ("INFO", "unknown", "query", "refused"),
        ("INFO", "shop:get", "query", "refused"),
    ]
    assert records[1]["request_id"] == records[2]["request_id"]
    assert failed["errorMessage"] == f"[Request ID: {records[1]['request_id']}] Server Error"
    assert "ValueError: why" in records[1]["exc_info"]
    for each in records:
        assert each["name"] == "pillion_server"
        assert datetime.fromisoformat(each["time"]).utcoffset() is not None
        assert 0 <= each["duration_ms"] < 60_000


def test_lines_for_people(tmp_path: Path) -> None:
    """The same in words."""
    lines, _ = logged(tmp_path, "--log-level", "info")
    assert re.fullmatch(r"\S+ \S+ INFO query shop:get: success in \d+\.\d ms \[Request ID: [0-9a-f]{16}\]", lines[0])
    assert lines[-3].split(" INFO ")[1].startswith("mutation shop:refuse: function_error in ")


@pytest.mark.parametrize("options", [(), ("--log-format", "json")])
def test_calls_are_not_logged_unless_asked_for(tmp_path: Path, options: tuple[str, ...]) -> None:
    """What failed is."""
    lines, _ = logged(tmp_path, *options)
    assert sum("shop:fail" in line and "ERROR" in line for line in lines) == 1
    assert not any("shop:get" in line or "refuse:" in line for line in lines)
