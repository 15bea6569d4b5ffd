"""`GET /health`: whether the server can do its work, for whoever restarts it or sends it callers.

200  {"status": "ready"}
503  {"status": "unready", "reason": "..."}
"""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from pillion_server.database import Database
from pillion_server.errors import DatabaseError

PATH = "/health"

SECONDS = 2.0
"""How long the database may take to read and write a page."""


def health_route(database: Database) -> Route:
    """The route; each request reads from the database and writes to it, without changing a thing."""

    async def health(_: Request) -> JSONResponse:
        reason = await unready(database)
        body = {"status": "ready"} if reason is None else {"status": "unready", "reason": reason}
        return JSONResponse(body, 200 if reason is None else 503, {"cache-control": "no-store"})

    return Route(PATH, health)


async def unready(database: Database) -> str | None:
    """Why the server can't do its work; `None` if it can."""
    try:
        async with asyncio.timeout(SECONDS):
            await database.check()
    except TimeoutError:
        return f"The database didn't answer within {SECONDS:g} seconds: a function or another program keeps it."
    except DatabaseError as error:
        return str(error)
    return None
