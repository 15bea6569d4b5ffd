"""Convex's React client and the sessions of convex-helpers, in Node, against the server as its users start it."""

from pathlib import Path

from server.node_client import run_client
from server.world import write_functions

SCHEMA = """
schema = Schema(items=Table().index("by_session", "session_id"))
"""

CART = """
def with_session(ctx, session_id: SessionId) -> Custom:
    return Custom(ctx={"session_id": session_id})

session_query = custom_query(query, with_session)
session_mutation = custom_mutation(mutation, with_session)

def names(ctx, owner) -> list[str]:
    return [item["name"] for item in ctx.db.query("items").with_index("by_session", session_id=owner).collect()]

@session_query
def get(ctx) -> list[str]:
    return names(ctx, ctx.session_id)

@session_mutation
def add(ctx, name: str) -> int:
    ctx.db.insert("items", session_id=ctx.session_id, name=name)
    return len(names(ctx, ctx.session_id))

@session_mutation
def refuse(ctx, name: str) -> None:
    raise FunctionError({"name": name, "left": Int64(0)})

@session_mutation
def move(ctx, to: SessionId) -> None:
    for item in ctx.db.query("items").with_index("by_session", session_id=ctx.session_id).collect():
        ctx.db.patch(item["_id"], session_id=to)

@action
async def act(ctx, session_id: SessionId, name: str) -> int:
    return await ctx.run_mutation(api.cart.add, session_id=session_id, name=name)

@query
def count(ctx) -> int:
    return len(ctx.db.query("items").collect())

@query
def fail(ctx, how: str) -> None:
    if how == "data":
        raise FunctionError({"n": Int64(1), "why": ["sold", "out"]})
    if how == "text":
        raise FunctionError("Sold out.")
    raise ValueError("the secret reason")
"""

NOTES = """
class Note(TypedDict):
    n: int

@mutation
def add(ctx, n: int, session_id: SessionId | None = None) -> None:
    ctx.db.insert("notes", n=n)

@mutation
def turn(ctx) -> None:
    ctx.db.insert("turns")

@query
def list(ctx, pagination_opts: PaginationOptions) -> Page[Note]:
    return ctx.db.query("notes").order("desc").paginate(pagination_opts)

@query
def mine(ctx, session_id: SessionId, of: str, pagination_opts: PaginationOptions) -> Page[Note]:
    order = "desc" if ctx.db.query("turns").first() else "asc"
    return ctx.db.query("notes").order(order).paginate(pagination_opts)
"""


def test_react(tmp_path: Path) -> None:
    """A session's cart in its tabs, optimistic updates, a refresh, pages, errors; cut connections and a restart."""
    functions = write_functions(tmp_path / "functions", schema=SCHEMA, cart=CART, notes=NOTES)
    assert run_client("convex_react.mjs", functions, tmp_path / "x.sqlite3") == 1
