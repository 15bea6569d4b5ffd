"""The catalogue and what is left of it: the same for everybody, so it asks for no session."""

from typing import TypedDict

from pillion_server import QueryCtx

from ._session import open_query


class Product(TypedDict):
    """A tea. `price` is in cents, `stock` is how many packets the shop has, on its shelf and in carts.

    The picture belongs to the page, which finds it by `id`.
    """

    id: str
    name: str
    kind: str
    description: str
    grams: int
    price: int
    stock: int


CATALOGUE: tuple[Product, ...] = (
    {
        "id": "first-flush",
        "name": "First Flush",
        "kind": "Black, Darjeeling",
        "description": "The spring picking, light as a window seat: muscat grape, cut grass, a long finish.",
        "grams": 75,
        "price": 1450,
        "stock": 60,
    },
    {
        "id": "dock-no-4",
        "name": "Dock No. 4",
        "kind": "Black, Assam and Ceylon",
        "description": "The breakfast blend. Strong enough for milk, bad weather and the early ferry.",
        "grams": 125,
        "price": 890,
        "stock": 60,
    },
    {
        "id": "grey-ghost",
        "name": "Grey Ghost",
        "kind": "Black, with bergamot",
        "description": "Earl Grey with real peel from Calabria, turned down until you can hear the tea.",
        "grams": 100,
        "price": 1120,
        "stock": 60,
    },
    {
        "id": "slow-smoke",
        "name": "Slow Smoke",
        "kind": "Black, Lapsang Souchong",
        "description": "Dried over pine for three nights. Smells of a campfire, tastes of the walk home.",
        "grams": 75,
        "price": 1280,
        "stock": 60,
    },
    {
        "id": "stone-mill",
        "name": "Stone Mill",
        "kind": "Green, matcha",
        "description": "Uji leaf, ground at a gram a minute. Whisk it, drink it, get on with the day.",
        "grams": 30,
        "price": 2450,
        "stock": 12,
    },
    {
        "id": "last-train",
        "name": "Last Train",
        "kind": "Herbal, no caffeine",
        "description": "Rooibos, orange peel, vanilla: for the late ride home. It has left; back in spring.",
        "grams": 100,
        "price": 960,
        "stock": 0,
    },
)

BY_ID = {product["id"]: product for product in CATALOGUE}


@open_query
def list(ctx: QueryCtx) -> tuple[Product, ...]:
    """Every tea there is, sold out or not."""
    return CATALOGUE


@open_query
def left(ctx: QueryCtx) -> dict[str, int]:
    """How many packets of each tea are on the shelf."""
    return {tea["id"]: left_of(ctx, tea) for tea in CATALOGUE}


def left_of(ctx: QueryCtx, tea: Product) -> int:
    """How many packets of a tea are on the shelf: those that are in nobody's cart.

    They are counted and not kept, so what leaves a cart in whatever way is on the shelf again.
    """
    rows = ctx.db.query("cart_items").with_index("by_product", product=tea["id"]).collect()
    taken: int = sum(row["quantity"] for row in rows)
    return max(tea["stock"] - taken, 0)
