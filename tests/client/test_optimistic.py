"""Optimistic updates over what the server has said."""

from typing import Any

import pytest

from pillion.optimistic import LocalStore, OptimisticUpdates
from pillion.query_set import QuerySet
from pillion_shared import ABSENT, FunctionError, api
from pillion_shared.server_frames import Result


def store_of(**values: Any) -> tuple[QuerySet, OptimisticUpdates]:
    """Queries `doc:get` whose argument `key` is the name; an Exception is a failure, `...` has no answer."""
    queries = QuerySet(5.0)
    for key, value in values.items():
        query = queries.subscribe("doc:get", {"key": key}).query
        assert query is not None
        if value is not ...:
            query.base = Result(None, value) if isinstance(value, Exception) else Result(value)
    return queries, OptimisticUpdates(queries)


def append(key: str, item: str) -> Any:
    def update(store: LocalStore) -> None:
        value: Any = store.get(api.doc.get, key=key)
        value.append(item)
        store.set(api.doc.get, value, key=key)

    return update


def add(updates: OptimisticUpdates, number: int, update: Any) -> None:
    updates.add(number, update, updates.attempt(update))


def shown(queries: QuerySet, updates: OptimisticUpdates) -> list[Any]:
    return [updates.overlay[query.key].value for query in queries.of("doc:get") if query.key in updates.overlay]


def test_they_are_replayed_in_order_over_each_result() -> None:
    """And leave the server's own alone."""
    queries, updates = store_of(a=["x"])
    add(updates, 0, append("a", "1"))
    add(updates, 1, append("a", "2"))
    assert shown(queries, updates) == [["x", "1", "2"]]
    query = queries.of("doc:get")[0]
    assert query.base is not None
    assert query.base.value == ["x"]
    query.base = Result(["y"])
    assert updates.replay() == []
    assert shown(queries, updates) == [["y", "1", "2"]]
    updates.drop(0)
    updates.replay()
    assert shown(queries, updates) == [["y", "2"]]


def test_one_that_raises_harms_only_itself() -> None:
    """What it has set before goes with it."""
    queries, updates = store_of(a=["x"], b=["x"])

    def fails(store: LocalStore) -> None:
        store.set("doc:get", ["half"], key="b")
        if store.get("doc:get", key="a") != ["x"]:
            raise ValueError("not what it was")

    add(updates, 0, fails)
    add(updates, 1, append("b", "1"))
    assert shown(queries, updates) == [["half", "1"]]
    queries.of("doc:get")[0].base = Result(["y"])
    failed = updates.replay()
    assert [(number, str(error)) for number, error in failed] == [(0, "not what it was")]
    assert shown(queries, updates) == [["x", "1"]]
    assert updates.replay() == []
    with pytest.raises(ValueError, match="not what"):
        updates.attempt(fails)
    assert shown(queries, updates) == [["x", "1"]]


def test_what_is_not_there_is_absent() -> None:
    """Not answered, failed, never asked for; `None` is a value."""
    _, updates = store_of(a=None, b=..., c=FunctionError())
    found: list[Any] = []

    def look(store: LocalStore) -> None:
        found.extend([store.get(api.doc.get, key=key) for key in "abcd"])
        found.append(store.all(api.doc.get))
        store.set(api.doc.get, 1, key="c")
        found.append(store.all(api.doc.get))

    updates.attempt(look)
    assert found[:4] == [None, ABSENT, ABSENT, ABSENT]
    assert found[4:] == [[({"key": "a"}, None)], [({"key": "a"}, None), ({"key": "c"}, 1)]]


def test_what_is_set_is_a_copy() -> None:
    """A change of it later changes nothing that is shown."""
    queries, updates = store_of(a=[])
    value: list[Any] = ["1"]
    add(updates, 0, lambda store: store.set(api.doc.get, value, key="a"))
    value.append("2")
    assert shown(queries, updates) == [["1"]]
