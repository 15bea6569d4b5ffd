"""Who may be given the ID: the origins that are the page's own, the client's, or allowed; compared as parsed."""

from pillion import _platform
from pillion.transport import located

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


MAX_KNOWN = 100
"""How many addresses are remembered: to take one apart costs as much as the rest of a call."""


class Destinations:
    """The origins to which a session's ID may go.

    client_url: where the client's calls go, and so the ID already. allowed: more of them, `"https://api.example"`;
    raises `ValueError` for what is no origin. origins: all of them.
    """

    def __init__(self, client_url: str = "", allowed: "Iterable[str]" = ()) -> None:
        if isinstance(allowed, str):
            raise TypeError(f"allow_origins is a list of origins, not one string: allow_origins=[{allowed!r}].")
        client = _platform.locate(client_url)
        found = [_origin(each) for each in allowed] + [_platform.home(), client and client[1]]
        self.origins = {_as_http(origin) for origin in found if origin}
        self._known: dict[str, tuple[str, bool]] = {}

    def find(self, url: str) -> "tuple[str, bool]":
        """`url` as the browser would call it, and whether the ID may go there. Raises `TransportError`.

        In the browser relative addresses are the page's, never those of a `<base>`; elsewhere there are none.
        """
        known = self._known.get(url)
        if known is None:
            href, origin = located(url)
            known = (href, self.has(origin))
            if _platform.is_whole(url):  # others change with the page's address
                if len(self._known) >= MAX_KNOWN:
                    self._known.clear()
                self._known[url] = known
        return known

    def has(self, origin: "str | None") -> bool:
        """Whether the ID may go to an origin, as browsers write it. A WebSocket is as good as its http address."""
        return origin is not None and _as_http(origin) in self.origins


def _as_http(origin: str) -> str:
    return "http" + origin[2:] if origin.startswith("ws") else origin


def _origin(text: str) -> str:
    found = _platform.locate(text) if "://" in text else None
    origin = found[1] if found is not None else None
    rest = text.partition("://")[2].partition("/")[2]
    if origin is None or rest or any(letter in text for letter in "?#@*"):
        raise ValueError(f"{text!r} is no origin: write https://HOST or http://HOST:PORT, without a path.")
    return origin
