"""Logging in and out: a session is bound to a user, who may have several, until it ends."""

from pillion_server import MutationCtx, SessionId

from ._owner import OwnerCtx, OwnerMutationCtx, owner_mutation, owner_query
from ._refusal import refusal
from .cart import move_cart
from .presence import forget_pages, move_pages

PASSWORD = "tea"  # noqa: S105 - everybody's, and the page says so: this is a demo
LONGEST_NAME = 40


@owner_query
def me(ctx: OwnerCtx) -> dict[str, str] | None:
    """Who is logged in on this session, or None."""
    return {"name": ctx.user["name"]} if ctx.user else None


@owner_mutation
def login(ctx: OwnerMutationCtx, name: str, password: str, new: SessionId) -> dict[str, str]:
    """Logs the session `new` in and ends this one; an anonymous cart comes along. Twice does no harm."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise refusal("name", f"A name has 1 to {LONGEST_NAME} letters.")
    if password != PASSWORD:
        raise refusal("password", "That isn't the password. Nothing has changed.")
    user_id = _user(ctx, name)
    if new == ctx.session_id or ctx.sessions.user(new) not in (None, user_id):
        raise refusal("session", "A log-in needs a new session.")
    ctx.sessions.bind(new, user_id)
    move_cart(ctx, ctx.session_id, user_id)
    move_pages(ctx, ctx.session_id, new)
    ctx.sessions.invalidate(ctx.session_id)
    return {"name": name}


@owner_mutation
def logout(ctx: OwnerMutationCtx) -> None:
    """Ends this session: its ID opens an empty one, and nothing leads from it to the next."""
    forget_pages(ctx, ctx.session_id)
    ctx.sessions.invalidate(ctx.session_id)


def _user(ctx: MutationCtx, name: str) -> str:
    key = name.casefold()
    user = ctx.db.query("users").with_index("by_key", key=key).unique()
    return user["_id"] if user else ctx.db.insert("users", key=key, name=name)
