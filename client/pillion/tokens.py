"""The user's tokens (JWTs) of a client: asked for where they are needed, and sent to its own server only."""

from pillion._aio import settled
from pillion.authentication import LEEWAY_SECONDS, expiry
from pillion.callbacks import complain, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    FetchToken = Callable[[bool], Awaitable[str | None] | str | None]


class Tokens:
    """Those of one client.

    is_authenticated: whether the server knows the user; `None` until it has answered. logins: how often the user has
    become another. clock: milliseconds since 1970.
    """

    def __init__(self, clock: "Callable[[], int]") -> None:
        self.is_authenticated: bool | None = None
        self._clock = clock
        self._fetch: FetchToken | None = None
        self._on_change: Callable[[bool], object] | None = None
        self._token: str | None = None
        self.logins = 0

    @property
    def is_on(self) -> bool:
        """Whether there is a user, as far as is known."""
        return self._fetch is not None

    def set(self, fetch: "FetchToken | None", on_change: "Callable[[bool], object] | None") -> None:
        """From now on the user is whose tokens `fetch` gives, or nobody."""
        if fetch is not None and not callable(fetch):
            raise TypeError("set_auth() takes a function that gives a token, or None.")
        self.logins += 1
        self._fetch, self._token = fetch, None
        if fetch is None:
            self._tell(False)
        else:
            self.is_authenticated = None
        self._on_change = on_change

    async def get(self, is_fresh: bool) -> "str | None":
        """A token, one that has just been made if `is_fresh`; `None` where there is none, or none can be had."""
        if not is_fresh and self._token is not None and not self._is_late(self._token):
            return self._token
        login, fetch = self.logins, self._fetch
        if fetch is None:
            return None
        token: str | None = None
        try:
            found: object = await settled(fetch(is_fresh or self._token is not None))
            if found is not None and not _can_be_sent(found):
                raise TypeError("it gave something that is no token: a str of visible ASCII characters, or None")
            token = found  # type: ignore[assignment]
        except Exception as error:
            complain(_without(error, self._token), "the fetch_token of set_auth")
        if login != self.logins:
            return None  # meanwhile the user is another
        self._token = token
        return token

    def know(self, is_authenticated: bool) -> None:
        """The server has taken a token, or there is none that it takes: then the user is nobody."""
        if not self.is_on:
            return
        if not is_authenticated:
            self._fetch = self._token = None
        self._tell(is_authenticated)

    def _tell(self, is_authenticated: bool) -> None:
        if self.is_authenticated is not is_authenticated:
            self.is_authenticated = is_authenticated
            if self._on_change is not None:
                tell(self._on_change, is_authenticated, "the on_change of set_auth")

    def _is_late(self, token: str) -> bool:
        end = expiry(token)
        return end is not None and end - self._clock() / 1000 < LEEWAY_SECONDS


def _can_be_sent(token: object) -> bool:
    return isinstance(token, str) and bool(token) and all("!" <= letter <= "~" for letter in token)


def _without(error: Exception, token: "str | None") -> Exception:
    """The error, or one that doesn't hold the token."""
    if token is not None and token in str(error):
        return RuntimeError(type(error).__name__)
    return error
