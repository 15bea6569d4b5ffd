"""Functions loaded anew when their files change, while the database and the connections stay open."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from watchfiles import PythonFilter, awatch

from pillion_server.database import Database
from pillion_server.errors import DatabaseError, StartError
from pillion_server.loading import load
from pillion_server.registry import Registry
from pillion_server.strict import Doors

_logger = logging.getLogger("pillion_server")


async def keep_loaded(
    folder: str | os.PathLike[str],
    registry: Registry,
    database: Database,
    doors: Doors | None,
    say: Callable[[str], None],
) -> None:
    """Reloads whenever a `.py` file under `folder` changes, until it is cancelled."""
    async for _ in awatch(Path(folder), watch_filter=PythonFilter()):
        if await reload(folder, registry, database, doors):
            say(f"{len(registry)} functions, loaded anew")


async def reload(
    folder: str | os.PathLike[str], registry: Registry, database: Database, doors: Doors | None = None
) -> bool:
    """Whether `registry`, `database` and `doors` go on with what the folder holds now; if not, the log says why.

    Calls that have begun go on with the functions they began with.
    """
    try:
        fresh = await asyncio.to_thread(load, folder)
        fresh_doors = None if doors is None else doors.among(fresh)
        await database.adopt(fresh.schema)
    except (StartError, DatabaseError) as error:
        _logger.error("The old functions go on. %s", error)  # noqa: TRY400 - the sentence has file and line
        return False
    registry.replace(fresh)
    if doors is not None and fresh_doors is not None:
        doors.replace(fresh_doors)
    return True
