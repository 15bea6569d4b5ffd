"""The ways out of the page besides the calls of functions: plain HTTP, WebSockets, server-sent events, beacons."""

from pillion import libraries
from pillion.events import EVENT_STREAM, RETRY_SECONDS, EventStream
from pillion.fetching import Fetch, FetchResponse, Outgoing, require_browser
from pillion.placing import IN_AUTHORIZATION, Placement
from pillion.websocket import WebSocket
from pillion_shared import NotReadyError, TransportError
from pillion_shared.errors import ABSENT
from pillion_shared.wire import SESSION_ARG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pillion.changes import Change
    from pillion.credentials import Credentials

MAX_BEACON = 64 * 1024
"""What may outlive a page, in bytes: the Fetch standard's limit for `keepalive`."""

CONNECT_SECONDS = 20.0
"""How long a WebSocket, or a stream of events, may take to be there."""


class WaysOut:
    """What a session can send besides calls of functions.

    All of it carries the ID in force at the moment of sending, if it goes where the ID may: the page's origin, the
    client's, and the provider's `allow_origins`. Elsewhere it goes without. A value that the caller has put there
    himself is left alone. What is awaited waits for the ID and for a refresh that is under way; what is not raises
    `NotReadyError` instead.
    """

    credentials: "Credentials"

    def follow(self, callback: "Callable[[Change | None], object]") -> "Callable[[], None]":
        """Calls back when another ID is in force, and with `None` when the session is closed; returns what ends it."""
        raise NotImplementedError

    def fetch(
        self,
        url: "Any",
        *,
        header: "str | None" = None,
        field: "str | None" = None,
        json: object = ABSENT,
        timeout: "float | None" = None,
        **options: "Any",
    ) -> Fetch:
        """The browser's fetch in the shape of PyScript's: `await session.fetch(url).json()`.

        url: an address, also in a worker relative to the page, or a Request of the browser's. header, field: a header
        by another name than `Authorization`, or a top-level field of the JSON or form body; then redirects are
        errors, because the ID would go along. json: the body, as JSON. timeout: seconds until the answer begins.
        options: those of fetch, `method` (POST where there is a body), `headers`, `body` (text, bytes, FormData, Blob,
        streams), `signal`, `keepalive` and the rest.

        It is sent when it is awaited. Raises `TransportError` when no answer comes, `ValueError` for a body without
        fields, `NotReadyError` when there is no ID.
        """
        placement = IN_AUTHORIZATION if header is None and field is None else Placement(header, field)
        outgoing = Outgoing(url, placement, options, json)
        return Fetch(self.credentials, outgoing, timeout)

    def headers(self, url: str) -> "dict[str, str]":
        """The header that carries the ID to `url`, `{}` if it doesn't go there; to be asked for at each call.

        `http.request("GET", url, headers=session.headers(url))`. Raises `NotReadyError` while there is no ID to use.
        """
        return self.credentials.headers(url)

    @property
    def auth(self) -> libraries.SessionAuth:
        """For requests and httpx, in the browser and elsewhere: `requests.get(url, auth=session.auth)`."""
        return libraries.auth_of(self.credentials)

    def urlopen(self, url: "Any", data: "bytes | None" = None, timeout: "float | None" = None) -> "Any":
        """`urllib.request.urlopen`; in the browser after `pyodide_http.patch_urllib()`. url: an address or a Request.

        timeout: seconds; `ValueError` in a browser, where no synchronous call can keep it. Raises what urllib raises,
        and `NotReadyError`.
        """
        return libraries.urlopen(self.credentials, url, data, timeout)

    async def fetcher(self, request: "Any", options: "Any" = None) -> "Any":
        """For Pyodide's pyfetch: `await pyfetch(url, fetcher=session.fetcher)`."""
        if isinstance(request, str):
            raise TypeError("session.fetcher is what pyfetch calls: await pyfetch(url, fetcher=session.fetcher).")
        outgoing = Outgoing(request, IN_AUTHORIZATION, {})
        _, is_ours = self.credentials.destinations.find(outgoing.url)
        session_id = await self.credentials.wait() if is_ours else None
        web = require_browser("session.fetcher")
        if session_id is None:
            return await web.forward(request, options)
        return await web.forward(await outgoing.with_header(session_id, options))

    async def websocket(
        self,
        url: str,
        protocols: "list[str] | None" = None,
        *,
        field: str = SESSION_ARG,
        timeout: float = CONNECT_SECONDS,
    ) -> WebSocket:
        """An open WebSocket whose first message was `{"sessionId": "<id>"}`. It is closed when another ID comes.

        field: another name for it. timeout: seconds until it is open. Raises `SessionError` for an address that may not
        have the ID, `TransportError` when it can't be reached.
        """
        return await WebSocket.connect(self.credentials, self.follow, url, protocols or [], field, timeout)

    def events(
        self,
        url: str,
        *,
        header: "str | None" = None,
        retry: float = RETRY_SECONDS,
        last_id: str = "",
        **options: "Any",
    ) -> EventStream:
        """Server-sent events: `async for event in session.events(url)`, each with `data`, `event` and `id`.

        A lost connection is made again after `retry` seconds, longer after several failures, with the `Last-Event-ID`;
        so it is, at once, when another ID comes. last_id: to begin after. header, options: as for `fetch`; a `signal`
        ends it. Raises `TransportError` for what is no address, and outside a browser.
        """
        web, placement = require_browser("session.events"), Placement(header)
        self.credentials.destinations.find(Outgoing(url, placement, options).url)
        signal = options.get("signal")

        async def connect(last: str) -> FetchResponse:
            outgoing = Outgoing(url, placement, dict(options, cache="no-store"))
            outgoing.add_header("Accept", EVENT_STREAM)
            if last:
                outgoing.add_header("Last-Event-ID", "".join([chr(octet) for octet in last.encode()]))
            try:
                return await Fetch(self.credentials, outgoing, CONNECT_SECONDS)
            except NotReadyError as error:
                self.credentials.check()  # a session that is closed has no more events
                message = str(error)
            raise TransportError(message)  # that there was a log-out meanwhile, or no ID in time: it is tried again

        return EventStream(connect, self.follow, retry, last_id, lambda: bool(web.is_aborted(signal)))

    def beacon(
        self,
        url: "Any",
        body: "Any" = None,
        *,
        json: object = ABSENT,
        header: "str | None" = None,
        field: "str | None" = None,
        **options: "Any",
    ) -> None:
        """The last word of a closing page: a POST that outlives it, whose answer nobody waits for.

        body, json, header, field, options: as for `fetch`. Raises `ValueError` for more than 64 KiB, `NotReadyError`
        while there is no ID.
        """
        web = require_browser("session.beacon")
        if not isinstance(url, str):
            raise TypeError("A beacon goes to an address; a Request is for session.fetch.")
        options.setdefault("method", "POST")
        outgoing = Outgoing(url, Placement(header, field), dict(options, body=body), json)
        href, is_ours = self.credentials.destinations.find(url)
        given = outgoing.carrying(self.credentials.now() if is_ours else None)
        size = web.size_of(given.get("body", ""))
        if size is not None and size > MAX_BEACON:
            raise ValueError(f"A beacon holds at most {MAX_BEACON} bytes: the browser would drop this one.")
        web.send_last(href, given)
