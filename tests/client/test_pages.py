"""One page of a paginated query: what it is asked for with, what it shows, where it is split."""

from typing import Any

import pytest

from pillion import PENDING, FunctionError
from pillion.pages import Page, is_invalid_cursor

OPTIONS: dict[str, object] = {"numItems": 2, "cursor": "a", "id": 0}


class Heard:
    """A page that has heard of its query."""

    def __init__(self, value: Any = PENDING, error: Exception | None = None) -> None:
        self.heard: list[str] = []
        self.page = Page("a:b", dict(OPTIONS), lambda: self.heard.append("shown"), lambda: self.heard.append("told"))
        if value is not PENDING or error is not None:
            self.page.show(value, error)


def answer(count: int, **fields: object) -> dict[str, object]:
    """What the server says of a page with so many items."""
    return {"page": list(range(count)), "isDone": False, "continueCursor": "z", **fields}


def test_a_page_is_what_the_server_says_of_it() -> None:
    heard = Heard()
    page = heard.page
    assert (page.is_answered, page.is_whole, page.is_split, page.split()) == (False, False, False, [])
    page.show(answer(2))
    page.tell()
    assert heard.heard == ["shown", "told"]
    assert (page.is_answered, page.is_whole, page.items, page.is_last, page.end) == (True, True, [0, 1], False, "z")
    page.show(answer(0, isDone=True))
    assert (page.items, page.is_last) == ([], True)
    page.close()
    page.tell()
    assert heard.heard == ["shown", "told", "shown"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        answer(1, page=None),
        answer(1, isDone=None),
        answer(1, continueCursor=None),
    ],
)
def test_what_is_no_page_is_an_error(value: object) -> None:
    page = Heard(value).page
    assert isinstance(page.error, TypeError)
    assert not page.is_answered


def test_after_an_error_it_is_not_answered() -> None:
    page = Heard(answer(2)).page
    page.show(None, FunctionError("no"))
    assert (page.is_answered, page.is_whole, page.items) == (False, False, [0, 1])


@pytest.mark.parametrize(
    ("value", "is_split"),
    [
        (answer(4, splitCursor="m"), False),
        (answer(5, splitCursor="m"), True),
        (answer(5), False),
        (answer(5, splitCursor=None), False),
        (answer(1, splitCursor="m", pageStatus=None), False),
        (answer(1, splitCursor="m", pageStatus="SplitRecommended"), True),
        (answer(1, splitCursor="m", pageStatus="SplitRequired"), True),
        (answer(1, pageStatus="SplitRequired"), False),
    ],
)
def test_a_page_is_split_when_it_has_grown_or_the_server_says_so(value: dict[str, object], is_split: bool) -> None:
    """Into two that have its range between them."""
    page = Heard(value).page
    halves = page.split()
    assert bool(halves) == is_split
    assert page.options == OPTIONS
    if is_split:
        assert halves == [{**OPTIONS, "endCursor": "m"}, {**OPTIONS, "cursor": "m", "endCursor": "z"}]


def test_a_page_that_is_too_large_is_not_whole() -> None:
    page = Heard(answer(1, splitCursor="m", pageStatus="SplitRequired")).page
    assert (page.is_answered, page.is_whole) == (True, False)


def test_halves_take_its_place_once_both_are_there() -> None:
    page = Heard(answer(5, splitCursor="m")).page
    page.halves = [Heard(answer(2)).page, Heard().page]
    assert not page.is_split
    assert page.split() == []
    page.halves[1].show(answer(3))
    assert page.is_split
    page.halves[0].show(None, FunctionError("no"))
    assert not page.is_split


def test_begun_anew_it_knows_nothing_of_before() -> None:
    page = Heard(answer(5, splitCursor="m")).page
    page.halves = [Heard().page, Heard().page]
    page.show(None, FunctionError("no"))
    page.restart({"numItems": 7, "cursor": None, "id": 1})
    assert (page.value, page.error, page.halves, page.options["numItems"]) == (PENDING, None, [], 7)


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (FunctionError({"isConvexSystemError": True, "paginationError": "InvalidCursor"}), True),
        (FunctionError(message="InvalidCursor: begin again"), True),
        (FunctionError({"paginationError": "other"}, "InvalidCursor"), False),
        (FunctionError("no"), False),
        (ValueError("InvalidCursor"), False),
        (None, False),
    ],
)
def test_an_invalid_cursor_is_known_by_its_data_or_its_message(error: Exception | None, is_it: bool) -> None:
    assert is_invalid_cursor(error) is is_it
