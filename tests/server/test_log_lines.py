"""The lines that functions say."""

import logging
import re

import pytest

from pillion_server.log_lines import LONGEST, MOST_LINES, OVERFLOW, Log
from server.world import RAW_ID

LINE = re.compile(r"\[.*?\] ")
"""How Convex's clients read a line: they complain of others."""


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ((), "[LOG] "),
        (("hello",), "[LOG] 'hello'"),
        (("sold", 3, None, {"a": [1.5]}), "[LOG] 'sold' 3 None {'a': [1.5]}"),
        (("two\nlines",), "[LOG] 'two\\nlines'"),
        (("\ud800",), "[LOG] '\\ud800'"),
        (("customer_order_created",), "[LOG] 'customer_order_created'"),
    ],
)
def test_a_line(values: tuple[object, ...], line: str, caplog: pytest.LogCaptureFixture) -> None:
    """Values as Python writes them, for the caller and for the server's log."""
    log = Log("shop:buy")
    with caplog.at_level(logging.INFO, "pillion_server"):
        log.say(*values)
    assert log.lines == [line]
    assert LINE.match(line)
    assert [record.getMessage() for record in caplog.records] == ["shop:buy: " + line.removeprefix("[LOG] ")]


@pytest.mark.parametrize("value", [RAW_ID, f"id={RAW_ID}", {"a": [RAW_ID]}, f"sid.{'a1' * 21}b", "x" * 9000 + RAW_ID])
def test_no_line_shows_an_id(value: object, caplog: pytest.LogCaptureFixture) -> None:
    """Also when the function got it as an ordinary string."""
    log = Log("shop:buy")
    with caplog.at_level(logging.INFO, "pillion_server"):
        log.say(value)
    assert RAW_ID[:20] not in log.lines[0] + caplog.text
    assert "a1" * 21 not in log.lines[0] + caplog.text


def test_a_long_line_is_cut() -> None:
    """It is for reading."""
    log = Log("shop:buy")
    log.say("a " * 100_000)
    assert len(log.lines[0]) < LONGEST + 20
    assert log.lines[0].endswith("...")


def test_half_a_pair_in_a_representation() -> None:
    """No answer can hold it."""

    class Odd:
        def __repr__(self) -> str:
            return "\ud800"

    log = Log("shop:buy")
    log.say(Odd())
    assert log.lines == ["[LOG] \\ud800"]


def test_too_many_lines(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets the first ones and is told; the server's log has all."""
    log, inner = Log("shop:buy"), Log("shop:more")
    with caplog.at_level(logging.INFO, "pillion_server"):
        for n in range(MOST_LINES + 5):
            log.say(n)
    log.add(inner.lines)
    inner.say("late")
    log.add(inner.lines)
    assert log.lines == [*(f"[LOG] {n}" for n in range(MOST_LINES)), OVERFLOW]
    assert LINE.match(OVERFLOW)
    assert len(caplog.records) == MOST_LINES + 5


def test_a_function_that_starts_again() -> None:
    """Only its last try counts."""
    log = Log("shop:buy")
    log.say(1)
    log.clear()
    log.say(2)
    assert log.lines == ["[LOG] 2"]
