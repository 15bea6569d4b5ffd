"""Sessions that were unseen for too long: they end, and what they have is deleted, a bounded piece at a time.

How long that is, `served_time` says: a machine's clock that jumps ends nobody's session.
"""

import re
from datetime import timedelta

from pillion_server import belongings, last_seen
from pillion_server.errors import StartError
from pillion_server.last_seen import LastSeen
from pillion_server.sqlite import Connection
from pillion_server.transaction import Writing

SHORTEST = timedelta(hours=1)
"""The shortest time: much longer than sights are gathered before they are written."""

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}


def milliseconds(after: timedelta) -> float:
    """The time in milliseconds; raises `StartError` for one that is too short."""
    if after < SHORTEST:
        raise StartError(f"Sessions expire after {SHORTEST} or more, not after {after}.")
    return after / timedelta(milliseconds=1)


def parse(text: str) -> timedelta:
    """The time that `30d` or `12h` names; raises `StartError`."""
    form = re.fullmatch(r"([1-9][0-9]{0,4})([hd])", text)
    if form is None:
        raise StartError(f"{text!r} is no time after which sessions expire: write days or hours, 30d or 12h.")
    return int(form[1]) * _UNITS[form[2]]


def expire(seen: LastSeen, connection: Connection, transaction: Writing, before: float) -> bool:
    """Takes a step with the session that was unseen for the longest, and not since `before`; whether there is one.

    It ends at the first step. The last one, that finds nothing left of it, forgets when it was seen.
    """
    session = seen.oldest(connection, before)
    if session is None:
        return False
    transaction.sessions.invalidate(session)
    if belongings.delete_some(transaction.db, session):
        last_seen.forget(connection, session)
    return True
