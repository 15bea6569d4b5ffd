"""The cart: a row per tea, owned by the session or, after a log-in, by the user. What is in it is off the shelf."""

from typing import Any

from pillion_server import MutationCtx, QueryCtx

from ._owner import Document, OwnerCtx, OwnerMutationCtx, owner_mutation, owner_query
from ._refusal import refusal
from .products import BY_ID, Product, left_of

MOST = 20
"""How many packets of one tea a cart may hold."""


@owner_query
def get(ctx: OwnerCtx) -> dict[str, Any]:
    """The lines in the order they were added, with how many packets and how many cents in all."""
    lines = [_line(row) for row in _rows(ctx, ctx.owner)]
    return {
        "lines": lines,
        "count": sum(line["quantity"] for line in lines),
        "total": sum(line["price"] * line["quantity"] for line in lines),
    }


@owner_mutation
def add(ctx: OwnerMutationCtx, product: str) -> None:
    """One more packet of a tea, from the shelf."""
    _put(ctx, _known(product), 1)


@owner_mutation
def change(ctx: OwnerMutationCtx, product: str, by: int) -> None:
    """So many packets more, or fewer, of a tea that is in the cart: a step, so no stale page undoes another's."""
    tea = _known(product)
    if _row(ctx, ctx.owner, product) is None:
        raise refusal("not_in_cart", f"{tea['name']} has left the cart.")
    _put(ctx, tea, by)


@owner_mutation
def remove(ctx: OwnerMutationCtx, product: str) -> None:
    """Takes a tea out; one that isn't there is no error, it may have gone from another tab."""
    row = _row(ctx, ctx.owner, _known(product)["id"])
    if row:
        ctx.db.delete(row["_id"])


def move_cart(ctx: MutationCtx, old: str, new: str) -> None:
    """Gives one owner's rows to another, adding up what both have; the second time nothing is left."""
    for row in _rows(ctx, old):
        there = _row(ctx, new, row["product"])
        if there:
            ctx.db.patch(there["_id"], quantity=min(there["quantity"] + row["quantity"], MOST))
            ctx.db.delete(row["_id"])
        else:
            ctx.db.patch(row["_id"], owner=new)


def _rows(ctx: QueryCtx, owner: str) -> list[Document]:
    return ctx.db.query("cart_items").with_index("by_owner", owner=owner).collect()


def _row(ctx: QueryCtx, owner: str, product: str) -> Document | None:
    return ctx.db.query("cart_items").with_index("by_owner_product", owner=owner, product=product).unique()


def _put(ctx: OwnerMutationCtx, tea: Product, by: int) -> None:
    """So many packets from the shelf into the cart, or back."""
    row = _row(ctx, ctx.owner, tea["id"])
    quantity = (row["quantity"] if row else 0) + by
    if quantity > MOST:
        raise refusal("quantity", f"{MOST} of one tea is the most.")
    if quantity < 1:
        raise refusal("quantity", "One packet is the least; Remove takes the tea out.")
    left = left_of(ctx, tea)
    if by > left:
        name = tea["name"]
        raise refusal("sold_out", f"Only {left} more of {name} can be had." if left else f"{name} is sold out.")
    if row:
        ctx.db.patch(row["_id"], quantity=quantity)
    else:
        ctx.db.insert("cart_items", owner=ctx.owner, product=tea["id"], quantity=quantity)


def _known(product: str) -> Product:
    tea = BY_ID.get(product)
    if tea is None:
        raise refusal("unknown_product", "We have no such tea.")
    return tea


def _line(row: Document) -> dict[str, Any]:
    tea = BY_ID[row["product"]]
    return {"product": tea["id"], "name": tea["name"], "price": tea["price"], "quantity": row["quantity"]}
