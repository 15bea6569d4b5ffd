"""The provider: holds a session, and `use_session()` finds it anywhere below.

A page-wide session is the ground (`install()`): event handlers of a page see it, which a `ContextVar` set by
the page's script is hidden from. A context-local one (`with SessionProvider(...)`) lies over it: for rendering
on a server, for tests, for a part of a page.
"""

from pillion import current
from pillion.borrowing import BorrowedIdentity
from pillion.destinations import Destinations
from pillion.identity import FORK, SHARE, Identity
from pillion.lending import LentStorage
from pillion.making import UUID, Maker
from pillion.rules import Limits
from pillion.session import Session
from pillion.storage import is_elsewhere, name_of, storage_of
from pillion_shared import NoSessionError, SessionError, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pillion.client import Client
    from pillion.storage import Storage
    from pillion_shared import SessionId

DEFAULT_KEY = "pillion-session"


class SessionProvider:
    """Makes a session and offers it to `use_session()`.

    client: makes the calls.
    storage: `"session"` (an ID per tab), `"local"`, `"cookie"` or `"indexeddb"` (per browser), `"memory"` (per page
        load), or anything with `get(key)`, `set(key, value)` and `remove(key)`, plain or async.
    storage_key: sessions of different keys are different sessions, and so are those of one key per tab, per browser
        and per page load.
    id_generator: makes new IDs, plain or async. id_format: without one, `"uuid"` (version 4, 122 random bits) or
        `"token"` (256 random bits).
    duplicate: what becomes of a tab that is the duplicate of another, of `storage="session"`: `"fork"` gives it an
        ID of its own, `"share"` none; a function of the copied ID, plain or async, says which.
    idle_timeout, absolute_timeout: seconds after its last use, and after it came into force, when an ID has had its
        time and another one takes its place; `None` is never.
    allow_origins: who may be sent the ID by what is plain HTTP (`session.fetch` and the like), besides the page's own
        origin and the client's: `["https://uploads.example"]`.
    ssr_friendly: works where there is no storage too, and until the ID is settled: queries give `SKIPPED`,
        mutations and actions wait, each in their order. Without it such a place raises `StorageError`.
    """

    def __init__(
        self,
        client: "Client",
        storage: "str | Storage | LentStorage" = "session",
        storage_key: str = DEFAULT_KEY,
        id_generator: "Callable[[], Awaitable[str] | str] | None" = None,
        ssr_friendly: bool = False,
        *,
        id_format: str = UUID,
        duplicate: "str | Callable[[SessionId], object]" = FORK,
        idle_timeout: "float | None" = None,
        absolute_timeout: "float | None" = None,
        allow_origins: "Iterable[str]" = (),
    ) -> None:
        if not (duplicate in (FORK, SHARE) or callable(duplicate)):
            raise ValueError(f"duplicate is 'fork', 'share', or a function that says which, not {duplicate!r}.")
        if not callable(getattr(client, "call", None)):
            raise TypeError("SessionProvider takes a client first: SessionProvider(Client('/api')).")
        destinations = Destinations(getattr(client, "url", ""), allow_origins)
        if isinstance(storage, LentStorage):
            self.session = Session(client, storage_key, BorrowedIdentity(storage), ssr_friendly, destinations)
            return
        kept_in = storage_of(storage)
        if is_elsewhere(kept_in) and not ssr_friendly:
            raise StorageError(
                f"There is no {name_of(kept_in)} outside a browser. Pass ssr_friendly=True to render without an ID, "
                "or a storage that exists here: storage='memory' or an object with get, set and remove."
            )
        self._entered = False
        self._outer: tuple[Session, ...] = ()
        maker, limits = Maker(id_generator, id_format), Limits(idle_timeout, absolute_timeout)
        identity = Identity(kept_in, storage_key, maker, limits, duplicate)
        self.session = Session(client, storage_key, identity, ssr_friendly, destinations)

    def install(self) -> Session:
        """Makes this the session of the whole page, and begins to settle it; returns it.

        An earlier one of the same key and scope makes room and is closed.
        """
        for earlier in current.install(self.session):
            earlier.dispose()
        self._begin()
        return self.session

    def uninstall(self) -> None:
        """Takes the session from the page and closes it."""
        current.uninstall(self.session)
        self.session.dispose()

    def __enter__(self) -> Session:
        if self._entered:
            raise SessionError(
                "A SessionProvider is entered once, and its session ends there: make one for each `with`."
            )
        self._entered = True
        self._outer = current.enter(self.session)
        self._begin()
        return self.session

    def __exit__(self, *error: object) -> None:
        current.leave(self._outer)
        self.session.dispose()

    def _begin(self) -> None:
        try:
            self.session.start()
        except RuntimeError:
            pass  # no event loop runs yet: the first call or ready() begins it


def use_session(storage_key: "str | None" = None, scope: "str | None" = None) -> Session:
    """The session of here: the innermost provider around this code, else the page's latest.

    storage_key, scope: the one with that key, and of that scope (`"tab"`, `"browser"`, `"page"`), where there are
    several. Raises `NoSessionError` where there is none.
    """
    session = current.find(storage_key, scope)
    if session is None:
        which, how = "No session", "client"
        if scope is not None:
            which += f" per {scope}"
        if storage_key is not None:
            which, how = f"{which} with the key {storage_key!r}", f"client, storage_key={storage_key!r}"
        raise NoSessionError(f"{which} is offered here. Begin the page with SessionProvider({how}).install().")
    return session
