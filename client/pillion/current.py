"""Which session is the current one: the page's ground, and what lies over it in one context."""

from pillion._context import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pillion.session import Session

_ground: "list[Session]" = []
_above: "ContextVar[tuple[Session, ...]]" = ContextVar("pillion_sessions", default=())


def find(key: "str | None" = None, scope: "str | None" = None) -> "Session | None":
    """The innermost session above, else the latest on the ground; with a `key` or `scope`, of those that have it."""
    for session in reversed(tuple(_ground) + _above.get()):
        if key in (None, session.key) and scope in (None, session.scope):
            return session
    return None


def install(session: "Session") -> "list[Session]":
    """Lays `session` on the ground; returns those of the same key and scope that it took the place of."""
    same = [other for other in _ground if (other.key, other.scope) == (session.key, session.scope)]
    _ground[:] = [other for other in _ground if other not in same]
    _ground.append(session)
    return [other for other in same if other is not session]


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
