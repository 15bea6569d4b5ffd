"""The session for the page's own JavaScript: opt-in, for pages whose calls are not all Python's.

    from pillion import javascript
    remove = javascript.install(session)

From then on `fetch` and XMLHttpRequest of this realm (a page, or a worker, which has its own) send the ID where it may
go, by the rules of `session.fetch`; and `window.pillion` has `id`, `state` and `ready()`, a promise of the ID. What
Python sends through them, such as `pyscript.fetch`, carries it as well.
"""

from pillion import _platform
from pillion._aio import spawn
from pillion_shared import NotReadyError, SessionError
from pillion_shared.wire import authorization

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from pillion.changes import Change
    from pillion.session import Session

_installed: "list[tuple[Session, str, Callable[[], None]]]" = []


def install(session: "Session", name: str = "pillion") -> "Callable[[], None]":
    """Has the page's JavaScript carry `session`; returns what undoes it, as `session.dispose()` does.

    To do it again under the same name changes nothing, but lays the layers again where the page has taken them off;
    another name stands on `window` beside the first, and is undone by itself.

    name: of the object on `window`. The latest session wins for those origins that several may be sent to. Needs a
    page whose Content-Security-Policy, if any, allows `'unsafe-eval'`, as PyScript does; else load page.js by a
    `<script>` of its own first. An `id_generator` or storage of one's own must not call through what waits for the ID.
    Raises `SessionError` outside a browser, and for a name that the page doesn't let go.
    """
    if not _platform.IN_BROWSER:
        raise SessionError("There is no JavaScript outside a browser: javascript.install() is for pages.")
    for installed, shown, undo in _installed:
        if installed is session and shown == name:
            _platform.page().lay_again()
            return undo
    credentials = session.credentials

    def value() -> "str | None":
        session_id = credentials.at_once()
        return session_id and authorization(session_id)

    reasons: list[str] = []

    def now() -> "str | None":
        try:
            return authorization(credentials.now())
        except NotReadyError as error:
            reasons[:] = [f"NotReadyError: {error}"]
            return None

    async def header() -> str:
        return authorization(await credentials.wait())

    def wait(resolve: "Callable[[str], object]", reject: "Callable[[Any], object]") -> None:
        spawn(_settle(header(), resolve, reject))

    def ready(resolve: "Callable[[str], object]", reject: "Callable[[Any], object]") -> None:
        spawn(_settle(session.ready(), resolve, reject))

    functions: dict[str, Callable[..., object]] = {
        "value": value,
        "wait": wait,
        "now": now,
        "why": lambda: reasons[0],
        "ready": ready,
        "id": lambda: session.id,
        "state": lambda: session.state,
    }
    undo_layers: Callable[[], None] = _platform.page().install(credentials.destinations.origins, functions, name)

    def remove() -> None:
        if entry in _installed:
            _installed.remove(entry)
            undo_layers()
            unfollow()

    def on_change(change: "Change | None") -> None:
        if change is None:
            remove()

    unfollow = session.follow(on_change)
    entry = (session, name, remove)
    _installed.append(entry)
    return remove


async def _settle(
    coroutine: "Coroutine[Any, Any, str]", resolve: "Callable[[str], object]", reject: "Callable[[Any], object]"
) -> None:
    try:
        value = await coroutine
    except Exception as error:
        reject(_platform.page().error(type(error).__name__, str(error)))
    else:
        resolve(value)
