"""What both type checkers refuse: an error in each line that says so, and in no other."""

from demo._session import SessionCtx, SessionMutationCtx, session_mutation, session_query, with_session
from pillion_server import Custom, Id, MutationCtx, QueryCtx, action, custom_query, id_of, query


@session_query
def misspelt(ctx: SessionCtx) -> None:
    print(ctx.sesion_id)  # refused


@session_query
def of_another_type(ctx: SessionCtx) -> None:
    number: int = ctx.session_id  # refused
    print(number)


@session_mutation
def without_the_attribute(ctx: MutationCtx) -> None:
    print(ctx.session_id)  # refused


@session_query
def that_writes(ctx: SessionCtx) -> None:
    ctx.db.insert("items")  # refused


@session_mutation
def of_no_fields(ctx: SessionMutationCtx) -> None:
    ctx.db.insert("items", "tea")  # refused
    ctx.db.patch("items:1", ["tea"])  # refused
    ctx.db.replace("items:1", 3)  # refused


@session_query  # refused
def of_a_mutation(ctx: SessionMutationCtx) -> None: ...


@query  # refused
def of_no_session(ctx: SessionCtx) -> None: ...


def with_role(ctx: SessionCtx, *, role: str) -> Custom:
    return Custom(ctx={"role": role})


def forgetful(ctx: QueryCtx) -> None: ...


over_less = custom_query(query, with_role)  # refused
over_an_action = custom_query(action, with_session)  # refused
of_no_custom = custom_query(query, forgetful)  # refused
of_no_context = custom_query(query, with_session, ctx=str)  # refused


UserId = Id["users"]


def rename(ctx: MutationCtx, user: UserId) -> None: ...


CartId = Id["carts"]


def mixed_up(ctx: MutationCtx, cart: CartId, text: str) -> None:
    rename(ctx, cart)  # refused
    rename(ctx, text)  # refused
    rename(ctx, id_of("carts", text))  # refused
