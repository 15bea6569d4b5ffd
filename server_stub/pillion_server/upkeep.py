"""What a database needs now and then while it is served: sessions that were seen or expire, answers that are old."""

import asyncio
import logging

from pillion_server.database import Database
from pillion_server.errors import DatabaseError, LimitError

SECONDS = 10.0
"""How often it is looked whether there is something to do."""

_logger = logging.getLogger("pillion_server")


async def keep_up(database: Database, unseen: float | None) -> None:
    """Does it until it is cancelled. unseen: milliseconds after which a session expires, `None` for never."""
    while True:
        await step(database, unseen)
        await asyncio.sleep(SECONDS)


async def step(database: Database, unseen: float | None) -> None:
    """Does what is due. When that can't be done the log says why, and it stays due."""
    try:
        await database.keep_seen()
        await database.prune_answers()
        while unseen is not None and await database.expire(unseen):
            pass
    except (DatabaseError, LimitError):
        _logger.exception("What was seen of sessions could not be written, or what is old not be deleted.")
