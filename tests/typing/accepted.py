"""What a user writes, and both type checkers accept."""

from dataclasses import dataclass
from typing import TypedDict, assert_type

import msgspec

from demo._session import SessionCtx, SessionMutationCtx, session_mutation, session_query
from pillion_server import (
    ActionCtx,
    Custom,
    DatabaseWriter,
    Id,
    MutationCtx,
    Page,
    PaginationOptions,
    QueryCtx,
    SessionId,
    action,
    custom_action,
    custom_ctx,
    custom_query,
    id_of,
    mutation,
)


class Item(TypedDict):
    """What a page may see."""

    name: str


@session_query
def get(ctx: SessionCtx) -> list[Item]:
    assert_type(ctx.session_id, SessionId)
    return [{"name": "tea"}]


@session_query
def of_type(ctx: SessionCtx) -> list[Item]:
    return ctx.db.query("items").collect()


@session_query
def cheapest(ctx: SessionCtx) -> Item | None:
    return ctx.db.query("items").with_index("by_price").first()


@session_query
def page(ctx: SessionCtx, pagination_opts: PaginationOptions) -> Page[Item]:
    return ctx.db.query("items").paginate(pagination_opts)


@session_query
def that_needs_less(ctx: QueryCtx, name: str) -> str:
    return name


@session_mutation
def add(ctx: SessionMutationCtx, name: str = "tea") -> str:
    assert_type(ctx.session_id, SessionId)
    assert_type(ctx.db, DatabaseWriter)
    return ctx.db.insert("items", session_id=ctx.session_id, name=name)


@dataclass
class Tea:
    """A document that is a dataclass."""

    name: str


class Tin(msgspec.Struct):
    """A document that is a Struct."""

    tea: Tea


@session_mutation
def fill(ctx: SessionMutationCtx, tea: Tea, tin: Tin, item: Item) -> Tea:
    id = ctx.db.insert("teas", tea, session_id=ctx.session_id)
    ctx.db.patch(id, item)
    ctx.db.replace(id, tin)
    ctx.db.insert("items", {"name": "tea"}, price=3)
    return tea


class RoleCtx(SessionCtx):
    """What a further input adds, with an option."""

    role: str


def with_role(ctx: SessionCtx, *, role: str) -> Custom:
    return Custom(ctx={"role": role})


role_query = custom_query(session_query, with_role, ctx=RoleCtx)


@role_query(role="admin")
def whoami(ctx: RoleCtx) -> str:
    assert_type(ctx.session_id, SessionId)
    return ctx.role


class NowCtx(ActionCtx):
    """What `custom_ctx` adds."""

    now: float


async def read_clock(ctx: ActionCtx) -> dict[str, object]:
    return {"now": 1.0}


@custom_action(action, custom_ctx(read_clock), ctx=NowCtx)
async def now(ctx: NowCtx) -> float:
    return ctx.now


UserId = Id["users"]


def rename(ctx: MutationCtx, user: UserId) -> str:
    return user


@mutation
def rename_first(ctx: MutationCtx, user: Id["users"]) -> None:  # noqa: F821
    rename(ctx, user)
    for row in ctx.db.query("users").take(1):
        rename(ctx, id_of("users", row["_id"]))
