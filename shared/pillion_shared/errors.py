"""Everything pillion raises, on the page and on the server.

    PillionError
    ├── NoSessionError       use_session() found no provider
    ├── SessionError         a session can't do what was asked
    │   ├── StorageError     there is no such storage in this place
    │   ├── NotReadyError    the ID was not there in time, or never will be
    │   ├── InvalidIdError   what an id_generator made is not a session ID
    │   ├── RandomnessError  this place has no cryptographic random numbers
    │   └── RefreshError     a refresh was given up; the old ID is still in force
    ├── FunctionError        the server ran the function, and the function failed
    ├── TransportError       the call did not reach the server, or no answer came back
    ├── EncodingError        a value can't travel, or what arrived is not a value
    ├── FrameError           what came over a WebSocket is no frame of the sync protocol
    └── PathError            what was called is not the path of a function

No message of these holds a session ID, unless a function of the server says one itself: what they quote of their
caller's words is made `quotable` first (see ids.py).
"""

from pillion_shared.ids import quotable
from pillion_shared.shapes import is_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class _Absent:
    """The type of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()
"""Says that a failed function gave no data at all; `None` is data like any other."""


class PillionError(Exception):
    """The root of the tree: catch it to catch everything pillion raises."""


class NoSessionError(PillionError):
    """`use_session()` was called where no `SessionProvider` is installed or entered."""


class SessionError(PillionError):
    """A session can't do what was asked of it."""


class StorageError(SessionError):
    """There is no such storage in this place, or its name is not one."""


class NotReadyError(SessionError):
    """The ID was not there within the bound, too many calls wait for it, or the session is closed."""


class InvalidIdError(SessionError):
    """An `id_generator` made something that is not a session ID (`is_session_id` says what one is)."""


class RandomnessError(SessionError):
    """This place has no cryptographically secure random numbers, so no ID can be made."""


class RefreshError(SessionError):
    """A refresh was given up (it took too long, or was called from inside itself); the old ID is in force."""


class FunctionError(PillionError):
    """The server ran the function, and the function failed.

    Server functions raise it themselves, `raise FunctionError({"code": "sold_out"})`, to tell the caller
    something; on the page the same class arrives with the same `data`.

    data: any value that `pillion_shared.values` can carry, or `ABSENT`.
    message: a sentence; without one it is taken from `data` (a string, or the `"message"` of a dict).
    log_lines: what the function said by `ctx.log(...)`, `"[LOG] ..."`, oldest first.
    """

    def __init__(self, data: object = ABSENT, message: str = "", log_lines: "Sequence[str]" = ()) -> None:
        self.data = data
        self.message = message or _sentence(data)
        self.log_lines = tuple(log_lines)
        super().__init__(self.message)


def _sentence(data: object) -> str:
    said = data.get("message") if is_dict(data) else data
    if isinstance(said, str) and said:
        return said
    if data is ABSENT or data is None:
        return "The function failed."
    shown = quotable(repr(data))
    return f"The function failed: {shown if len(shown) <= 200 else shown[:200] + '...'}"


class TransportError(PillionError):
    """The call did not reach the server, or its answer is not one of a function.

    status: the HTTP status, or `None` when there was no answer.
    code: the server's name for what it refused (`"BadJsonBody"`), or `None`.
    """

    def __init__(self, message: str, status: "int | None" = None, code: "str | None" = None) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class EncodingError(PillionError):
    """A value can't travel, or what arrived is not a value. The message begins with the place, `$.items[2]`."""


class FrameError(PillionError):
    """What came over a WebSocket is no frame of the sync protocol, or none that may come at that moment."""


class PathError(PillionError):
    """What was called is not the path of a function, `module:function`."""
