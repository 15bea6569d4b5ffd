"""The session for the HTTP libraries of Python: `requests`, `httpx` and `urllib`, in the browser and elsewhere.

None of them is imported here before the user has done so: each costs a page its start.
"""

import sys

from pillion import _platform
from pillion_shared import SessionError
from pillion_shared.wire import AUTHORIZATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from pillion.credentials import Credentials


class SessionAuth:
    """`Authorization: Session <id>` on each request, as `requests` and `httpx` ask for it: `auth=session.auth`.

    The ID is read at each request. It goes only where it may, and a value of the caller's own stays. `requests`
    and a synchronous `httpx` raise `NotReadyError` before the ID is there, an asynchronous one waits for it.
    """

    def __init__(self, credentials: "Credentials") -> None:
        self._credentials = credentials

    def __call__(self, request: "Any") -> "Any":
        self._attach(request)
        return request

    def auth_flow(self, request: "Any") -> "Generator[Any, Any, None]":
        """What httpx asks for: one request."""
        self._attach(request)
        yield request

    def sync_auth_flow(self, request: "Any") -> "Generator[Any, Any, None]":
        """What a synchronous httpx asks for."""
        return self.auth_flow(request)

    def async_auth_flow(self, request: "Any") -> "_AsyncFlow":
        """What an asynchronous httpx asks for."""
        return _AsyncFlow(self, request)

    async def wait(self, url: str) -> None:
        """Returns when a request of `url` may be sent."""
        _, is_ours = self._credentials.destinations.find(url)
        if is_ours:
            await self._credentials.wait()

    def _attach(self, request: "Any") -> None:
        if AUTHORIZATION not in request.headers:
            for name, value in self._credentials.headers(str(request.url)).items():
                request.headers[name] = value


class _AsyncFlow:
    """An asynchronous generator of one request, which MicroPython could not even read."""

    def __init__(self, auth: SessionAuth, request: "Any") -> None:
        self._auth = auth
        self._request = request

    async def __anext__(self) -> "Any":
        await self._auth.wait(str(self._request.url))
        return self._auth(self._request)

    async def asend(self, _response: object) -> "Any":
        raise StopAsyncIteration

    async def aclose(self) -> None:
        pass


_kinds: "dict[tuple[Any, ...], type[SessionAuth]]" = {}


def auth_of(credentials: "Credentials") -> SessionAuth:
    """A `SessionAuth` that is a `requests.auth.AuthBase` and an `httpx.Auth`, of those that have been imported."""
    known = (("requests.auth", "AuthBase"), ("httpx", "Auth"))
    bases = tuple([getattr(sys.modules[module], name) for module, name in known if module in sys.modules])
    if bases not in _kinds:
        _kinds[bases] = type("SessionAuth", (SessionAuth,) + bases, {}) if bases else SessionAuth
    return _kinds[bases](credentials)


def urlopen(credentials: "Credentials", url: "Any", data: "bytes | None", seconds: "float | None") -> "Any":
    """`urllib.request.urlopen` with the session. url: an address or a `urllib.request.Request`.

    In the browser it runs on what `pyodide_http.patch_urllib()` puts there, whose faults it makes up for: `data` is
    sent, an answer in chunks can be read, and a status of 400 and more raises `urllib.error.HTTPError`. Raises
    `SessionError` where that is missing.
    """
    import urllib.error
    import urllib.request

    opened = urllib.request.urlopen
    if _platform.IN_BROWSER and getattr(opened, "__module__", "") == "urllib.request":
        raise SessionError("urllib can't reach the network here: call pyodide_http.patch_urllib() first.")
    given = url if isinstance(url, urllib.request.Request) else urllib.request.Request(url)
    if given.type == "blob":  # of which urllib knows nothing, and at which Firefox hangs in a worker
        raise urllib.error.URLError("unknown url type: blob")
    if _platform.IN_BROWSER and seconds is not None:
        raise ValueError("A synchronous call in a browser takes as long as it takes: leave out timeout=.")
    own_method = type(given).get_method is not urllib.request.Request.get_method
    request = urllib.request.Request(  # a copy, because the caller's may be sent again under another ID
        given.full_url,
        given.data if data is None else data,
        given.headers,
        given.origin_req_host,
        given.unverifiable,
        given.get_method() if own_method else getattr(given, "method", None),
    )
    request.unredirected_hdrs.update(given.unredirected_hdrs)
    if not request.has_header(AUTHORIZATION):
        for name, value in credentials.headers(request.full_url).items():
            # Not `add_header`: urllib takes those along when it is redirected to another origin.
            request.add_unredirected_header(name, value)
    response = opened(request) if seconds is None else opened(request, timeout=seconds)
    if _platform.IN_BROWSER:
        response.chunked = False  # pyodide-http passes that header on, of what the browser has put together
    if response.status >= 400:
        raise urllib.error.HTTPError(request.full_url, response.status, response.reason, response.headers, response)
    return response
