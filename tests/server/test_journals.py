"""Where a page ends that is shown."""

import msgspec

from pillion_server.journals import journal_of, with_journal
from pillion_server.runner import Body

OPEN = {"paginationOpts": {"numItems": 2, "cursor": None}, "name": "tea"}
FIXED = {"paginationOpts": {"numItems": 2, "cursor": None, "endCursor": "x"}}
PAGE: Body = {"status": "success", "value": msgspec.Raw(b'{"page":[],"isDone":false,"continueCursor":"c"}')}


def test_the_first_answer_fixes_the_end() -> None:
    """And no later one moves it, whatever comes of it."""
    assert journal_of(OPEN, None, PAGE) == "c"
    assert journal_of(OPEN, "b", PAGE) == "b"
    assert journal_of(OPEN, "b", {"status": "error"}) == "b"
    assert journal_of(OPEN, None, {"status": "error"}) is None
    assert with_journal(OPEN, "c") == {**OPEN, "paginationOpts": {"numItems": 2, "cursor": None, "endCursor": "c"}}
    assert with_journal(OPEN, None) == OPEN


def test_what_needs_none() -> None:
    """No page was asked for, or its end was, or the answer is none."""
    assert journal_of({}, "b", PAGE) is None
    assert with_journal({"paginationOpts": 1}, "c") == {"paginationOpts": 1}
    assert journal_of(FIXED, "b", PAGE) is None
    assert with_journal(FIXED, "c") == FIXED
    assert journal_of(OPEN, None, {"status": "success", "value": msgspec.Raw(b"3.0")}) is None
