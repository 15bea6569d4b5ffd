"""What the sync engine wants to be done, or has to tell; whoever runs it carries this out in order."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pillion.calls import Call
    from pillion.query_set import Subscription
    from pillion_shared import PillionError
    from pillion_shared.server_frames import Result


class OpenSocket:
    """A WebSocket is to be opened, under a number that the engine knows it by."""

    def __init__(self, socket: int) -> None:
        self.socket = socket


class CloseSocket:
    """A socket is of no use any more."""

    def __init__(self, socket: int, reason: str) -> None:
        self.socket = socket
        self.reason = reason


class SendText:
    """A text frame is to be sent."""

    def __init__(self, socket: int, text: str) -> None:
        self.socket = socket
        self.text = text


class Shown:
    """These subscriptions show something else, all of it as of one moment."""

    def __init__(self, subscriptions: "list[Subscription]") -> None:
        self.subscriptions = subscriptions


class Settled:
    """A call has ended; its caller is to be told."""

    def __init__(self, call: "Call", result: "Result") -> None:
        self.call = call
        self.result = result


class Dropped:
    """A call has ended that nobody waits for."""

    def __init__(self, call: "Call") -> None:
        self.call = call


class Logged:
    """A function has said something on the server."""

    def __init__(self, path: str, lines: "tuple[str, ...]") -> None:
        self.path = path
        self.lines = lines


class UpdateFailed:
    """The optimistic update of a call has raised and is dropped; the call itself goes on."""

    def __init__(self, call_id: int, error: Exception) -> None:
        self.call_id = call_id
        self.error = error


class FetchToken:
    """A token is wanted, a new one if `is_fresh`; the answer goes to `token_fetched` with the number."""

    def __init__(self, number: int, is_fresh: bool) -> None:
        self.number = number
        self.is_fresh = is_fresh


class AuthChanged:
    """The server knows who the user is, or does not any more."""

    def __init__(self, is_authenticated: bool) -> None:
        self.is_authenticated = is_authenticated


class Ended:
    """There will be no connection any more."""

    def __init__(self, error: "PillionError") -> None:
        self.error = error


if TYPE_CHECKING:
    Effect = (
        OpenSocket
        | CloseSocket
        | SendText
        | Shown
        | Settled
        | Dropped
        | Logged
        | UpdateFailed
        | FetchToken
        | AuthChanged
        | Ended
    )
