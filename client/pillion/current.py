"""Which session is the current one: the page's ground, and what lies over it in one context."""

from pillion._context import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pillion.session import Session

_ground: "list[Session]" = []
_above: "ContextVar[tuple[Session, ...]]" = ContextVar("pillion_sessions", default=())


def find(key: "str | None") -> "Session | None":
    """The innermost session above, else the latest on the ground; with a `key`, of those that have it."""
    for session in reversed(tuple(_ground) + _above.get()):
        if key is None or session.key == key:
            return session
    return None


def install(session: "Session") -> "list[Session]":
    """Lays `session` on the ground; returns those of the same key that it took the place of."""
    replaced = [other for other in _ground if other.key == session.key and other is not session]
    _ground[:] = [other for other in _ground if other.key != session.key]
    _ground.append(session)
    return replaced


def uninstall(session: "Session") -> None:
    """Takes `session` off the ground, if it is there."""
    if session in _ground:
        _ground.remove(session)


def enter(session: "Session") -> "tuple[Session, ...]":
    """Lays `session` over what is current in this context; returns what `leave` needs."""
    outer = _above.get()
    _above.set(outer + (session,))
    return outer


def leave(outer: "tuple[Session, ...]") -> None:
    """Takes away what `enter` laid."""
    _above.set(outer)
