"""The functions of a server by their paths."""

import pytest

from pillion_server import CallError, DefinitionError, Registry, Schema, internal_query, mutation, query
from server.world import RAW_ID


@query
def get(ctx: object) -> None: ...


@internal_query
def hidden(ctx: object) -> None: ...


@mutation
def put(ctx: object) -> None: ...


@pytest.fixture
def registry() -> Registry:
    """`cart:get`, `cart:put`, `cart:hidden`, and a member that is no function."""
    registry = Registry()
    registry.add("cart", {"get": get, "put": put, "hidden": hidden, "other": 1})
    return registry


def test_functions_are_found_by_path(registry: Registry) -> None:
    """And know it."""
    assert registry.find("query", "cart:get") is get
    assert get.path == "cart:get"
    assert (len(registry), set(registry)) == (3, {get, put, hidden})


@pytest.mark.parametrize("path", ["cart:nothing", "cart:other", "nowhere:get", "cart:hidden"])
def test_what_is_not_there_for_a_caller(registry: Registry, path: str) -> None:
    """An internal function looks like none at all."""
    with pytest.raises(CallError, match=rf"^Could not find public function for '{path}'"):
        registry.find("query", path)


def test_a_session_id_in_place_of_a_path_is_not_repeated(registry: Registry) -> None:
    """A function of this server, which has none, is told the name it wrote."""
    path = f"{RAW_ID}:get_everything_there_is"
    with pytest.raises(CallError, match=r"'sess_\w{6}:sess_\w{6}'"):
        registry.find("query", path)
    with pytest.raises(CallError, match=f"'{path}'"):
        registry.find("query", path, trusted=True)


def test_internal_functions_are_for_the_server(registry: Registry) -> None:
    """A trusted caller finds them."""
    assert registry.find("query", "cart:hidden", trusted=True) is hidden


def test_the_wrong_kind(registry: Registry) -> None:
    """The message says which it is."""
    with pytest.raises(CallError, match=r"^Trying to execute cart:put as Query, but it is defined as Mutation"):
        registry.find("query", "cart:put")


def test_a_path_has_to_be_possible(registry: Registry) -> None:
    """Or nobody could ever call it."""
    with pytest.raises(DefinitionError, match="names no module"):
        registry.add("my-cart", {"get": get})
    with pytest.raises(DefinitionError, match="names no function"):
        registry.add("cart", {"__": get})


def test_another_registry_takes_over(registry: Registry) -> None:
    """At once and whole: what is not in it is gone."""
    schema = Schema()
    other = Registry(schema)
    other.add("cart", {"put": put})
    registry.replace(other)
    assert (len(registry), set(registry), registry.schema) == (1, {put}, schema)
