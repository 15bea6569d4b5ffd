"""Custom builders: definition, and session functions. What they do in a call is in test_steps.py."""

import asyncio
from typing import Any

import pytest

from pillion_server import (
    Custom,
    DefinitionError,
    SessionId,
    action,
    custom_action,
    custom_mutation,
    custom_query,
    internal_query,
    mutation,
    query,
    run_session_functions,
)
from pillion_server.contexts import QueryCtx
from pillion_server.steps import run


def with_session(ctx: object, session_id: SessionId) -> Custom:
    return Custom(ctx={"session_id": session_id})


def names(function: Any) -> list[str]:
    return [parameter.name for parameter in function.signature.parameters]


def test_the_inputs_parameters_come_from_the_caller() -> None:
    """Before the handler's own."""

    @custom_query(query, with_session)
    def get(ctx: object, name: str) -> None: ...

    assert names(get) == ["session_id", "name"]
    assert (get.kind, get.public) == ("query", True)


def test_internal_stays_internal() -> None:
    """A builder over an internal one makes internal functions."""

    @custom_query(internal_query, with_session)
    def get(ctx: object) -> None: ...

    assert not get.public


def test_builders_nest() -> None:
    """Each input takes its own."""

    def with_role(ctx: object, role: str) -> Custom:
        return Custom()

    @custom_mutation(custom_mutation(mutation, with_session), with_role)
    def put(ctx: object, name: str) -> None: ...

    assert names(put) == ["session_id", "role", "name"]


def test_an_argument_is_on_the_wire_once() -> None:
    """A handler that takes the same one is fed by the input."""

    @custom_query(query, with_session)
    def get(ctx: object, session_id: SessionId, name: str) -> None: ...

    assert names(get) == ["session_id", "name"]


def test_what_an_input_passes_is_not_on_the_wire() -> None:
    """So a caller can't slip in a user of their own."""

    def with_user(ctx: object) -> Custom:
        return Custom(args={"user": {}})

    @custom_query(query, with_user, passes=["user"])
    def get(ctx: object, user: dict[str, Any], name: str) -> None: ...

    assert names(get) == ["name"]


def test_what_an_input_passes_is_said_beside_its_own_parameters() -> None:
    """Those it may always hand on, with `passes` or without."""

    def with_user(ctx: object, session_id: SessionId) -> Custom:
        return Custom(args={"session_id": session_id, "user": "ada"})

    @custom_query(query, with_user, passes=["user"])
    def get(ctx: object, session_id: SessionId, user: str) -> object:
        return session_id, user

    assert names(get) == ["session_id"]
    assert run(get, QueryCtx({}), {"session_id": "sid.a"}) == ("sid.a", "ada")


def test_clashing_types_are_refused_at_definition() -> None:
    """Between a handler and an input, and between two inputs."""

    def with_page(ctx: object, page: int) -> Custom:
        return Custom()

    def with_other_page(ctx: object, page: str) -> Custom:
        return Custom()

    def get(ctx: object, page: str) -> None: ...

    with pytest.raises(DefinitionError, match="`page` is str here and int in an input"):
        custom_query(query, with_page)(get)
    with pytest.raises(DefinitionError, match="`page` is str here and int in an input"):
        custom_query(custom_query(query, with_page), with_other_page)


@pytest.mark.parametrize("builder", [mutation, action, custom_action(action, with_session), with_session, None])
def test_a_builder_of_another_kind(builder: Any) -> None:
    """custom_query goes over queries."""
    with pytest.raises(DefinitionError, match="custom_query goes over query"):
        custom_query(builder, with_session)


def test_an_input_of_a_transaction_can_not_wait() -> None:
    """An action's may."""

    async def wait(ctx: object) -> Custom:
        return Custom()

    with pytest.raises(DefinitionError, match="plain def"):
        custom_mutation(mutation, wait)
    custom_action(action, wait)


def test_session_functions_add_the_session() -> None:
    """Unless the call names one itself."""
    calls: list[Any] = []

    class Ctx:
        async def run_query(self, function: object, /, **args: object) -> Any:
            calls.append(("query", function, args))

        async def run_mutation(self, function: object, /, **args: object) -> Any:
            calls.append(("mutation", function, args))

        async def run_action(self, function: object, /, **args: object) -> Any:
            calls.append(("action", function, args))

    functions = run_session_functions(Ctx(), SessionId("sid.a"))

    async def main() -> None:
        await functions["run_session_query"]("a:b", n=1)
        await functions["run_session_mutation"]("a:b", session_id="other")
        await functions["run_session_action"]("a:b")

    asyncio.run(main())
    assert calls == [
        ("query", "a:b", {"session_id": "sid.a", "n": 1}),
        ("mutation", "a:b", {"session_id": "other"}),
        ("action", "a:b", {"session_id": "sid.a"}),
    ]


def test_session_functions_are_for_actions() -> None:
    """In a transaction a function is called as a function."""
    with pytest.raises(TypeError, match="context of an action"):
        run_session_functions(object(), SessionId("sid.a"))  # type: ignore[arg-type]
