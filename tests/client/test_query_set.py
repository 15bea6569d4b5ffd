"""The queries that are subscribed to."""

import json
from typing import Any

import pytest

from pillion.query_set import QuerySet, Subscription
from pillion_shared.errors import FrameError
from pillion_shared.server_frames import QueryRemoved, QueryResult, Result


def sent(queries: QuerySet) -> list[str]:
    """What the next frame says, in short."""
    text = queries.modify()
    if text is None:
        return []
    return [f"{each['type']} {each['queryId']}" for each in json.loads(text)["modifications"]]


def answer(queries: QuerySet, *numbers: int, value: Any = 1, journal: str | None = None) -> None:
    queries.answer([QueryResult(number, Result(value), journal) for number in numbers], queries.version)
    for query in queries.show():
        query.shown = query.base


def test_equal_subscriptions_share_a_query() -> None:
    """Whatever the order of their arguments."""
    queries = QuerySet(5.0)
    one = queries.subscribe("a:b", {"x": 1.0, "y": 2.0})
    other = queries.subscribe("a:b", {"y": 2.0, "x": 1.0})
    assert one.query is other.query
    queries.subscribe("a:b", {"x": 1.0})
    assert sent(queries) == ["Add 0", "Add 1"]
    assert queries.modify() is None
    assert queries.version == 1


def test_the_first_frame_is_sent_even_if_it_says_nothing() -> None:
    """And whenever the server is to answer."""
    queries = QuerySet(5.0)
    assert queries.modify() is not None
    assert queries.modify() is None
    queries.touch()
    assert json.loads(queries.modify() or "")["modifications"] == []
    assert queries.version == 2


def test_the_last_one_is_kept_for_a_while() -> None:
    """Who comes back meanwhile finds its value."""
    queries = QuerySet(5.0)
    one, other = queries.subscribe("a:b", {}), queries.subscribe("a:b", {})
    sent(queries)
    answer(queries, 0)
    queries.close(one, 1.0)
    queries.close(one, 1.0)
    assert queries.next_expiry() is None
    queries.close(other, 2.0)
    assert queries.next_expiry() == 7.0
    assert one.result is not None
    back = queries.subscribe("a:b", {})
    assert back.result is not None
    queries.expire(9.0)
    assert queries.next_expiry() is None
    queries.close(back, 10.0)
    queries.expire(14.9)
    assert sent(queries) == []
    queries.expire(15.0)
    assert sent(queries) == ["Remove 0"]
    assert queries.subscribe("a:b", {}).result is None
    assert sent(queries) == ["Add 1"]


def test_what_the_server_never_heard_of_is_not_removed() -> None:
    queries = QuerySet(0.0)
    queries.close(queries.subscribe("a:b", {}), 0.0)
    queries.expire(0.0)
    assert sent(queries) == []


def test_a_new_connection_hears_of_all_with_their_journals() -> None:
    """And is complete once it has answered what was shown before."""
    queries = QuerySet(5.0)
    queries.subscribe("a:b", {})
    queries.subscribe("a:c", {})
    sent(queries)
    assert queries.is_complete()
    answer(queries, 0, 1, journal="j")
    queries.restart()
    queries.subscribe("a:d", {})
    assert not queries.is_complete()
    frame = json.loads(queries.modify() or "")
    assert frame["baseVersion"] == 0
    assert [each.get("journal") for each in frame["modifications"]] == ["j", "j", None]
    assert not queries.is_complete()
    answered = queries.answer([QueryResult(0, Result(2), None)], 0)
    assert [query.id for query in answered] == [0]
    assert not queries.is_complete()
    queries.answer([QueryResult(1, Result(2), None)], 0)
    assert queries.is_complete()
    assert [query.base.value for query in queries.show() if query.base] == [2, 2]


def test_a_query_without_its_first_result_is_the_servers_fault() -> None:
    """And then nothing is taken."""
    queries = QuerySet(5.0)
    one, other = queries.subscribe("a:b", {}), queries.subscribe("a:c", {})
    sent(queries)
    with pytest.raises(FrameError, match="without a result"):
        queries.answer([QueryResult(0, Result(1), None)], 1)
    assert all(each.query is not None and each.query.answer is None for each in (one, other))


def test_results_of_what_was_dropped_are_passed_over() -> None:
    queries = QuerySet(0.0)
    one = queries.subscribe("a:b", {})
    sent(queries)
    queries.close(one, 0.0)
    queries.expire(0.0)
    assert queries.answer([QueryResult(0, Result(1), None), QueryRemoved(0), QueryRemoved(9)], 1) == []


@pytest.mark.parametrize("keeps", [True, False])
def test_a_move_shows_the_last_value_until_there_is_a_new_one(keeps: bool) -> None:
    """If it is to be kept; the query before is dropped at once."""
    queries = QuerySet(5.0)
    one: Subscription = queries.subscribe("a:b", {"s": "old"})
    sent(queries)
    answer(queries, 0)
    queries.move(one, "a:b", {"s": "new"}, keeps)
    assert (one.result is not None) == keeps
    assert one.is_stale == keeps
    assert sent(queries) == ["Remove 0", "Add 1"]
    answer(queries, 1, value=2)
    assert one.result is not None
    assert one.result.value == 2
    assert not one.is_stale
    queries.move(one, "a:b", {"s": "new"}, keeps)
    assert sent(queries) == []
    queries.close(one, 0.0)
    queries.move(one, "a:b", {"s": "newer"}, keeps)
    assert one.query is None


def test_finding() -> None:
    """By function, in the order in which they came."""
    queries = QuerySet(5.0)
    one, _, other = (queries.subscribe(path, {"n": float(n)}) for n, path in enumerate(("a:b", "a:c", "a:b")))
    assert queries.of("a:b") == [one.query, other.query]
    assert one.query is not None
    assert queries.find(one.query.key) is one.query
    assert queries.find("a:b {}") is None
