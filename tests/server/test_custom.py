"""Custom builders: definition, and session functions. What they do in a call is in test_steps.py."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pillion_server import (
    Custom,
    DefinitionError,
    SessionId,
    action,
    custom_action,
    custom_ctx,
    custom_mutation,
    custom_query,
    internal_query,
    mutation,
    query,
    run_session_functions,
)
from pillion_server.contexts import ActionCtx, MutationCtx, QueryCtx
from pillion_server.log_lines import Log
from pillion_server.steps import run, run_async
from server.world import RAW_ID, World


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


class SessionCtx(QueryCtx):
    """What handlers of a session get."""

    session_id: SessionId

    @property
    def shown(self) -> str:
        """Something of the class's own."""
        return self.session_id[:4]


def test_the_context_is_of_the_class_that_was_named() -> None:
    """With what that class has of its own."""

    @custom_query(query, with_session, ctx=SessionCtx)
    def get(ctx: SessionCtx) -> str:
        return f"{type(ctx).__name__} {ctx.shown}"

    assert run(get, QueryCtx({"db": 1}), {"session_id": "sid.a"}) == "SessionCtx sid."


def test_a_context_that_lacks_what_its_class_names() -> None:
    """It is the input's mistake, and says so."""

    def forgetful(ctx: QueryCtx) -> Custom:
        return Custom(ctx={"sesion_id": "sid.a"})

    @custom_query(query, forgetful, ctx=SessionCtx)
    def get(ctx: SessionCtx) -> None: ...

    with pytest.raises(TypeError, match=r"SessionCtx names `session_id`, which forgetful doesn't give"):
        run(get, QueryCtx({}), {})


def test_a_context_of_another_kind() -> None:
    """A handler has all that it had below."""
    for wrong in (MutationCtx, QueryCtx):
        with pytest.raises(DefinitionError, match=rf"{wrong.__name__} is no context .*\(SessionCtx\)"):
            custom_query(custom_query(query, with_session, ctx=SessionCtx), with_session, ctx=wrong)


def with_role(ctx: object, name: str, *, role: str, loud: bool = False) -> Custom:
    return Custom(ctx={"role": role.upper() if loud else role, "name": name})


def test_options_are_for_the_input_and_never_from_the_caller() -> None:
    """What stands after a star."""
    role_query = custom_query(query, with_role)

    @role_query(role="admin")
    def quiet(ctx: Any) -> str:
        return f"{ctx.role} {ctx.name}"

    @role_query(role="admin")(loud=True)
    def loud(ctx: Any) -> str:
        return ctx.role

    assert names(quiet) == ["name"]
    assert run(quiet, QueryCtx({}), {"name": "ada"}) == "admin ada"
    assert run(loud, QueryCtx({}), {"name": "ada"}) == "ADMIN"


def test_options_reach_the_input_that_has_them() -> None:
    """Through builders over builders, said below or above."""

    def with_limit(ctx: object, *, limit: int = 1) -> Custom:
        return Custom(ctx={"limit": limit})

    both = custom_query(custom_query(query, with_role)(role="user"), with_limit)

    @both(limit=5)
    def get(ctx: Any) -> str:
        return f"{ctx.role} {ctx.limit}"

    assert run(get, QueryCtx({}), {"name": "ada"}) == "user 5"
    with pytest.raises(DefinitionError, match=r"option `limt` \(role, loud, limit\)"):
        both(limt=5)
    with pytest.raises(DefinitionError, match="there are none"):
        query(role="admin")


def test_an_option_that_nobody_says() -> None:
    """It is missed where the function is defined, unless it has a default."""
    with pytest.raises(DefinitionError, match="get: with_role wants to be told `role`"):

        @custom_query(query, with_role)
        def get(ctx: object) -> None: ...


def test_an_input_that_only_adds_to_the_context() -> None:
    """In a transaction, and waiting in an action; it may take arguments as well."""

    def read_name(ctx: Any, name: "str", *, suffix: str = "!") -> dict[str, object]:
        return {"greeting": f"{ctx.db} {name}{suffix}"}

    async def read_later(ctx: Any) -> dict[str, object]:
        await asyncio.sleep(0)
        return {"greeting": "later"}

    @custom_query(query, custom_ctx(read_name))(suffix="?")
    def get(ctx: Any) -> str:
        return ctx.greeting

    @custom_action(action, custom_ctx(read_later))
    async def get_later(ctx: Any) -> str:
        return ctx.greeting

    async def nothing(*_: object) -> None: ...

    assert names(get) == ["name"]
    assert run(get, QueryCtx({"db": "hello"}), {"name": "ada"}) == "hello ada?"
    assert asyncio.run(run_async(get_later, ActionCtx(nothing, Log("a:b")), {})) == "later"
    with pytest.raises(DefinitionError, match="plain def"):
        custom_query(query, custom_ctx(read_later))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"ctx": None}, r"Custom\(ctx=...\) takes a dict of attributes, not None"),
        ({"ctx": {1: 2}}, r"takes the names of attributes, not 1"),
        ({"ctx": {"first name": 1}}, "'first name' can't be an attribute of ctx: take an identifier"),
        ({"ctx": {"class": 1}}, "'class' can't be an attribute"),
        ({"ctx": {"_run": 1}}, "'_run' can't be an attribute .* without a leading _"),
        ({"args": ["user"]}, r"Custom\(args=...\) takes a dict of keywords, not an object of type list"),
        ({"on_success": "done"}, r"Custom\(on_success=...\) takes a function, not 'done'"),
    ],
)
def test_what_no_handler_could_use(given: Any, sentence: str) -> None:
    """Said as the `Custom` is made, by `custom_ctx` too."""
    with pytest.raises((TypeError, ValueError), match=sentence):
        Custom(**given)
    if "ctx" in given:
        with pytest.raises((TypeError, ValueError), match=sentence):
            run(custom_query(query, custom_ctx(lambda ctx: given["ctx"]))(lambda ctx: None), QueryCtx({}), {})


@pytest.mark.parametrize(
    ("define", "sentence"),
    [
        (lambda: custom_query(query, None), "NoneType can't be called with a context: write def name"),
        (lambda: custom_query(query, str), "str can't be called with a context"),
        (lambda: custom_query(query, query(lambda ctx: 1)), "Function can't be called with a context"),
        (lambda: custom_query(query, with_session, ctx=3), r"ctx= takes a class of contexts, .*\(QueryCtx\), not 3"),
        (lambda: custom_query(query, with_session, passes="user"), r"passes=\[\"user\"\], not 'user'"),
        (lambda: custom_query(query, with_session, passes=3), "takes a list of names, .* not 3"),
        (lambda: custom_query(query, with_session, passes=[1]), "passes= takes names, not 1"),
        (lambda: custom_ctx(None), r"custom_ctx\(\) takes a function of the context, not None"),
    ],
)
def test_misuse_of_the_builders(define: Callable[[], object], sentence: str) -> None:
    """Refused where it is defined."""
    with pytest.raises(DefinitionError, match=sentence):
        define()


LOGGED = """
def with_log(ctx, fail: bool) -> Custom:
    def done(*, result, ctx, args):
        ctx.db.insert("log", text=f"{result} {args['name']}")
        if fail:
            raise FunctionError("no")
    return Custom(on_success=done)

@custom_mutation(mutation, with_log)
def add(ctx, name: str) -> int:
    ctx.db.insert("items", text=name)
    return len(name)

@query
def everything(ctx) -> list:
    return [row["text"] for table in ("items", "log") for row in ctx.db.query(table).collect()]
"""


def test_on_success_is_in_the_same_transaction(world: Callable[..., World]) -> None:
    """What it writes is there with the rest, or nothing is."""
    shop = world(shop=LOGGED)
    assert shop.call("mutation", "shop:add", name="tea", fail=True).error == "no"
    assert shop.query("shop:everything") == []
    assert shop.mutation("shop:add", name="tea", fail=False) == 3.0
    assert shop.query("shop:everything") == ["tea", "3 tea"]


PASSED = """
class SessionCtx(QueryCtx):
    session_id: SessionId

def with_session(ctx: QueryCtx, session_id: SessionId) -> Custom:
    return Custom(ctx={"session_id": session_id})

session_query = custom_query(query, with_session, ctx=SessionCtx)

@session_query
def whoami(ctx: SessionCtx) -> SessionId:
    return ctx.session_id
"""


def test_a_session_builder_in_a_call(world: Callable[..., World]) -> None:
    """The ID comes in, the handler has the digest."""
    assert world(shop=PASSED).query("shop:whoami", sessionId=RAW_ID).startswith("sid.")
