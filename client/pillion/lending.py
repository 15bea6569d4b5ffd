"""A page's session for its worker: a worker has no tab, so the page hands its own session over.

    lend(session, worker.sync)                                            on the page
    SessionProvider(Client("/api"), storage=LentStorage(sync)).install()  in the worker, with PyScript's `sync`

The page remains the owner. The worker asks it for the ID, hears of every change and of what holds calls up, and has
it do the refreshes, with the worker's own callback. Only calls with JSON text cross, none of which takes long: on a
page that is cross-origin isolated a worker stands still while it calls its page.
"""

import json

from pillion import _platform
from pillion._aio import settled, spawn
from pillion_shared import SessionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pillion.changes import Change
    from pillion.session import Session
    from pillion_shared import SessionId

SESSION = "pillion_session"
REFRESH = "pillion_refresh"
BEFORE = "pillion_before"
REFRESHED = "pillion_refreshed"
CHANGED = "pillion_changed"
HELD = "pillion_held"


class LentStorage:
    """The session of the page that `lend` has given to this worker.

    sync: PyScript's, `from pyscript import sync`.
    """

    name = "page"

    def __init__(self, sync: "Any") -> None:
        self.sync = sync


def lend(session: "Session", sync: "Any") -> "Callable[[], None]":
    """Gives the page's session to a worker; returns the function that ends the telling of changes.

    sync: the worker's, such as `document.querySelector("#worker").xworker.sync`.
    """

    async def describe() -> str:
        session_id = await session.ready()
        report = session.storage
        return json.dumps(
            {
                "id": session_id,
                "storage": [report.kind, report.persistent, report.why],
                "origin": session.origin,
                "parent": session.parent,
                "held": session.refreshes.is_holding(),
                "page": _platform.page_address(),
            }
        )

    def refresh(reason: str, seconds: float, has_before: bool, holds_calls: bool, number: int) -> None:
        spawn(run_refresh(reason, seconds, has_before, holds_calls, number))

    async def run_refresh(reason: str, seconds: float, has_before: bool, holds_calls: bool, number: int) -> None:
        async def before(new: "SessionId") -> None:
            if not json.loads(await getattr(sync, BEFORE)(new)):
                raise _RefusedError

        error = ""
        try:
            await session.refresh_for(reason, before if has_before else None, seconds, holds_calls)
        except Exception as failure:
            error = str(failure) or type(failure).__name__
        await _finish(getattr(sync, REFRESHED)(json.dumps({"id": session.id, "error": error, "number": number})))

    def tell(name: str, news: object) -> None:
        listener = getattr(sync, name, None)
        if listener is not None:
            spawn(_finish(listener(json.dumps(news))))

    def tell_change(change: "Change") -> None:
        tell(CHANGED, [change.id, change.reason, change.origin])

    def tell_held(is_held: bool) -> None:
        tell(HELD, is_held)

    session.refreshes.held.append(tell_held)
    ends: list[Callable[[], object]] = [
        _platform.expose(sync, SESSION, describe),
        _platform.expose(sync, REFRESH, refresh),
        session.on_change(tell_change),
        lambda: session.refreshes.held.remove(tell_held),
    ]

    def stop() -> None:
        tell_held(False)
        for end in ends:
            end()

    return stop


async def _finish(told: "Any") -> None:
    try:
        await settled(told)
    except Exception:
        return  # the worker has not begun to listen, or is gone; it asks when it begins


class _RefusedError(SessionError):
    """The worker's callback has failed; the worker knows how."""
