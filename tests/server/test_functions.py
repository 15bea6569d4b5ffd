"""Functions and their builders."""

from collections.abc import Callable

import pytest

from pillion_server import (
    DefinitionError,
    QueryCtx,
    action,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)
from pillion_server.functions import Builder, keywords
from pillion_server.signature import parameters_of


@pytest.mark.parametrize(
    ("builder", "kind", "public"),
    [
        (query, "query", True),
        (mutation, "mutation", True),
        (internal_query, "query", False),
        (internal_mutation, "mutation", False),
    ],
)
def test_a_builder_makes_functions(builder: Builder, kind: str, public: bool) -> None:
    """The handler stays the plain function that it was."""

    def double(ctx: QueryCtx, n: int) -> int:
        return n * 2

    function = builder(double)
    assert (function.kind, function.public, function.path) == (kind, public, "")
    assert function.handler is double


def test_actions_are_async() -> None:
    """They may wait, the others may not, and each says so."""

    async def wait(ctx: object) -> None: ...

    def plain(ctx: object) -> None: ...

    assert (action(wait).kind, internal_action(wait).public) == ("action", False)
    with pytest.raises(DefinitionError, match="an action is an async def"):
        action(plain)
    for builder in (query, mutation):
        with pytest.raises(DefinitionError, match="plain def, because it runs inside a transaction"):
            builder(wait)


def test_only_functions_can_be_decorated() -> None:
    """Not a string, and not what is a server function already."""

    def f(ctx: object) -> None: ...

    for wrong in ("f", mutation(f)):
        with pytest.raises(DefinitionError, match="goes over a function"):
            query(wrong)  # type: ignore[arg-type]


def test_a_function_is_shown_by_its_path() -> None:
    """Or, before it is loaded, by its name."""

    def f(ctx: object) -> None: ...

    function = internal_query(f)
    assert repr(function) == "<internal query f>"
    function.path = "cart:f"
    assert repr(function) == "<internal query cart:f>"


def test_keywords_are_those_that_the_handler_takes() -> None:
    """What it doesn't take is left out; what nobody gives is told."""

    def f(ctx: object, a: int, b: int = 2) -> None: ...

    handler: Callable[..., object] = f
    assert keywords(parameters_of(handler), {"a": 1, "c": 3}, "f") == {"a": 1}
    assert keywords(parameters_of(handler), {"a": 1, "b": 3}, "f") == {"a": 1, "b": 3}
    with pytest.raises(TypeError, match=r"f takes `a`.*Custom\(args=\{'a': \.\.\.\}\)"):
        keywords(parameters_of(handler), {"b": 3}, "f")
