"""Concert tickets: a purchase per session, so two tabs with a session each are two purchases."""

from typing import Any, TypedDict

from pillion_server import QueryCtx

from ._refusal import refusal
from ._session import SessionCtx, SessionMutationCtx, open_query, session_mutation, session_query

ROWS = "ABCDE"
SEATS_A_ROW = 8
SEATS = frozenset(f"{row}{number}" for row in ROWS for number in range(1, SEATS_A_ROW + 1))
MOST_SEATS = 4
LONGEST_NAME = 40


class Concert(TypedDict):
    """An evening in the loft above the shop. `price` is for one seat, in cents."""

    id: str
    name: str
    by: str
    day: str
    price: int


CONCERTS: tuple[Concert, ...] = (
    {
        "id": "kettle",
        "name": "Kettle Songs",
        "by": "The Slow Boil, folk trio",
        "day": "Fri 4 Dec, 20:00",
        "price": 1800,
    },
    {
        "id": "steam",
        "name": "Night Steam",
        "by": "Ada Vesper, solo cello",
        "day": "Sat 5 Dec, 21:00",
        "price": 2400,
    },
    {
        "id": "leaves",
        "name": "Reading the Leaves",
        "by": "Quartet Oolong",
        "day": "Sun 6 Dec, 17:00",
        "price": 2100,
    },
)

BY_ID = {concert["id"]: concert for concert in CONCERTS}


@open_query
def concerts(ctx: QueryCtx) -> tuple[Concert, ...]:
    """What is on; the same for everybody, so it asks for no session."""
    return CONCERTS


@open_query
def sold(ctx: QueryCtx, concert: str) -> list[str]:
    """The seats of a concert that are gone, for anybody's page to grey out; not whose they are."""
    rows = ctx.db.query("sold_seats").with_index("by_seat", concert=concert).collect()
    return [row["seat"] for row in rows]


@session_query
def purchase(ctx: SessionCtx) -> dict[str, Any]:
    """This session's purchase as far as it has come: concert, seats, name, confirmed, total in cents."""
    row = _row(ctx) or {}
    concert = BY_ID.get(row.get("concert", ""))
    seats = row.get("seats", [])
    return {
        "concert": row.get("concert"),
        "seats": seats,
        "name": row.get("name", ""),
        "confirmed": row.get("confirmed", False),
        "total": concert["price"] * len(seats) if concert else 0,
    }


@session_mutation
def choose(ctx: SessionMutationCtx, concert: str) -> None:
    """Another concert; the seats of the one before are let go."""
    if concert not in BY_ID:
        raise refusal("unknown_concert", "There is no such concert.")
    _change(ctx, concert=concert, seats=[])


@session_mutation
def pick(ctx: SessionMutationCtx, seat: str, wanted: bool) -> None:
    """Takes a seat into the purchase, or lets it go."""
    row = _open(ctx)
    seats = [other for other in row["seats"] if other != seat]
    if wanted:
        _check_free(ctx, row["concert"], seat)
        seats.append(seat)
    if len(seats) > MOST_SEATS:
        raise refusal("too_many", f"{MOST_SEATS} seats are the most for one purchase.")
    _change(ctx, seats=sorted(seats))


@session_mutation
def confirm(ctx: SessionMutationCtx, name: str) -> None:
    """Buys the seats, all of them or, if one has just gone to somebody else, none."""
    row = _open(ctx)
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise refusal("name", f"Whose tickets? A name has 1 to {LONGEST_NAME} letters.")
    if not row["seats"]:
        raise refusal("no_seats", "Pick a seat first.")
    for seat in row["seats"]:
        _check_free(ctx, row["concert"], seat)
        ctx.db.insert("sold_seats", concert=row["concert"], seat=seat)
    _change(ctx, name=name, confirmed=True)


@session_mutation
def start_over(ctx: SessionMutationCtx) -> None:
    """Forgets this purchase; seats that were bought stay bought."""
    row = _row(ctx)
    if row:
        ctx.db.delete(row["_id"])


def _row(ctx: SessionCtx) -> dict[str, Any] | None:
    return ctx.db.query("purchases").with_index("by_session", session_id=ctx.session_id).unique()


def _open(ctx: SessionCtx) -> dict[str, Any]:
    row = _row(ctx)
    if row is None:
        raise refusal("no_concert", "Choose a concert first.")
    if row["confirmed"]:
        raise refusal("confirmed", "These tickets are bought. Start over for more.")
    return row


def _change(ctx: SessionMutationCtx, **fields: object) -> None:
    row = _row(ctx)
    if row is None:
        ctx.db.insert("purchases", session_id=ctx.session_id, name="", confirmed=False, **fields)
    elif row["confirmed"]:
        raise refusal("confirmed", "These tickets are bought. Start over for more.")
    else:
        ctx.db.patch(row["_id"], **fields)


def _check_free(ctx: QueryCtx, concert: str, seat: str) -> None:
    if seat not in SEATS:
        raise refusal("unknown_seat", "There is no such seat.")
    if ctx.db.query("sold_seats").with_index("by_seat", concert=concert, seat=seat).first():
        raise refusal("seat_taken", f"Seat {seat} has just gone to somebody else.")
