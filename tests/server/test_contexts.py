"""What handlers get as `ctx`."""

import asyncio
import copy
from collections.abc import Mapping
from typing import Any

import pytest

from pillion_server import ActionCtx, MutationCtx, QueryCtx
from pillion_server.contexts import taken, with_attributes
from pillion_server.log_lines import Log


def test_attributes_are_added_to_a_copy() -> None:
    """The new ones win; whether they may is `taken`."""
    ctx = MutationCtx({"db": 1})
    more = with_attributes(ctx, {"user": "ada", "db": 2})
    assert isinstance(more, MutationCtx)
    assert (ctx.db, more.db, more.user) == (1, 2, "ada")
    assert not hasattr(ctx, "user")
    assert with_attributes(ctx, {}) is ctx


class Guarded(QueryCtx):
    """Another `db`, as an annotation, and another `log`, as a method."""

    db: Any

    def log(self, *values: object) -> None: ...


def test_a_name_that_is_there() -> None:
    """As an attribute, or in the class; a class that declares it anew means to replace it."""
    ctx = MutationCtx({"db": 1, "user": "ada"})
    names = ["db", "user", "sessions", "log", "new", "mro"]
    assert taken(ctx, names) == taken(ctx, names, MutationCtx) == ["db", "user", "sessions", "log"]
    assert taken(QueryCtx({"db": 1}), ["db", "log", "sessions"], Guarded) == ["sessions"]
    assert taken(Guarded({"db": 1}), ["db"], Guarded) == ["db"]


def test_a_missing_attribute_says_what_to_do() -> None:
    """The usual reason is another builder."""
    with pytest.raises(AttributeError, match=r"ctx has no 'session_id', only db: .*Custom\(ctx="):
        _ = QueryCtx({"db": 1}).session_id


def test_queries_and_mutations_have_documents_and_sessions() -> None:
    """Under the names that the README uses."""
    for kind in (QueryCtx, MutationCtx):
        ctx = kind({"db": 1, "sessions": 2, "auth": 3})
        assert (ctx.db, ctx.sessions, ctx.auth) == (1, 2, 3)


def test_copying_a_context_ends() -> None:
    """Looking up what is missing doesn't run in circles."""
    assert copy.copy(QueryCtx({"db": 1})).db == 1


def test_an_action_runs_functions() -> None:
    """By kind, function and arguments; an argument may be called anything."""
    calls: list[Any] = []

    async def run(kind: str, function: object, args: Mapping[str, object]) -> str:
        calls.append((kind, function, dict(args)))
        return kind

    async def main() -> list[Any]:
        ctx = ActionCtx(run, Log("a:b"))
        return [
            await ctx.run_query("a:b", self=1, function=2),
            await ctx.run_mutation("a:c"),
            await ctx.run_action("a:d", x=1),
        ]

    assert asyncio.run(main()) == ["query", "mutation", "action"]
    assert calls == [
        ("query", "a:b", {"self": 1, "function": 2}),
        ("mutation", "a:c", {}),
        ("action", "a:d", {"x": 1}),
    ]


def test_a_builder_may_replace_how_an_action_runs_functions() -> None:
    """As it may replace `db`."""

    async def run(kind: str, function: object, args: Mapping[str, object]) -> None: ...

    ctx = with_attributes(ActionCtx(run, Log("a:b")), {"run_query": "replaced"})
    assert ctx.run_query == "replaced"
