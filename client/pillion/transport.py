"""A transport is a function from request to response; this is the browser's, with the two shapes."""

from pillion import _platform
from pillion_shared import TransportError
from pillion_shared.ids import quotable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Transport(Protocol):
        """What moves calls. `send` raises `TransportError` when no answer comes back within `seconds`."""

        async def send(self, request: "Request", seconds: float) -> "Response": ...


class Request:
    """A POST to be sent. url: as the client has it, maybe relative. headers: names in lower case."""

    def __init__(self, url: str, headers: "dict[str, str]", body: str) -> None:
        self.url = url
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"Request({self.url!r})"  # the body holds a session ID


class Response:
    """What came back. status: of HTTP. text: the body."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text

    def __repr__(self) -> str:
        return f"Response({self.status})"


class FetchTransport:
    """The browser's `fetch`. Relative addresses are the page's, also in a worker; redirects are errors."""

    async def send(self, request: Request, seconds: float) -> Response:
        url, _ = located(request.url)
        status, text = await _platform.web().post(url, request.headers, request.body, seconds)
        return Response(status, text)


def located(url: str) -> "tuple[str, str | None]":
    """An address made absolute as this place does it, and its origin. Raises `TransportError` for what is none."""
    found = _platform.locate(url)
    if found is None:
        raise TransportError(f"{quotable(url)!r} is not an address that can be called: give a whole one, https://…")
    return found


def default_transport() -> "Transport":
    """The transport of this place; raises `TransportError` outside a browser, where there is none to assume."""
    if _platform.IN_BROWSER:
        return FetchTransport()
    raise TransportError(
        "Outside a browser a Client needs a transport: transport=ASGITransport(app) calls an ASGI app in this process."
    )
